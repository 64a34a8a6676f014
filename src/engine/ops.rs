//! One file for each family of operations: they check, look up, have it done, and word the answer.

pub(crate) mod batch;
mod billing;
pub(crate) mod checks;
pub(crate) mod items;
pub(crate) mod read;
pub(crate) mod settings;
pub(crate) mod source;
pub(crate) mod statements;
pub(crate) mod streams;
pub(crate) mod tables;
pub(crate) mod transact;
