//! What opening found and mended, in words and facts.

use std::{fmt, path::PathBuf};

/// What had to be done to open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// In the order in which it was done; empty if all was well.
    pub repairs: Vec<Repair>,
}

/// One thing that was mended. What was taken out is kept in a file beside the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// The last write before a crash was not whole. It was never acknowledged, unless syncing is off or the
    /// disk lied.
    TornTail {
        /// The journal that was cut.
        journal: PathBuf,
        /// What is left of it.
        kept_bytes: u64,
        /// What was cut off.
        cut_bytes: u64,
        /// Where it is kept.
        aside: PathBuf,
    },
    /// A journal is damaged in the middle: what was written after the damage is not replayed, though it is
    /// whole. Acknowledged changes may be missing.
    Damaged {
        /// The journal that was cut.
        journal: PathBuf,
        /// What is left of it.
        kept_bytes: u64,
        /// What was cut off.
        cut_bytes: u64,
        /// How many whole groups of changes are in what was cut off.
        groups_cut: u64,
        /// Where it is kept.
        aside: PathBuf,
    },
    /// A journal that is newer than a damaged one. Acknowledged changes may be missing.
    SetAside {
        /// Where it was.
        journal: PathBuf,
        /// How many whole groups of changes are in it.
        groups: u64,
        /// Where it is kept.
        aside: PathBuf,
    },
    /// A journal is not there, while an older and a newer one are, or there is none at all. Acknowledged changes
    /// may be missing.
    Missing {
        /// Where it should be.
        journal: PathBuf,
    },
    /// The directory was left by a creation that did not end.
    Unfinished {
        /// Where what was found is kept.
        aside: PathBuf,
    },
}

impl Repair {
    /// Whether acknowledged changes may be missing.
    pub fn may_have_lost(&self) -> bool {
        match self {
            Repair::TornTail { .. } | Repair::Unfinished { .. } => false,
            Repair::Damaged { .. } | Repair::SetAside { .. } | Repair::Missing { .. } => true,
        }
    }

    pub(crate) fn log(&self) {
        if self.may_have_lost() {
            tracing::error!(repair = %self, "the store is damaged: acknowledged changes may be missing");
        } else {
            tracing::warn!(repair = %self, "the store was mended");
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repair::TornTail { journal, kept_bytes, cut_bytes, aside } => write!(
                f,
                "the last write to {} was not whole: {cut_bytes} bytes after the first {kept_bytes} were cut off \
                 and are kept as {}",
                journal.display(),
                aside.display()
            ),
            Repair::Damaged { journal, kept_bytes, cut_bytes, groups_cut, aside } => write!(
                f,
                "{} is damaged after {kept_bytes} bytes, and {groups_cut} whole groups of changes follow the \
                 damage: {cut_bytes} bytes were cut off and are kept as {}",
                journal.display(),
                aside.display()
            ),
            Repair::SetAside { journal, groups, aside } => write!(
                f,
                "{} with {groups} groups of changes follows a damaged journal: it is kept as {}",
                journal.display(),
                aside.display()
            ),
            Repair::Missing { journal } => write!(f, "{} is missing", journal.display()),
            Repair::Unfinished { aside } => {
                write!(
                    f,
                    "creating the store did not end the last time: what was there is kept as {}",
                    aside.display()
                )
            }
        }
    }
}
