//! The DAX door: the binary protocol of DAX's clients, over TCP and TLS.

// Public until the rest of the room uses it.
#[doc(hidden)]
pub mod wire;
