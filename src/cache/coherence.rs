//! Version stamps: what lets a hit be trusted, and a late answer be recognised.
//!
//! Every item belongs to a slot by its hash, and so does every partition, every table and every index. A write moves the slots that it touches
//! before it is forwarded and again before it is acknowledged. A fill remembers what its slots said before
//! the origin was asked; what it stores counts only while they still say the same. So nothing needs to be
//! searched for and removed, and a collision costs a miss, never a wrong hit.
//!
//! `slots.rs` has the words and their bits, `stamps.rs` what reads and writes do with them, `rule.rs` the
//! list of rules that tests take away one by one.

#[cfg(test)]
mod models;
mod rule;
mod slots;
mod stamps;

pub use rule::Rule;
pub(crate) use rule::Rules;
pub use slots::{AtomicWord, Look, Slots, TooManyWrites};
pub(crate) use stamps::{Closed, Guard, Place, Sight, Slot, Stamp, Stamps, Verdict};
