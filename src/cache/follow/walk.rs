//! The walk along one stream: what to ask next, after what was answered.
//!
//! Pure but for jitter. Whoever walks runs the errands that it is given, each once, and says what came of them; then
//! there are new ones. A shard has at most one errand at a time, so its records come in their order.

use std::{collections::HashMap, sync::Arc, time::Duration};

use base::{Chance, Instant};

use super::{
    Loss,
    answers::Trouble,
    lineage::{Lineage, Listed, Mark, ShardId},
    pace::Pauses,
};

/// DynamoDB: five `GetRecords` a second for a shard; who asks more often is throttled (seen by users of consumers,
/// aws-sdk-java-v2#470). Reads of a shard are never closer than this.
pub(super) const BETWEEN_READS: Duration = Duration::from_millis(200);

/// Shards that are read at once. A thousand are asked a few thousand times a second, and a table of them holds
/// terabytes: beyond it, other ways of staying fresh are cheaper.
pub(super) const SHARDS_MAX: usize = 1000;

/// Shards are listed so often, even when none is known to be missing.
const LIST_EVERY: Duration = Duration::from_secs(30);

/// Between attempts to find the heirs of a shard that ended, and between listings that fail.
const LISTINGS: Pauses = Pauses { first: Duration::from_secs(1), longest: LIST_EVERY };

/// Between attempts to read a shard that fail: never so long that its iterator expires meanwhile.
const READS: Pauses = Pauses { first: Duration::from_millis(500), longest: Duration::from_secs(10) };

/// DynamoDB: records are kept for 24 hours (developer guide, "Change data capture for DynamoDB Streams"). Whoever is
/// further behind may have missed some, also where no error says so.
const RETAINED: Duration = Duration::from_secs(24 * 60 * 60);

/// A share of the poll interval by which a read may come early, so that shards are not all read at once.
const JITTER: f64 = 0.1;

/// A walk under way.
#[derive(Debug)]
pub(super) struct Walk {
    lineage: Lineage,
    readings: HashMap<ShardId, Reading>,
    /// Of the shards that the walk began with, those that were not read once. Only then is it certain where each of
    /// them is read from: what `LATEST` means may be settled when the iterator is used.
    unread: usize,
    listing: Listing,
    interval: Duration,
    chance: Chance,
}

/// A shard that is being read.
#[derive(Debug)]
struct Reading {
    place: Place,
    /// Whether it is one of those that the walk began with, and was not read yet.
    is_awaited: bool,
    /// In a row.
    failures: u32,
}

/// Where in a shard to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind its newest record.
    Latest,
    /// With its oldest record.
    TrimHorizon,
    /// Behind the record of this sequence number.
    After(String),
}

#[derive(Debug)]
struct Listing {
    /// `None` while one is under way.
    due: Option<Instant>,
    /// Attempts in a row that failed, or did not find what must be there.
    misses: u32,
}

/// Something to ask about a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Errand {
    pub(super) shard: ShardId,
    /// Not before.
    pub(super) at: Instant,
    pub(super) what: What,
}

/// What to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// `GetShardIterator`.
    Iterator(Place),
    /// `GetRecords` with this iterator.
    Records(String),
}

/// What a page of records means to the walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) found: Found,
    pub(super) next: Option<String>,
}

/// What was in a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Records {
        /// How much older than the question the newest record is, if it says.
        behind: Option<Duration>,
        /// Of the last record, if that could be read.
        last_sequence_number: Option<String>,
    },
}

impl Walk {
    /// Begins with the shards that there are.
    pub(super) fn begin(
        listed: &[Listed],
        now: Instant,
        interval: Duration,
        chance: Chance,
    ) -> Result<(Walk, Vec<Errand>), Loss> {
        let (lineage, open) = Lineage::begin(listed, now);
        let listing = Listing { due: Some(now + LIST_EVERY), misses: 0 };
        let mut walk = Walk {
            lineage,
            readings: HashMap::new(),
            unread: open.len(),
            listing,
            interval: interval.max(BETWEEN_READS),
            chance,
        };
        walk.schedule_listing(now);
        let errands = walk.start(open, &Place::Latest, now)?;
        Ok((walk, errands))
    }

    /// Whether nothing that is written from now on will be missed.
    pub(super) fn has_begun(&self) -> bool {
        self.unread == 0
    }

    /// Shards that are being read.
    pub(super) fn shards(&self) -> usize {
        self.readings.len()
    }

    /// Up to where the stream was read.
    pub(super) fn mark(&self, now: Instant) -> Result<Mark, Loss> {
        let mark = self.lineage.mark(now);
        if mark.lag(now) < RETAINED { Ok(mark) } else { Err(Loss::Trimmed) }
    }

    /// When to list the shards; `None` while that is under way.
    pub(super) fn listing_due(&self) -> Option<Instant> {
        self.listing.due
    }

    /// The shards are being listed.
    pub(super) fn list(&mut self) {
        self.listing.due = None;
    }

    /// The shards were listed, or not.
    pub(super) fn listed(
        &mut self,
        listed: Result<Vec<Listed>, Trouble>,
        now: Instant,
    ) -> Result<Vec<Errand>, Loss> {
        match listed {
            Ok(listed) => {
                self.lineage.learn(&listed);
                self.schedule_listing(now);
                self.start_due(now)
            }
            Err(Trouble::Lost(loss)) => Err(loss),
            Err(Trouble::Throttled | Trouble::Failed | Trouble::Expired) => {
                self.listing.misses = self.listing.misses.saturating_add(1);
                self.listing.due = Some(now + LISTINGS.after(self.listing.misses, &self.chance));
                Ok(vec![])
            }
        }
    }

    fn schedule_listing(&mut self, now: Instant) {
        self.listing.misses = match self.lineage.lacks_heirs(now) {
            true => self.listing.misses.saturating_add(1),
            false => 0,
        };
        let pause = match self.listing.misses {
            0 => LIST_EVERY,
            misses => LISTINGS.after(misses, &self.chance),
        };
        self.listing.due = Some(now + pause);
    }

    fn start_due(&mut self, now: Instant) -> Result<Vec<Errand>, Loss> {
        let due = self.lineage.due();
        self.start(due, &Place::TrimHorizon, now)
    }

    fn start(&mut self, shards: Vec<ShardId>, place: &Place, now: Instant) -> Result<Vec<Errand>, Loss> {
        if self.readings.len() + shards.len() > SHARDS_MAX {
            return Err(Loss::TooManyShards);
        }
        let start = |shard: ShardId| {
            let is_awaited = *place == Place::Latest;
            let reading = Reading { place: place.clone(), is_awaited, failures: 0 };
            self.readings.insert(Arc::clone(&shard), reading);
            Errand { shard, at: now, what: What::Iterator(place.clone()) }
        };
        Ok(shards.into_iter().map(start).collect())
    }

    /// An iterator of a shard was given, or not.
    pub(super) fn iterated(
        &mut self,
        shard: &ShardId,
        iterator: Result<String, Trouble>,
        now: Instant,
    ) -> Result<Vec<Errand>, Loss> {
        let Some(reading) = self.readings.get_mut(shard) else { return Ok(vec![]) };
        match iterator {
            Ok(iterator) => Ok(vec![errand(shard, now, What::Records(iterator))]),
            Err(Trouble::Lost(loss)) => Err(loss),
            Err(Trouble::Throttled | Trouble::Failed | Trouble::Expired) => {
                let what = What::Iterator(reading.place.clone());
                Ok(vec![reading.again(shard, now, what, &self.chance)])
            }
        }
    }

    /// A shard was read with an iterator, or not.
    pub(super) fn read(
        &mut self,
        shard: &ShardId,
        iterator: String,
        asked_at: Instant,
        page: Result<Page, Trouble>,
        now: Instant,
    ) -> Result<Vec<Errand>, Loss> {
        let Some(reading) = self.readings.get_mut(shard) else { return Ok(vec![]) };
        let page = match page {
            Ok(page) => page,
            Err(Trouble::Lost(loss)) => return Err(loss),
            Err(Trouble::Throttled | Trouble::Failed) => {
                return Ok(vec![reading.again(shard, now, What::Records(iterator), &self.chance)]);
            }
            Err(Trouble::Expired) => {
                // From the last record on nothing is missed. Where none was seen, nobody can say what was there.
                let Place::After(_) = &reading.place else { return Err(Loss::Expired) };
                // The origin answers again.
                reading.failures = 0;
                let what = What::Iterator(reading.place.clone());
                return Ok(vec![reading.again(shard, now, what, &self.chance)]);
            }
        };
        if std::mem::take(&mut reading.is_awaited) {
            self.unread -= 1;
        }
        reading.failures = 0;
        let (behind, pause) = match page.found {
            Found::Nothing => {
                let pause = self.chance.shorten(self.interval, JITTER);
                (Some(Duration::ZERO), pause.max(BETWEEN_READS))
            }
            Found::Records { behind, last_sequence_number } => {
                // What follows a record that could not be read cannot be asked for by its number.
                reading.place = last_sequence_number.map_or(Place::Latest, Place::After);
                // There may be more.
                (behind, BETWEEN_READS)
            }
        };
        let Some(next) = page.next else { return self.finish(shard, now) };
        if let Some(behind) = behind {
            self.lineage.advance(shard, Mark { asked_at, behind }, now);
        }
        Ok(vec![errand(shard, asked_at + pause, What::Records(next))])
    }

    /// A shard was read to its end: its heirs' turn has come, if they are known.
    fn finish(&mut self, shard: &ShardId, now: Instant) -> Result<Vec<Errand>, Loss> {
        self.readings.remove(shard);
        self.lineage.finish(shard, now);
        if self.lineage.lacks_heirs(now) {
            self.listing.misses = 0;
            self.listing.due = self.listing.due.map(|due| due.min(now));
        }
        self.start_due(now)
    }
}

impl Reading {
    /// The same again after a while.
    fn again(&mut self, shard: &ShardId, now: Instant, what: What, chance: &Chance) -> Errand {
        self.failures = self.failures.saturating_add(1);
        errand(shard, now + READS.after(self.failures, chance).max(BETWEEN_READS), what)
    }
}

fn errand(shard: &ShardId, at: Instant, what: What) -> Errand {
    Errand { shard: Arc::clone(shard), at, what }
}

#[cfg(test)]
mod tests;
