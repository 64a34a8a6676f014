//! Expressions, which clients send as trees: `[1, tree, values]`, or `[1, tree]` for a projection.
//!
//! The tree of a condition is one node; those of updates and projections are arrays of actions and of paths. A
//! node is `[opcode, operand…]`. [`expr::Trees`] has the same as trees of its own, makes text of them, and trees of
//! text. Two clients say the same in different ways: whether `AND` nests to the left or to the right is lost
//! once it is text, and values that are there twice become one here.

mod decode;
mod encode;
mod opcode;

pub use decode::{decode_condition, decode_projection, decode_update};
pub use encode::{encode_condition, encode_projection, encode_update};

/// Of trees and of what is around them.
const VERSION: i64 = 1;

#[cfg(test)]
mod tests;
