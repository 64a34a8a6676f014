//! The shards of a stream: which are read, which wait for their parents, and up to where all of them were read.
//!
//! Pure. A shard is split or goes on as its child now and then; what is in a child happened after what is in its
//! parent, so a child waits until its parent was read to the end.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use base::Instant;

/// A shard's id. They are told apart by text alone: other services than AWS have other forms of them.
pub(super) type ShardId = Arc<str>;

/// Heirs of a shard that ended are expected for so long. DynamoDB lists them at once or shortly after; where shards
/// merge (Alternator), one of the parents has none, and must not count for ever.
const HEIRS_AWAITED: Duration = Duration::from_secs(60);

/// A shard, as `DescribeStream` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: ShardId,
    pub(super) parent: Option<ShardId>,
    pub(super) is_open: bool,
}

/// Up to where something was read: whatever was written `behind` before `asked_at`, or earlier, was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) asked_at: Instant,
    pub(super) behind: Duration,
}

/// Every shard that is of interest.
#[derive(Debug)]
pub(super) struct Lineage {
    shards: BTreeMap<ShardId, Shard>,
    began: Mark,
}

#[derive(Debug)]
struct Shard {
    parent: Option<ShardId>,
    standing: Standing,
    mark: Mark,
    has_heir: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Its parent was not read to the end yet.
    Waiting,
    /// It is being read.
    Read,
    /// It was read to its end, or was closed when following began.
    Done { at: Instant },
}

impl Mark {
    /// Everything up to this moment.
    pub(super) fn at(moment: Instant) -> Mark {
        Mark { asked_at: moment, behind: Duration::ZERO }
    }

    /// How old a write may be that was not seen.
    pub(super) fn lag(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.asked_at) + self.behind
    }
}

impl Lineage {
    /// The shards at the beginning, and those of them to read, from their present ends on.
    pub(super) fn begin(listed: &[Listed], now: Instant) -> (Lineage, Vec<ShardId>) {
        let mut lineage = Lineage { shards: BTreeMap::new(), began: Mark::at(now) };
        for shard in listed {
            let standing = if shard.is_open { Standing::Read } else { Standing::Done { at: now } };
            lineage.insert(shard, standing, lineage.began);
        }
        lineage.note_heirs();
        let open = listed.iter().filter(|shard| shard.is_open).map(|shard| Arc::clone(&shard.id));
        (lineage, open.collect())
    }

    /// Takes in a later listing. A shard that was not listed before began after following did, or so short a time
    /// before that reading it from its start costs little.
    pub(super) fn learn(&mut self, listed: &[Listed]) {
        let parents: HashMap<&ShardId, Option<&ShardId>> =
            listed.iter().map(|shard| (&shard.id, shard.parent.as_ref())).collect();
        let is_new = |shard: &&Listed| !self.shards.contains_key(&shard.id);
        let marks: Vec<(&Listed, Mark)> =
            listed.iter().filter(is_new).map(|shard| (shard, self.inherited(shard, &parents))).collect();
        let is_of_interest = |id: &ShardId, shard: &mut Shard| {
            matches!(shard.standing, Standing::Waiting | Standing::Read) || parents.contains_key(id)
        };
        self.shards.retain(is_of_interest);
        for (shard, mark) in marks {
            self.insert(shard, Standing::Waiting, mark);
        }
        self.note_heirs();
    }

    /// Where a new shard stands: nothing of it was seen, so it stands where its nearest known ancestor does.
    fn inherited(&self, shard: &Listed, parents: &HashMap<&ShardId, Option<&ShardId>>) -> Mark {
        let mut ancestor = shard.parent.as_ref();
        for _ in 0..parents.len() {
            let Some(id) = ancestor else { break };
            if let Some(known) = self.shards.get(id) {
                return known.mark;
            }
            ancestor = parents.get(id).copied().flatten();
        }
        self.began
    }

    fn insert(&mut self, listed: &Listed, standing: Standing, mark: Mark) {
        let shard = Shard { parent: listed.parent.clone(), standing, mark, has_heir: false };
        self.shards.insert(Arc::clone(&listed.id), shard);
    }

    fn note_heirs(&mut self) {
        let parents: Vec<ShardId> = self.shards.values().filter_map(|shard| shard.parent.clone()).collect();
        for parent in parents {
            if let Some(shard) = self.shards.get_mut(&parent) {
                shard.has_heir = true;
            }
        }
    }

    /// The shards whose turn has come: from now on they count as read.
    pub(super) fn due(&mut self) -> Vec<ShardId> {
        let is_unread = |parent: &ShardId| {
            let standing = self.shards.get(parent).map(|parent| parent.standing);
            matches!(standing, Some(Standing::Waiting | Standing::Read))
        };
        let waiting = self.shards.iter().filter(|(_, shard)| shard.standing == Standing::Waiting);
        let due = waiting.filter(|(_, shard)| !shard.parent.as_ref().is_some_and(is_unread));
        let due: Vec<ShardId> = due.map(|(id, _)| Arc::clone(id)).collect();
        for id in &due {
            if let Some(shard) = self.shards.get_mut(id) {
                shard.standing = Standing::Read;
            }
        }
        due
    }

    /// A shard was read further. A mark says what is certain, so it never goes back: records tell their time in
    /// whole seconds, and a read that found none just before them says more.
    pub(super) fn advance(&mut self, id: &ShardId, mark: Mark, now: Instant) {
        if let Some(shard) = self.shards.get_mut(id)
            && mark.lag(now) < shard.mark.lag(now)
        {
            shard.mark = mark;
        }
    }

    /// A shard was read to its end. Its mark stays where it was when there was more to come: what its heirs hold
    /// may have been written from then on.
    pub(super) fn finish(&mut self, id: &ShardId, now: Instant) {
        if let Some(shard) = self.shards.get_mut(id) {
            shard.standing = Standing::Done { at: now };
        }
    }

    /// Whether shards must exist that were not listed yet.
    pub(super) fn lacks_heirs(&self, now: Instant) -> bool {
        let is_alive = |shard: &Shard| matches!(shard.standing, Standing::Waiting | Standing::Read);
        !self.shards.values().any(is_alive) || self.shards.values().any(|shard| shard.lacks_heir(now))
    }

    /// Up to where all of the stream was read: where the shard stands that is furthest behind. An heir that is listed
    /// later than its sister counts once it is.
    pub(super) fn mark(&self, now: Instant) -> Mark {
        let counts = |shard: &&Shard| match shard.standing {
            Standing::Waiting | Standing::Read => true,
            Standing::Done { .. } => shard.lacks_heir(now),
        };
        let marks = self.shards.values().filter(counts).map(|shard| shard.mark);
        marks.max_by_key(|mark| mark.lag(now)).unwrap_or(self.began)
    }
}

impl Shard {
    fn lacks_heir(&self, now: Instant) -> bool {
        let is_awaited = |at: Instant| now.saturating_duration_since(at) < HEIRS_AWAITED;
        matches!(self.standing, Standing::Done { at } if !self.has_heir && is_awaited(at))
    }
}

#[cfg(test)]
mod tests;
