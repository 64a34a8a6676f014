//! The closed sets of words that requests choose from.

use serde::{Deserialize, Serialize};

macro_rules! closed_sets {
    ($($(#[$set:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$set])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$about])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// In the order in which DynamoDB's errors list them.
            pub const NAMES: &'static [&'static str] = &[$($text),*];

            /// As it is written in a request.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    )*};
}

closed_sets! {
    /// `ReturnConsumedCapacity`.
    ReturnConsumedCapacity {
        /// By table and index.
        Indexes = "INDEXES",
        /// In sum.
        Total = "TOTAL",
        /// Not at all.
        None = "NONE",
    }

    /// `ReturnItemCollectionMetrics`.
    ReturnItemCollectionMetrics {
        /// Of the item collections that were written.
        Size = "SIZE",
        /// Not at all.
        None = "NONE",
    }

    /// `ReturnValues`: which image of the item the answer to a write carries.
    ReturnValues {
        /// The whole item, as it is now.
        AllNew = "ALL_NEW",
        /// What was updated, as it was before.
        UpdatedOld = "UPDATED_OLD",
        /// The whole item, as it was before.
        AllOld = "ALL_OLD",
        /// Nothing.
        None = "NONE",
        /// What was updated, as it is now.
        UpdatedNew = "UPDATED_NEW",
    }

    /// `ReturnValuesOnConditionCheckFailure`.
    ReturnValuesOnConditionCheckFailure {
        /// The item that did not meet the condition.
        AllOld = "ALL_OLD",
        /// Nothing.
        None = "NONE",
    }

    /// `ConditionalOperator`.
    ConditionalOperator {
        /// One of the conditions suffices.
        Or = "OR",
        /// All conditions must be met.
        And = "AND",
    }

    /// `Action` of AttributeUpdates.
    AttributeAction {
        /// Adds to a number or a set.
        Add = "ADD",
        /// Removes the attribute, or elements of a set.
        Delete = "DELETE",
        /// Sets the attribute.
        Put = "PUT",
    }

    /// `Select`.
    Select {
        /// What the projection names.
        SpecificAttributes = "SPECIFIC_ATTRIBUTES",
        /// How many items there are.
        Count = "COUNT",
        /// Whole items.
        AllAttributes = "ALL_ATTRIBUTES",
        /// What the index holds.
        AllProjectedAttributes = "ALL_PROJECTED_ATTRIBUTES",
    }

    /// `KeyType` of a key schema's element.
    KeyRole {
        /// Part of the partition key.
        Partition = "HASH",
        /// Part of the sort key.
        Sort = "RANGE",
    }

    /// `BillingMode`.
    BillingMode {
        /// By capacity units set aside.
        Provisioned = "PROVISIONED",
        /// By the request.
        PayPerRequest = "PAY_PER_REQUEST",
    }

    /// `ProjectionType`: which attributes an index holds besides the keys.
    ProjectionType {
        /// All.
        All = "ALL",
        /// The named ones.
        Include = "INCLUDE",
        /// None.
        KeysOnly = "KEYS_ONLY",
    }

    /// `StreamViewType`: what the records of a stream carry.
    StreamViewType {
        /// The item after the write.
        NewImage = "NEW_IMAGE",
        /// The item before the write.
        OldImage = "OLD_IMAGE",
        /// Both.
        NewAndOldImages = "NEW_AND_OLD_IMAGES",
        /// Neither.
        KeysOnly = "KEYS_ONLY",
    }

    /// `ShardIteratorType`: where in a shard reading begins.
    ShardIteratorType {
        /// Behind the record of a sequence number.
        AfterSequenceNumber = "AFTER_SEQUENCE_NUMBER",
        /// Behind the newest record that there is.
        Latest = "LATEST",
        /// With the record of a sequence number.
        AtSequenceNumber = "AT_SEQUENCE_NUMBER",
        /// With the oldest record that there is.
        TrimHorizon = "TRIM_HORIZON",
    }

    /// `SSEType`.
    SseType {
        /// Never taken by DynamoDB, though its model has it.
        Aes256 = "AES256",
        /// A key of the key management service.
        Kms = "KMS",
    }

    /// `TableClass`.
    TableClass {
        /// The default.
        Standard = "STANDARD",
        /// Cheaper to keep, dearer to use.
        StandardInfrequentAccess = "STANDARD_INFREQUENT_ACCESS",
    }
}
