//! The DAX door: the binary protocol of DAX's clients, over TCP and TLS.

mod error;
mod frame;
mod methods;
mod preamble;

pub use error::{Reason, Refusal, Stakes};
pub use frame::Layering;
pub use methods::Method;
pub use preamble::{Preamble, Stranger};
