//! What is refused before it gets to any table.

use serde_json::{Value, json};

use super::{Way, on_every_way, plain, with};

/// What the engine has no code for, each asked as a client would.
pub(super) const NOT_BUILT: &[&str] = &[
    "SearchVectors",
    "RestoreTableFromBackup",
    "RestoreTableToPointInTime",
    "ImportTable",
    "CreateGlobalTable",
    "UpdateGlobalTable",
    "DescribeBackup",
    "DescribeContributorInsights",
    "DescribeExport",
    "DescribeGlobalTable",
    "DescribeGlobalTableSettings",
    "DescribeImport",
    "DescribeKinesisStreamingDestination",
    "DescribeTableReplicaAutoScaling",
    "GetResourcePolicy",
    "ListBackups",
    "ListContributorInsights",
    "ListExports",
    "ListGlobalTables",
    "ListImports",
    "CreateBackup",
    "DeleteBackup",
    "DeleteResourcePolicy",
    "EnableKinesisStreamingDestination",
    "ExportTableToPointInTime",
    "PutResourcePolicy",
    "UpdateContinuousBackups",
    "UpdateContributorInsights",
    "UpdateGlobalTableSettings",
    "UpdateKinesisStreamingDestination",
    "UpdateTableReplicaAutoScaling",
    "DisableKinesisStreamingDestination",
    "StartBulkPutItems",
    "DescribeBulkOperation",
    "ListBulkOperations",
    "CancelBulkOperation",
];

#[tokio::test]
async fn what_the_engine_lacks_it_says() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        for operation in NOT_BUILT {
            let request = json!({ "TableName": "Music" });
            let message =
                format!("{operation} is not supported by the bundled engine of this version of linac.");
            way.refused(operation, request, "UnknownOperationException", &message).await;
        }
        way.refused("Frobnicate", json!({ "TableName": "Music" }), "UnknownOperationException", "").await;
        // Members of operations that it has are refused rather than lost.
        way.invalid(
            "UpdateTable",
            json!({ "TableName": "Music", "ReplicaUpdates": [{ "Create": { "RegionName": "eu-west-1" } }] }),
            "ReplicaUpdates is not supported by the bundled engine of this version of linac.",
        )
        .await;
        way.item("Music", json!({ "p": { "S": "a" } })).await;
    })
    .await;
}

#[tokio::test]
async fn bodies_that_are_no_requests_are_refused() {
    on_every_way(async |way: &Way| {
        way.with_table("Music").await;
        let key = json!({ "p": { "S": "a" } });
        let get = json!({ "TableName": "Music", "Key": key });
        let put = |value: Value| json!({ "TableName": "Music", "Item": { "p": { "S": "a" }, "v": value } });
        let serialization = "SerializationException";
        for body in ["", "{", "[]", "null", "7", "\"text\"", "{\"TableName\":\"Music\",}", "{} {}"] {
            let answer = way.node.post("GetItem", body).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, serialization), "{body}: {answer:?}");
        }
        for (operation, request, code, message) in [
            (
                "GetItem",
                with(&get, json!({ "TableName": 7 })),
                serialization,
                "NUMBER_VALUE cannot be converted to String",
            ),
            (
                "GetItem",
                with(&get, json!({ "ConsistentRead": "maybe" })),
                serialization,
                "Unexpected token received from parser",
            ),
            (
                "GetItem",
                with(&get, json!({ "TableName": "no" })),
                "ValidationException",
                "1 validation error detected: Value 'no' at 'tableName' failed to satisfy constraint: Member must have \
                 length greater than or equal to 3",
            ),
            (
                "PutItem",
                put(json!({})),
                "ValidationException",
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ),
            (
                "PutItem",
                put(json!({ "S": "a", "N": "1" })),
                "ValidationException",
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
                 datatypes",
            ),
            (
                "PutItem",
                put(json!({ "N": "x" })),
                "ValidationException",
                "1 validation error detected: The parameter cannot be converted to a numeric value: x",
            ),
            (
                "PutItem",
                put(json!({ "N": "1e126" })),
                "ValidationException",
                "1 validation error detected: Number overflow. Attempting to store a number with magnitude larger \
                 than supported range",
            ),
            (
                "PutItem",
                put(json!({ "N": "1234567890123456789012345678901234567890" })),
                "ValidationException",
                "1 validation error detected: Attempting to store more than 38 significant digits in a Number",
            ),
            (
                "PutItem",
                put(json!({ "SS": [] })),
                "ValidationException",
                "1 validation error detected: One or more parameter values were invalid: An string set  may not be \
                 empty",
            ),
            (
                "PutItem",
                put(json!({ "NS": ["1", "1.0"] })),
                "ValidationException",
                "1 validation error detected: One or more parameter values were invalid: Input collection contains \
                 duplicates.",
            ),
            (
                "CreateTable",
                with(&plain("Odd"), json!({ "BillingMode": "FREE" })),
                "ValidationException",
                "1 validation error detected: Value 'FREE' at 'billingMode' failed to satisfy constraint: Member must \
                 satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]",
            ),
        ] {
            way.refused(operation, request, code, message).await;
        }
        assert!(way.item("Music", key).await.is_null());
    })
    .await;
}
