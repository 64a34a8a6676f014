//! The engine's reading of a request: as DynamoDB reads it, with DynamoDB's errors.

use super::Request;
use crate::{ApiError, ErrorCode, Operation};

/// Reads the body of a request as DynamoDB does, and refuses what DynamoDB would refuse without knowing the
/// table or having parsed an expression.
///
/// # Errors
/// The first fault in DynamoDB's order, with its code and message.
pub fn admit(operation: &Operation, body: &[u8]) -> Result<Request, ApiError> {
    Request::decode(operation, body).map_err(|_| ApiError::client(ErrorCode::SerializationException, ""))
}
