//! The DAX door: the binary protocol of DAX's clients, over TCP and TLS.

// Public for the fuzz target alone.
#[doc(hidden)]
pub mod wire;
