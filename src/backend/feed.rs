//! Changes that a backend makes by itself: how layers in front of it hear of them, in time.
//!
//! A layer that keeps answers treats such a change as a write that passes through it: it must know before anybody
//! can see the change, and again once it is known how the change ended. So a backend announces a change, makes it,
//! and says how it ended.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use model::Item;

/// One item that a backend is about to change by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnChange {
    /// The table's name.
    pub table: String,
    /// The item's key.
    pub key: Item,
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was made, or certainly was not and never will be.
    Known,
    /// It may have been made, or may yet be.
    Unknown,
}

/// Who wants to hear of changes.
pub trait Watcher: Send + Sync + 'static {
    /// These items are about to change. What is given back is told how that ended; dropped untold, nobody knows.
    ///
    /// # Errors
    /// [`Busy`], and the items must not be changed now.
    fn begins(&self, changes: &[OwnChange]) -> Result<Box<dyn Watched>, Busy>;
}

/// A change under way.
pub trait Watched: Send {
    /// It ended.
    fn end(self: Box<Self>, ending: Ending);
}

/// A layer has too much under way to follow one more change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is under way")]
pub struct Busy;

/// Where a backend announces its changes. Clones are one feed.
#[derive(Clone, Default)]
pub struct ChangeFeed {
    watchers: Arc<Mutex<Vec<Weak<dyn Watcher>>>>,
}

/// A change that everybody was told of.
#[must_use = "dropped, it counts as ended in the unknown"]
pub struct Announced(Vec<Box<dyn Watched>>);

impl ChangeFeed {
    /// Tells `watcher` of every change from now on, for as long as there is one.
    pub fn watch(&self, watcher: Weak<dyn Watcher>) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(watcher);
    }

    /// Tells everybody that these items are about to change.
    ///
    /// # Errors
    /// [`Busy`] if somebody cannot follow; whoever was told by then is told that it is over.
    pub fn begin(&self, changes: &[OwnChange]) -> Result<Announced, Busy> {
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut announced = Announced(Vec::new());
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            match watcher.begins(changes) {
                Ok(watched) => announced.0.push(watched),
                Err(busy) => {
                    announced.end(Ending::Known);
                    return Err(busy);
                }
            }
        }
        Ok(announced)
    }
}

impl Announced {
    /// Tells everybody how it ended.
    pub fn end(self, ending: Ending) {
        self.0.into_iter().for_each(|watched| watched.end(ending));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log {
        lines: Arc<Mutex<Vec<String>>>,
        is_busy: bool,
    }

    struct Line(Arc<Mutex<Vec<String>>>);

    impl Watcher for Log {
        fn begins(&self, changes: &[OwnChange]) -> Result<Box<dyn Watched>, Busy> {
            if self.is_busy {
                return Err(Busy);
            }
            self.lines.lock().unwrap().push(format!("begins {}", changes[0].table));
            Ok(Box::new(Line(Arc::clone(&self.lines))))
        }
    }

    impl Watched for Line {
        fn end(self: Box<Self>, ending: Ending) {
            self.0.lock().unwrap().push(format!("ends {ending:?}"));
        }
    }

    fn watching(feed: &ChangeFeed, log: &Arc<Log>) {
        let watcher: Weak<dyn Watcher> = Arc::downgrade(log) as Weak<dyn Watcher>;
        feed.watch(watcher);
    }

    fn change() -> OwnChange {
        OwnChange { table: "Tab".to_owned(), key: Item::new() }
    }

    #[test]
    fn watchers_hear_of_a_change_before_and_after() {
        let (feed, log) = (ChangeFeed::default(), Arc::new(Log::default()));
        watching(&feed, &log);
        feed.clone().begin(&[change()]).unwrap().end(Ending::Unknown);
        assert_eq!(*log.lines.lock().unwrap(), ["begins Tab", "ends Unknown"]);
        let lines = Arc::clone(&log.lines);
        drop(log);
        feed.begin(&[change()]).unwrap().end(Ending::Known);
        assert_eq!(lines.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_busy_watcher_stops_the_change_for_all() {
        let (feed, free) = (ChangeFeed::default(), Arc::new(Log::default()));
        let busy = Arc::new(Log { is_busy: true, ..Log::default() });
        watching(&feed, &free);
        watching(&feed, &busy);
        assert_eq!(feed.begin(&[change()]).err(), Some(Busy));
        assert_eq!(*free.lines.lock().unwrap(), ["begins Tab", "ends Known"]);
    }
}
