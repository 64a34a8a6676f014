//! DynamoDB's expression language; so far its projections.
//!
//! Knows no requests and no tables. The walk is `token` → `parse` → `ast` → `bind` → `projection`; start at
//! the end of it. Whatever DynamoDB would refuse is an `ExprError` here.

mod ast;
mod bind;
mod error;
mod parse;
mod projection;
mod reserved;
mod token;

pub use error::ExprError;
pub use projection::Projection;
