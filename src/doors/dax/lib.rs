//! The DAX door: the binary protocol of DAX's clients, over TCP and TLS.
//!
//! A connection (`connection.rs`) begins with a preamble ([`dax_wire::Preamble`]) and then is a row of requests without
//! anything between them (`request.rs`, by the table in `methods.rs`), each answered before the next is looked at. What
//! concerns clients and not data the door answers by itself: who may call (`authorize.rs`), which nodes there are
//! (`roster.rs`, `nodes.rs`), and the numbers for lists of attribute names (`attribute_lists.rs`). All else goes to what
//! [`Answers`]. Start at [`serve`] and [`Door`].

mod attribute_lists;
mod authorize;
mod caller;
#[cfg(any(test, feature = "client"))]
pub mod client;
mod config;
mod connection;
mod door;
mod error;
mod incoming;
mod metadata;
mod methods;
mod metrics;
mod nodes;
mod operation;
mod reply;
mod request;
mod roster;
mod tls;

pub use attribute_lists::{ListsConfig, LogError};
pub use config::{Config, NodesTlsConfig, TlsConfig};
pub use dax_wire::Layering;
pub use door::{Door, DoorError, Parts, Transport, serve};
pub use methods::Method;
pub use metrics::Metrics;
pub use operation::Operations;
pub use reply::{Answers, Asked, Reply};
pub use roster::{Node, Reach, Role, RosterConfig};
pub use tls::TlsError;
