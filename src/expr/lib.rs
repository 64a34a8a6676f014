//! DynamoDB's expression language, and the older parameters that say the same without expressions.
//!
//! Knows no tables and no JSON. The walk is `token` → `parse` → `ast` → `bind` → what is
//! evaluated: `condition`, `update`, `projection`, `key_condition`; `legacy` and `partiql` enter at the last. Start at
//! [`Expressions::bind`]: it takes all the expressions of a request at once, because they share their
//! placeholders. Whatever DynamoDB would refuse is an error here, with DynamoDB's message. `print` goes back:
//! from what is bound to text; `tree` is for those who have trees instead of text. `asked` picks out of requests what is to be bound.
//!
//! Nothing here recurses with the length of its input: parsers keep stacks of their own, trees lie in
//! vectors, conditions are at most as deep as they have operators, paths and items have 32 levels.

pub mod asked;
mod ast;
mod bind;
mod condition;
mod error;
mod key_condition;
mod legacy;
mod parse;
pub mod partiql;
mod path;
mod print;
mod projection;
mod reserved;
#[cfg(test)]
mod testing;
mod token;
mod tree;
mod update;

pub use ast::{Comparator, Function, Section, Sign};
pub use bind::{Bound, Expressions};
pub use condition::{Condition, FilterParameter};
pub use error::{
    EvalError, ExprError, ExpressionKind, Fault, KeyFault, KeyRole, LegacyFault, PlaceholderFault,
};
pub use key_condition::{KeyCondition, KeyRange, KeyTest};
pub use legacy::{
    AttributeUpdate, ComparisonOperator, ConditionalOperator, Expectation, FilterCondition, UpdateAction,
};
pub use path::{DocumentPath, Step};
pub use print::Printed;
pub use projection::Projection;
pub use tree::{Node, NodeId, Operator, Tree, Trees};
pub use update::Update;
