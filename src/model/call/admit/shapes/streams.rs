//! The requests of the streams' API.
//!
//! DynamoDB: the upper limits are those of its API reference ("The upper limit is 100", "1000"); the model has
//! but the lower ones. An ARN that is too short is no ARN, and that is said in other words (see the rules).

use super::{
    Integer, LengthAtLeast, LengthAtMost, NAME, Of, OneOf, Shape, String, Structure, TEXT, optional, required,
};
use crate::call::{ShardIteratorType, admit::constraint::Rule};

const SHARD_ID: Shape = String(&[LengthAtLeast(28), LengthAtMost(65)]);
const LIMIT: Shape = Integer(&[Rule::AtLeast(1), Rule::AtMost(100)]);

pub(in crate::call::admit) static LIST_STREAMS: Structure = Structure {
    name: "ListStreamsInput",
    members: &[
        optional("TableName", NAME),
        optional("Limit", LIMIT),
        optional("ExclusiveStartStreamArn", TEXT),
    ],
};

pub(in crate::call::admit) static DESCRIBE_STREAM: Structure = Structure {
    name: "DescribeStreamInput",
    members: &[
        required("StreamArn", TEXT),
        optional("Limit", LIMIT),
        optional("ExclusiveStartShardId", SHARD_ID),
        optional("ShardFilter", Of(&SHARD_FILTER)),
    ],
};

static SHARD_FILTER: Structure = Structure {
    name: "ShardFilter",
    members: &[optional("Type", String(&[OneOf(&["CHILD_SHARDS"])])), optional("ShardId", SHARD_ID)],
};

pub(in crate::call::admit) static GET_SHARD_ITERATOR: Structure = Structure {
    name: "GetShardIteratorInput",
    members: &[
        required("StreamArn", TEXT),
        required("ShardId", SHARD_ID),
        required("ShardIteratorType", String(&[OneOf(ShardIteratorType::NAMES)])),
        optional("SequenceNumber", String(&[LengthAtLeast(21), LengthAtMost(40)])),
    ],
};

pub(in crate::call::admit) static GET_RECORDS: Structure = Structure {
    name: "GetRecordsInput",
    members: &[
        required("ShardIterator", String(&[LengthAtLeast(1), LengthAtMost(2048)])),
        optional("Limit", Integer(&[Rule::AtLeast(1), Rule::AtMost(1000)])),
    ],
};
