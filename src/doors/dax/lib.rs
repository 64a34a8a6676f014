//! The DAX door: the binary protocol of DAX's clients, over TCP and TLS.

mod attribute_lists;
mod error;
mod frame;
mod methods;
mod preamble;
mod roster;

// Public for the fuzz target alone.
#[doc(hidden)]
pub mod wire;

pub use attribute_lists::{AttributeLists, EMPTY, ListsConfig, LogError, Names, Undefined};
pub use error::{Reason, Refusal, Stakes};
pub use frame::Layering;
pub use methods::Method;
pub use preamble::{Preamble, Stranger};
pub use roster::{Entrance, Node, Reach, Role, RosterConfig};
