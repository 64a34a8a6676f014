//! Who may, and as whom: credentials and signatures.
//!
//! The outgoing half: [`Signer`] signs what goes to the origin with the credentials of the process. The incoming
//! half: [`AccessKeys`] says whether a caller of the DAX door is who it claims to be.
//! Secrets stay in here; nothing of them is ever printed.

mod access_keys;
mod credentials;
mod sigv4;

pub use access_keys::{AccessKeys, AccessKeysError, Denied, OwnClaim, SignedClaim};
pub use credentials::{Chain, NoCredentials};
pub use sigv4::{Signer, SigningError};
