//! What every room needs and nobody's subject: time, chance, shutdown, admission, announcements, listening,
//! directories, units, telemetry.
//!
//! Knows nothing of DynamoDB. Start at [`Clock`] and [`Drain`]; a door starts at [`listen`].

mod announcement;
mod causes;
mod chance;
mod clock;
mod directory;
mod drain;
mod listener;
mod memory;
mod permits;
mod status;
pub mod telemetry;
pub mod units;

pub use announcement::Announcement;
pub use causes::causes;
pub use chance::Chance;
pub use clock::{Clock, Instant};
pub use directory::{create_directory, sync_directory};
pub use drain::Drain;
pub use listener::{Accepting, accept_loop, listen, time_to_hang_up};
pub use memory::memory_limit;
pub use permits::{Permit, Permits};
pub use status::{Action, Condition};
