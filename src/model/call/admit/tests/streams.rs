//! Requests of streams.

use super::*;

const ARN: &str = "arn:aws:dynamodb:eu-west-1:000000000000:table/Tab/stream/2024-01-01T00:00:00.000";
const SHARD: &str = "shardId-00000001700000000000-00000000";

fn place(kind: &str) -> Value {
    json!({ "StreamArn": ARN, "ShardId": SHARD, "ShardIteratorType": kind })
}

#[test]
fn what_makes_sense_is_admitted() {
    let number = json!({ "SequenceNumber": "1".repeat(21) });
    let cases = [
        ("ListStreams", json!({})),
        ("ListStreams", json!({ "TableName": "Tab", "Limit": 100, "ExclusiveStartStreamArn": ARN })),
        ("DescribeStream", json!({ "StreamArn": ARN, "Limit": 1, "ExclusiveStartShardId": SHARD })),
        (
            "DescribeStream",
            json!({ "StreamArn": ARN, "ShardFilter": { "Type": "CHILD_SHARDS", "ShardId": SHARD } }),
        ),
        ("GetShardIterator", place("LATEST")),
        ("GetShardIterator", place("TRIM_HORIZON")),
        ("GetShardIterator", with(place("AT_SEQUENCE_NUMBER"), number.clone())),
        ("GetShardIterator", with(place("AFTER_SEQUENCE_NUMBER"), number)),
        ("GetRecords", json!({ "ShardIterator": "x", "Limit": 1000 })),
    ];
    for (operation, body) in cases {
        admitted(operation, body);
    }
}

#[test]
fn constraints_are_those_of_the_model_and_the_limits_those_of_its_prose() {
    let one = |violation: &str| format!("1 validation error detected: {violation}");
    let at_most = |limit: u32, max: u32| {
        one(&format!(
            "Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to {max}"
        ))
    };
    refused("ListStreams", json!({ "Limit": 101 }), &at_most(101, 100));
    refused("DescribeStream", json!({ "StreamArn": ARN, "Limit": 101 }), &at_most(101, 100));
    refused("GetRecords", json!({ "ShardIterator": "x", "Limit": 1001 }), &at_most(1001, 1000));
    refused(
        "DescribeStream",
        json!({}),
        &one("Value null at 'streamArn' failed to satisfy constraint: Member must not be null"),
    );
    refused(
        "GetShardIterator",
        place("SOMEWHERE"),
        &one(
            "Value 'SOMEWHERE' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value \
             set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
        ),
    );
    refused(
        "GetShardIterator",
        with(place("LATEST"), json!({ "ShardId": "short", "SequenceNumber": "1" })),
        "2 validation errors detected: Value 'short' at 'shardId' failed to satisfy constraint: Member must have \
         length greater than or equal to 28; Value '1' at 'sequenceNumber' failed to satisfy constraint: Member \
         must have length greater than or equal to 21",
    );
    refused(
        "DescribeStream",
        json!({ "StreamArn": ARN, "ShardFilter": { "Type": "PARENTS", "ShardId": SHARD } }),
        &one(
            "Value 'PARENTS' at 'shardFilter.type' failed to satisfy constraint: Member must satisfy enum value \
             set: [CHILD_SHARDS]",
        ),
    );
}

#[test]
fn arns_filters_and_numbers_have_to_make_sense() {
    for arn in ["fake-stream", "arn:aws:dynamodb:eu-west-1:000000000000:table/Tab"] {
        refused("DescribeStream", json!({ "StreamArn": arn }), "Invalid StreamArn");
        refused("GetShardIterator", with(place("LATEST"), json!({ "StreamArn": arn })), "Invalid StreamArn");
        refused("ListStreams", json!({ "ExclusiveStartStreamArn": arn }), "Invalid StreamArn");
    }
    let filtered = |filter: Value| json!({ "StreamArn": ARN, "ShardFilter": filter });
    refused("DescribeStream", filtered(json!({ "ShardId": SHARD })), "ShardFilter must have a Type");
    refused("DescribeStream", filtered(json!({ "Type": "CHILD_SHARDS" })), "ShardFilter must have a ShardId");
    let numbered = |kind: &str, number: &str| with(place(kind), json!({ "SequenceNumber": number }));
    for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
        let message = format!("A SequenceNumber is required for ShardIteratorType {kind}");
        refused("GetShardIterator", place(kind), &message);
        refused("GetShardIterator", numbered(kind, &"x".repeat(21)), "Invalid SequenceNumber");
    }
    for kind in ["LATEST", "TRIM_HORIZON"] {
        let message = format!("A SequenceNumber is not allowed for ShardIteratorType {kind}");
        refused("GetShardIterator", numbered(kind, &"1".repeat(21)), &message);
    }
}
