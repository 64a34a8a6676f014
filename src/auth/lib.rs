//! Who may, and as whom: credentials and signatures.
//!
//! For now the outgoing half: [`Signer`] signs what goes to the origin with the credentials of the process.
//! Secrets stay in here; nothing of them is ever printed.

mod credentials;
mod sigv4;

pub use credentials::{Chain, NoCredentials};
pub use sigv4::{Signer, SigningError};
