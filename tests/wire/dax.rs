//! The DAX door, by the small client of `doors/dax/client.rs`: that it answers as the JSON door does, that there is one
//! cache behind both, and what becomes of it when clients are hostile and origins break off.
//!
//! `tables.rs` has the tables, `random.rs` makes requests by chance.

mod equivalence;
mod random;
mod tables;
