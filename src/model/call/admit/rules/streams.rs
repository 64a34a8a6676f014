//! The rules of the streams' API.

use super::{Checked, Tree};
use crate::{ApiError, StreamRef};

pub(in crate::call::admit) fn list_streams(request: &Tree) -> Checked {
    check_stream_arn(request.get("ExclusiveStartStreamArn"))
}

pub(in crate::call::admit) fn describe_stream(request: &Tree) -> Checked {
    check_stream_arn(request.get("StreamArn"))?;
    let Some(filter) = request.get("ShardFilter") else { return Ok(()) };
    match ["Type", "ShardId"].into_iter().find(|member| !filter.has(member)) {
        None => Ok(()),
        Some(member) => Err(ApiError::validation(format!("ShardFilter must have a {member}"))),
    }
}

pub(in crate::call::admit) fn get_shard_iterator(request: &Tree) -> Checked {
    check_stream_arn(request.get("StreamArn"))?;
    let kind = request.get("ShardIteratorType").and_then(Tree::text).unwrap_or_default();
    let needs_number = kind.ends_with("_SEQUENCE_NUMBER");
    // DynamoDB: both are refused (Alternator's tests, which also run against the service).
    match request.get("SequenceNumber").and_then(Tree::text) {
        None if needs_number => {
            Err(ApiError::validation(format!("A SequenceNumber is required for ShardIteratorType {kind}")))
        }
        Some(_) if !needs_number => {
            Err(ApiError::validation(format!("A SequenceNumber is not allowed for ShardIteratorType {kind}")))
        }
        Some(number) if !number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(ApiError::validation("Invalid SequenceNumber"))
        }
        _ => Ok(()),
    }
}

/// DynamoDB: these words, whatever is wrong with it (the feature tests of AWS's SDK for JavaScript).
fn check_stream_arn(arn: Option<&Tree>) -> Checked {
    match arn.and_then(Tree::text).map(StreamRef::parse) {
        Some(None) => Err(ApiError::validation("Invalid StreamArn")),
        None | Some(Some(_)) => Ok(()),
    }
}
