//! A table: what its row says, and what follows from that.

use model::{
    Item, KeyAttribute, KeySchema,
    call::{
        AttributeDefinition, BillingMode, KeyRole, KeySchemaElement, OnDemandThroughput, Projection,
        ProjectionType, ProvisionedThroughput, SseSpecification, StreamSpecification, StreamViewType,
        TableClass, Tag, TimeToLiveSpecification, WarmThroughput,
    },
};
use serde::{Deserialize, Serialize};
use store::Space;

use crate::catalog::Origin;

/// What is stored of a table. A member is added with a default, so that older rows can still be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) name: String,
    /// `TableId`: another one whenever a table is made again.
    pub(crate) id: String,
    /// In milliseconds since the epoch.
    pub(crate) created_at: u64,
    pub(crate) space: u32,
    /// Where the sizes of item collections are counted, if there are local indexes.
    pub(crate) collections: Option<u32>,
    pub(crate) key_schema: Vec<KeySchemaElement>,
    pub(crate) attribute_definitions: Vec<AttributeDefinition>,
    pub(crate) billing_mode: BillingMode,
    /// When the billing mode was last set to on-demand, in milliseconds since the epoch.
    pub(crate) on_demand_since: Option<u64>,
    pub(crate) throughput: Throughput,
    pub(crate) on_demand_throughput: Option<OnDemandThroughput>,
    pub(crate) warm_throughput: Option<WarmThroughput>,
    pub(crate) indexes: Vec<IndexDefinition>,
    pub(crate) stream: Option<TableStream>,
    pub(crate) sse: Option<SseSpecification>,
    pub(crate) class: Option<TableClass>,
    pub(crate) is_protected: bool,
    pub(crate) tags: Vec<Tag>,
    pub(crate) time_to_live: Option<TimeToLiveSpecification>,
    /// While items expire.
    pub(crate) expiries: Option<Expiries>,
}

/// Where items are found by when they expire.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Expiries {
    pub(crate) space: u32,
    /// Whether items that were there before are in it by now.
    pub(crate) is_filled: bool,
}

/// What is stored of an index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IndexDefinition {
    pub(crate) name: String,
    pub(crate) kind: IndexKind,
    pub(crate) space: u32,
    pub(crate) key_schema: Vec<KeySchemaElement>,
    pub(crate) projection: Projection,
    pub(crate) throughput: Throughput,
    pub(crate) on_demand_throughput: Option<OnDemandThroughput>,
    pub(crate) warm_throughput: Option<WarmThroughput>,
    /// Whether items that were there before the index are in it by now.
    pub(crate) is_filled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum IndexKind {
    Local,
    Global,
}

/// Provisioned throughput, and what DynamoDB tells of its changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Throughput {
    pub(crate) provisioned: ProvisionedThroughput,
    /// In milliseconds since the epoch.
    pub(crate) increased_at: Option<u64>,
    pub(crate) decreased_at: Option<u64>,
    /// On the day of the last decrease.
    pub(crate) decreases: u32,
}

/// Days of the calendar in UTC, which limits of decreases go by.
pub(crate) const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

impl Throughput {
    /// DynamoDB: what is billed by the request is said to have none.
    pub(crate) fn of(provisioned: Option<ProvisionedThroughput>) -> Throughput {
        let none = ProvisionedThroughput { read_capacity_units: 0, write_capacity_units: 0 };
        Throughput {
            provisioned: provisioned.unwrap_or(none),
            increased_at: None,
            decreased_at: None,
            decreases: 0,
        }
    }

    pub(crate) fn set(&mut self, wanted: ProvisionedThroughput, now: u64) {
        let old = std::mem::replace(&mut self.provisioned, wanted);
        let compare = |of: fn(&ProvisionedThroughput) -> u64| of(&wanted).cmp(&of(&old));
        let both = [compare(|units| units.read_capacity_units), compare(|units| units.write_capacity_units)];
        if both.iter().any(|order| order.is_gt()) {
            self.increased_at = Some(now);
        }
        if both.iter().any(|order| order.is_lt()) {
            self.decreases = 1 + self.decreases_today(now);
            self.decreased_at = Some(now);
        }
    }

    pub(crate) fn decreases_today(&self, now: u64) -> u32 {
        let is_today = self.decreased_at.is_some_and(|at| at / DAY_MILLIS == now / DAY_MILLIS);
        if is_today { self.decreases } else { 0 }
    }
}

/// The latest stream, which is on, or was: its label stays known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TableStream {
    pub(crate) specification: StreamSpecification,
    pub(crate) label: String,
    pub(crate) space: u32,
}

/// A table as the operations use it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) definition: Definition,
    /// Grows with every change of the row, also over tables of the same name.
    pub(crate) version: u64,
    pub(crate) arn: String,
    pub(crate) space: Space,
    pub(crate) collections: Option<Collections>,
    /// Where changes are recorded, and what of them, if there is a stream.
    pub(crate) changes: Option<(Space, StreamViewType)>,
    pub(crate) key: KeySchema,
    pub(crate) indexes: Vec<Index>,
}

/// The item collections of a table with local indexes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collections {
    /// Where their sizes are counted.
    pub(crate) space: Space,
    /// How large each may grow.
    pub(crate) bytes_max: u64,
}

/// An index as the operations use it.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) kind: IndexKind,
    pub(crate) space: Space,
    pub(crate) key: KeySchema,
    pub(crate) projected: Projected,
    pub(crate) is_filled: bool,
}

/// Which attributes an index has, beside both keys.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Projected {
    All,
    Keys,
    Included(Vec<String>),
}

impl Table {
    /// `None` if the definition is not sound, which no operation lets in.
    pub(crate) fn new(definition: Definition, version: u64, origin: &Origin) -> Option<Table> {
        let types = &definition.attribute_definitions;
        let key = key_schema(&definition.key_schema, types)?;
        let indexes =
            definition.indexes.iter().map(|index| Index::new(index, types)).collect::<Option<_>>()?;
        let arn = origin.table_arn(&definition.name);
        let space = Space(definition.space);
        let bytes_max = origin.item_collection_bytes_max;
        let collections = definition.collections.map(|space| Collections { space: Space(space), bytes_max });
        let changes = definition.stream.as_ref().filter(|stream| stream.specification.stream_enabled);
        let changes =
            changes.and_then(|stream| Some((Space(stream.space), stream.specification.stream_view_type?)));
        Some(Table { version, arn, space, collections, changes, key, indexes, definition })
    }

    pub(crate) fn name(&self) -> &str {
        &self.definition.name
    }

    /// Where items are found by when they expire, and the attribute that says when, if they do.
    pub(crate) fn expiries(&self) -> Option<(Space, &str)> {
        let attribute = &self.definition.time_to_live.as_ref()?.attribute_name;
        self.definition.expiries.map(|expiries| (Space(expiries.space), attribute.as_str()))
    }

    pub(crate) fn index(&self, name: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// Every keyspace that goes with the table. Its streams stay.
    pub(crate) fn spaces(&self) -> impl Iterator<Item = Space> {
        let indexes = self.indexes.iter().map(|index| index.space);
        let expiries = self.definition.expiries.map(|expiries| Space(expiries.space));
        std::iter::once(self.space)
            .chain(self.collections.map(|collections| collections.space))
            .chain(expiries)
            .chain(indexes)
    }
}

impl Index {
    fn new(definition: &IndexDefinition, types: &[AttributeDefinition]) -> Option<Index> {
        let projected = match definition.projection.projection_type {
            Some(ProjectionType::KeysOnly) => Projected::Keys,
            Some(ProjectionType::Include) => {
                Projected::Included(definition.projection.non_key_attributes.clone().unwrap_or_default())
            }
            Some(ProjectionType::All) | None => Projected::All,
        };
        Some(Index {
            name: definition.name.clone(),
            kind: definition.kind,
            space: Space(definition.space),
            key: key_schema(&definition.key_schema, types)?,
            projected,
            is_filled: definition.is_filled,
        })
    }

    /// Whether it has an attribute of every item that has it.
    pub(crate) fn has(&self, table: &Table, attribute: &str) -> bool {
        let is_key = || {
            let mut keys = self.key.attributes().chain(table.key.attributes());
            keys.any(|key| key.name == attribute)
        };
        match &self.projected {
            Projected::All => true,
            Projected::Keys => is_key(),
            Projected::Included(names) => names.iter().any(|name| name == attribute) || is_key(),
        }
    }
}

/// The attributes of a key out of an item.
pub(crate) fn key_item<'a>(attributes: impl Iterator<Item = &'a KeyAttribute>, item: &Item) -> Item {
    attributes.filter_map(|key| Some((key.name.clone(), item.get(&key.name)?.clone()))).collect()
}

fn key_schema(elements: &[KeySchemaElement], types: &[AttributeDefinition]) -> Option<KeySchema> {
    let attribute = |element: &KeySchemaElement| {
        let defined = types.iter().find(|defined| defined.attribute_name == element.attribute_name)?;
        Some(KeyAttribute { name: element.attribute_name.clone(), key_type: defined.attribute_type })
    };
    let part = |role: KeyRole| {
        elements.iter().filter(|element| element.role == role).map(attribute).collect::<Option<Vec<_>>>()
    };
    let key = KeySchema { partition: part(KeyRole::Partition)?, sort: part(KeyRole::Sort)? };
    (!key.partition.is_empty()).then_some(key)
}
