//! The seam: everything that can answer a DynamoDB call, and what travels across it.
//!
//! A door makes a [`Call`]; layers and origins are [`Backend`]s stacked on each other; a [`Reply`] or a
//! [`Failure`] comes back. Knows no wire format but the JSON bytes that a call or reply may carry, and no
//! concrete backend. Start at [`Backend`].

mod call;
#[cfg(any(test, feature = "doubles"))]
pub mod doubles;
mod failure;
mod feed;
mod outcome;
mod reply;

use futures_util::future::BoxFuture;

pub use call::{Call, Caller, Wire};
pub use failure::{Failure, FailureKind};
pub use feed::{Announced, Busy, ChangeFeed, Ending, OwnChange, Watched, Watcher};
pub use outcome::{Bypass, Outcome};
pub use reply::{Answer, Batch, Document, OfTable, OriginAnswer, Reply};

/// Something that answers DynamoDB calls: an origin, or a layer around one.
pub trait Backend: Send + Sync + 'static {
    /// An answer that needs nobody else: no await, no task. `None` means "ask with [`Backend::call`]", never
    /// "there is none".
    fn ready(&self, _call: &Call) -> Option<Reply> {
        None
    }

    /// Answers the call.
    ///
    /// An error that the origin answered is an `Ok` reply with the origin's own bytes.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer of the origin's to pass on.
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>>;

    /// Where it announces the changes that it makes by itself, if it makes any.
    fn changes(&self) -> Option<ChangeFeed> {
        None
    }
}
