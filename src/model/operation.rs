//! The table of operations: one row each, read by dispatch, the cache's plan, metrics and policies.

/// Which of the two services an operation belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    /// `DynamoDB_20120810`.
    DynamoDb,
    /// `DynamoDBStreams_20120810`; on AWS it has hosts of its own.
    Streams,
}

/// What an operation may do to items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing at all.
    Reads,
    /// Changes settings, but no item and not the life of a table: tags, capacity, streams, backups.
    Administers,
    /// Changes items that the request names by their keys.
    WritesItems,
    /// The statements in the request decide.
    Executes,
    /// Makes, drops, fills or replaces whole tables, perhaps long after it was answered.
    ReplacesTables,
    /// Makes or drops indexes of a table, perhaps long after it was answered, and changes its settings.
    ReplacesIndexes,
}

/// Whether and how the answers of an operation may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CachedAs {
    /// Never.
    Nothing,
    /// Item by item.
    Items,
    /// Page by page.
    Results,
}

/// A row of [`OPERATIONS`].
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// As in the part of `X-Amz-Target` behind the dot.
    pub name: &'static str,
    /// The service that has it.
    pub api: Api,
    /// What it may do to items.
    pub effect: Effect,
    /// Whether its answers may be kept.
    pub cached_as: CachedAs,
}

impl Operation {
    const fn new(name: &'static str, effect: Effect) -> Operation {
        Operation { name, api: Api::DynamoDb, effect, cached_as: CachedAs::Nothing }
    }

    const fn read(name: &'static str) -> Operation {
        Operation::new(name, Effect::Reads)
    }

    const fn administer(name: &'static str) -> Operation {
        Operation::new(name, Effect::Administers)
    }

    const fn write(name: &'static str) -> Operation {
        Operation::new(name, Effect::WritesItems)
    }

    const fn execute(name: &'static str) -> Operation {
        Operation::new(name, Effect::Executes)
    }

    const fn replace(name: &'static str) -> Operation {
        Operation::new(name, Effect::ReplacesTables)
    }

    const fn cached_as(self, cached_as: CachedAs) -> Operation {
        Operation { cached_as, ..self }
    }

    const fn of(self, api: Api) -> Operation {
        Operation { api, ..self }
    }

    /// The place of this row in [`OPERATIONS`], for tables of counters.
    pub fn index(&'static self) -> usize {
        OPERATIONS.iter().position(|row| std::ptr::eq(row, self)).unwrap_or(OPERATIONS.len())
    }
}

/// Every operation that this version knows.
///
/// An operation that is not here is treated as one that may write anything.
pub static OPERATIONS: &[Operation] = &[
    Operation::read("GetItem").cached_as(CachedAs::Items),
    Operation::read("BatchGetItem").cached_as(CachedAs::Items),
    Operation::read("Query").cached_as(CachedAs::Results),
    Operation::read("Scan").cached_as(CachedAs::Results),
    Operation::read("SearchVectors"),
    Operation::read("TransactGetItems"),
    Operation::write("PutItem"),
    Operation::write("UpdateItem"),
    Operation::write("DeleteItem"),
    Operation::write("BatchWriteItem"),
    Operation::write("TransactWriteItems"),
    Operation::execute("ExecuteStatement"),
    Operation::execute("BatchExecuteStatement"),
    Operation::execute("ExecuteTransaction"),
    Operation::replace("CreateTable"),
    Operation::replace("DeleteTable"),
    Operation::replace("RestoreTableFromBackup"),
    Operation::replace("RestoreTableToPointInTime"),
    Operation::replace("ImportTable"),
    Operation::replace("CreateGlobalTable"),
    Operation::replace("UpdateGlobalTable"),
    // A bulk load goes on behind its answer, and whoever waits for it asks for its state: so each look at
    // it counts as one of its writes.
    Operation::replace("StartBulkPutItems"),
    Operation::replace("DescribeBulkOperation"),
    Operation::replace("ListBulkOperations"),
    Operation::replace("CancelBulkOperation"),
    Operation::read("DescribeTable"),
    Operation::read("ListTables"),
    Operation::read("DescribeBackup"),
    Operation::read("DescribeContinuousBackups"),
    Operation::read("DescribeContributorInsights"),
    Operation::read("DescribeEndpoints"),
    Operation::read("DescribeExport"),
    Operation::read("DescribeGlobalTable"),
    Operation::read("DescribeGlobalTableSettings"),
    Operation::read("DescribeImport"),
    Operation::read("DescribeKinesisStreamingDestination"),
    Operation::read("DescribeLimits"),
    Operation::read("DescribeTableReplicaAutoScaling"),
    Operation::read("DescribeTimeToLive"),
    Operation::read("GetResourcePolicy"),
    Operation::read("ListBackups"),
    Operation::read("ListContributorInsights"),
    Operation::read("ListExports"),
    Operation::read("ListGlobalTables"),
    Operation::read("ListImports"),
    Operation::read("ListTagsOfResource"),
    Operation::administer("CreateBackup"),
    Operation::administer("DeleteBackup"),
    Operation::administer("DeleteResourcePolicy"),
    Operation::administer("DisableKinesisStreamingDestination"),
    Operation::administer("EnableKinesisStreamingDestination"),
    Operation::administer("ExportTableToPointInTime"),
    Operation::administer("PutResourcePolicy"),
    Operation::administer("TagResource"),
    Operation::administer("UntagResource"),
    Operation::administer("UpdateContinuousBackups"),
    Operation::administer("UpdateContributorInsights"),
    Operation::administer("UpdateGlobalTableSettings"),
    Operation::administer("UpdateKinesisStreamingDestination"),
    Operation::new("UpdateTable", Effect::ReplacesIndexes),
    Operation::administer("UpdateTableReplicaAutoScaling"),
    Operation::administer("UpdateTimeToLive"),
    Operation::read("ListStreams").of(Api::Streams),
    Operation::read("DescribeStream").of(Api::Streams),
    Operation::read("GetShardIterator").of(Api::Streams),
    Operation::read("GetRecords").of(Api::Streams),
];

const DYNAMODB_PREFIX: &str = "DynamoDB_20120810.";
const STREAMS_PREFIX: &str = "DynamoDBStreams_20120810.";

/// What a request asks for, from its `X-Amz-Target` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A row of the table.
    Known(&'static Operation),
    /// A well-formed target that the table does not have: an operation of the future, or a slip.
    Unknown {
        /// The service named before the dot.
        api: Api,
        /// The whole header value.
        header: String,
    },
}

impl Target {
    /// Reads an `X-Amz-Target` value; `None` when it names neither service.
    pub fn parse(header: &str) -> Option<Target> {
        let (api, name) = match header.strip_prefix(DYNAMODB_PREFIX) {
            Some(name) => (Api::DynamoDb, name),
            None => (Api::Streams, header.strip_prefix(STREAMS_PREFIX)?),
        };
        let known = OPERATIONS.iter().find(|row| row.name == name && row.api == api);
        Some(match known {
            Some(row) => Target::Known(row),
            None => Target::Unknown { api, header: header.to_owned() },
        })
    }

    /// The target of a known operation.
    ///
    /// # Panics
    /// When the table has no such row: the name is one that this code spells out.
    pub fn of(name: &str) -> Target {
        let known = OPERATIONS.iter().find(|row| row.name == name);
        Target::Known(known.expect("operations are spelled as in the table"))
    }

    /// The `X-Amz-Target` value.
    pub fn header(&self) -> String {
        match self {
            Target::Known(Operation { api: Api::DynamoDb, name, .. }) => format!("{DYNAMODB_PREFIX}{name}"),
            Target::Known(Operation { api: Api::Streams, name, .. }) => format!("{STREAMS_PREFIX}{name}"),
            Target::Unknown { header, .. } => header.clone(),
        }
    }

    /// The service that it belongs to.
    pub fn api(&self) -> Api {
        match self {
            Target::Known(row) => row.api,
            Target::Unknown { api, .. } => *api,
        }
    }

    /// The row, if the table has one.
    pub fn known(&self) -> Option<&'static Operation> {
        match self {
            Target::Known(row) => Some(row),
            Target::Unknown { .. } => None,
        }
    }

    /// The name for metrics and logs: never what a client made up.
    pub fn word(&self) -> &'static str {
        self.known().map_or("unknown", |row| row.name)
    }

    /// Whether it is certain to change nothing. `Executes` depends on the statements, so it is not.
    pub fn only_reads(&self) -> bool {
        self.known().is_some_and(|row| row.effect == Effect::Reads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_find_their_row() {
        for (place, row) in OPERATIONS.iter().enumerate() {
            assert_eq!(Target::parse(&Target::Known(row).header()), Some(Target::Known(row)));
            assert_eq!(row.index(), place);
        }
    }

    #[test]
    fn a_target_is_known_unknown_or_none() {
        assert_eq!(Target::parse("DynamoDB_20120810.GetItem").unwrap().word(), "GetItem");
        assert_eq!(Target::parse("DynamoDBStreams_20120810.GetRecords").unwrap().api(), Api::Streams);
        // The right name in the wrong service is not that operation.
        assert_eq!(Target::parse("DynamoDBStreams_20120810.GetItem").unwrap().word(), "unknown");
        assert_eq!(Target::parse("DynamoDB_20120810.Frobnicate").unwrap().word(), "unknown");
        assert_eq!(Target::parse("DynamoDB_20111205.GetItem"), None);
        assert_eq!(Target::parse(""), None);
    }
}
