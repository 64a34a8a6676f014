//! The operator's port: health, metrics, and actions such as a purge; and a small client of it.
//!
//! Knows no room: a room's metrics come through the registry, what it offers is a [`base::Action`]. There is
//! no authentication, so the port belongs on a private address. Start at [`serve`].

mod client;
mod door;

pub use client::{ClientError, act, check_health};
pub use door::{Door, Metrics, serve};
