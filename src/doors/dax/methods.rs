//! THE table of the protocol's methods.

use std::{fmt, sync::LazyLock};

use model::Target;

/// DAX: the one service that methods are of.
pub(crate) const SERVICE: i64 = 1;

/// A method of the protocol, by the name that clients have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Says who calls; it alone has no reply.
    AuthorizeConnection,
    /// Asks for the nodes.
    Endpoints,
    /// Asks for a table's key attributes.
    DefineKeySchema,
    /// Asks for the number of a list of attribute names.
    DefineAttributeListId,
    /// Asks for the names behind such a number.
    DefineAttributeList,
    /// GetItem.
    GetItem,
    /// PutItem.
    PutItem,
    /// UpdateItem.
    UpdateItem,
    /// DeleteItem.
    DeleteItem,
    /// Query.
    Query,
    /// Scan.
    Scan,
    /// BatchGetItem.
    BatchGetItem,
    /// BatchWriteItem.
    BatchWriteItem,
    /// TransactGetItems.
    TransactGetItems,
    /// TransactWriteItems.
    TransactWriteItems,
}

struct Row {
    method: Method,
    id: i32,
    name: &'static str,
    /// How many values follow the id: nothing on the wire says where a request ends.
    arguments: usize,
    /// DynamoDB's name, where the method is an operation of it.
    operation: Option<&'static str>,
}

const fn metadata(method: Method, id: i32, name: &'static str, arguments: usize) -> Row {
    Row { method, id, name, arguments, operation: None }
}

const fn data(method: Method, id: i32, name: &'static str, arguments: usize, operation: &'static str) -> Row {
    Row { method, id, name, arguments, operation: Some(operation) }
}

// In the order of the enum. Clients have ids of more methods (`methods`, `services`, and those of tables), but send
// none of them, so nobody knows how many arguments they would have.
const ROWS: &[Row] = &[
    metadata(Method::AuthorizeConnection, 1_489_122_155, "authorizeConnection", 5),
    metadata(Method::Endpoints, 455_855_874, "endpoints", 0),
    metadata(Method::DefineKeySchema, -742_646_399, "defineKeySchema", 1),
    metadata(Method::DefineAttributeListId, -1_230_579_644, "defineAttributeListId", 1),
    metadata(Method::DefineAttributeList, 670_678_385, "defineAttributeList", 1),
    data(Method::GetItem, 263_244_906, "getItem", 3, "GetItem"),
    data(Method::PutItem, -2_106_490_455, "putItem", 4, "PutItem"),
    data(Method::UpdateItem, 1_425_579_023, "updateItem", 3, "UpdateItem"),
    data(Method::DeleteItem, 1_013_539_361, "deleteItem", 3, "DeleteItem"),
    data(Method::Query, -931_250_863, "query", 3, "Query"),
    data(Method::Scan, -1_875_390_620, "scan", 2, "Scan"),
    data(Method::BatchGetItem, -697_851_100, "batchGetItem", 2, "BatchGetItem"),
    data(Method::BatchWriteItem, 116_217_951, "batchWriteItem", 2, "BatchWriteItem"),
    data(Method::TransactGetItems, 1_866_287_579, "transactGetItems", 4, "TransactGetItems"),
    data(Method::TransactWriteItems, -1_160_037_738, "transactWriteItems", 9, "TransactWriteItems"),
];

static TARGETS: LazyLock<Vec<Option<Target>>> =
    LazyLock::new(|| ROWS.iter().map(|row| row.operation.map(Target::of)).collect());

impl Method {
    /// Every method, in the order of [`Method::index`].
    pub fn all() -> impl ExactSizeIterator<Item = Method> {
        ROWS.iter().map(|row| row.method)
    }

    /// The method of an id.
    pub fn of_id(id: i64) -> Option<Method> {
        ROWS.iter().find(|row| i64::from(row.id) == id).map(|row| row.method)
    }

    /// How the protocol calls it.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Its number on the wire.
    pub fn id(self) -> i32 {
        self.row().id
    }

    /// How many values follow its id.
    pub fn arguments(self) -> usize {
        self.row().arguments
    }

    /// DynamoDB's name for it, if it is an operation on data.
    pub fn operation(self) -> Option<&'static str> {
        self.row().operation
    }

    /// The same as a target of calls.
    pub(crate) fn target(self) -> Option<&'static Target> {
        TARGETS[self.index()].as_ref()
    }

    /// Its place in the table.
    pub fn index(self) -> usize {
        // Variants and rows are in one order, as a test shows.
        self as usize
    }

    fn row(self) -> &'static Row {
        &ROWS[self.index()]
    }
}

impl fmt::Display for Method {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn variants_and_rows_are_in_one_order() {
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!(row.method.index(), at, "{}", row.name);
            assert_eq!(Method::of_id(row.id.into()), Some(row.method));
            assert_eq!(format!("{:?}", row.method).to_lowercase(), row.name.to_lowercase());
            if let Some(operation) = row.operation {
                assert_eq!(operation.to_lowercase(), row.name.to_lowercase());
                assert!(model::OPERATIONS.iter().any(|known| known.name == operation), "{operation}");
            }
        }
        assert_eq!(ROWS.iter().map(|row| row.id).collect::<HashSet<_>>().len(), ROWS.len());
    }

    #[test]
    fn ids_that_no_client_sends_are_unknown() {
        for id in [0, 1, 785_068_263, -1_016_793_520, i64::MAX, i64::MIN, 263_244_906 + (1 << 32)] {
            assert_eq!(Method::of_id(id), None, "{id}");
        }
    }
}
