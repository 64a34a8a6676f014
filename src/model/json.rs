//! DynamoDB JSON, both directions. Reading is strict: what DynamoDB might refuse, repair or read in another
//! way is an error here, and the caller forwards the request as it came.

mod decode;
mod encode;
mod unique;

pub use decode::{JsonError, is_settled_form, item_from_slice, value_from_str};
pub use encode::{item_to_json, value_to_json};
pub use unique::UniqueMap;

#[cfg(test)]
mod tests;
