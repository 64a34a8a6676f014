//! What DAX's clients and we say to each other, as bytes: pure, in both directions, and without a table, a
//! connection or a registry at hand.
//!
//! [`Preamble`] is how a connection begins, [`Layering`] how replies are framed. [`Extent`] finds where a request ends
//! while it still comes in; the rest reads what is whole: [`value`] and [`number`] attribute values, [`key`] and
//! [`lex_decimal`] primary keys, [`item`] what an item has besides its key, [`expression`] conditions, updates and
//! projections, which clients send as trees.
//!
//! Whatever a client sends may be wrong: nothing here panics over it, takes memory by a length that was merely claimed,
//! or more of it than a [`Budget`] allows, or recurses deeper than a constant. What DynamoDB has words for is let pass,
//! for it to say them; [`Malformed`] is only what no request can be made of.

mod budget;
pub mod expression;
mod extent;
mod frame;
pub mod item;
pub mod key;
pub mod lex_decimal;
mod malformed;
pub mod number;
mod preamble;
mod read;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod value;
mod write;

pub use budget::Budget;
pub use extent::{Extent, Limits};
pub use frame::{Layering, unframed};
pub use malformed::Malformed;
pub use preamble::{Preamble, Stranger};
pub use read::{expect_end, for_each};
pub use write::Writer;

#[cfg(test)]
mod vectors;
