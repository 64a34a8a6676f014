//! A word that is said once, for as many as wait for it; they hear it in the order in which they came.

use futures_util::{FutureExt, future::Shared};
use tokio::sync::oneshot;

/// The hearing end. Clones wait for the same word.
#[derive(Debug)]
pub struct Announcement<T>(Shared<oneshot::Receiver<T>>);

impl<T: Clone> Announcement<T> {
    /// Something that is yet to be said, and the means to say it.
    pub fn new() -> (oneshot::Sender<T>, Announcement<T>) {
        let (say, hear) = oneshot::channel();
        (say, Announcement(hear.shared()))
    }

    /// What was said; `None` if whoever was to say it is gone.
    pub async fn heard(self) -> Option<T> {
        self.0.await.ok()
    }

    /// Whether it may yet be said.
    pub fn is_awaited(&self) -> bool {
        self.0.clone().now_or_never().is_none()
    }

    /// Whether both wait for the same word.
    pub fn is(&self, other: &Announcement<T>) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl<T> Clone for Announcement<T> {
    fn clone(&self) -> Announcement<T> {
        Announcement(self.0.clone())
    }
}
