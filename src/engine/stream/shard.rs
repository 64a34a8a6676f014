//! Sequence numbers and shards: which there are, where each begins and ends, and from which it descends.
//!
//! Nothing of this is stored. A stream has a few lanes, and the hash of an item's partition key says which one its
//! changes go to. Each lane is cut into shards of four hours, counted from the stream's beginning: so a shard is a
//! span of sequence numbers of a lane, and its parent is the span before it.

use serde::{Deserialize, Serialize};

use super::{RETAINED_MILLIS, Stream};

/// Shards that are open at a time. DynamoDB has one for each partition of the table; a consumer must cope with
/// several, whatever their number.
pub(crate) const LANES: u8 = 4;
/// DynamoDB: a shard is closed, and goes on as its child, after about four hours (seen by authors of consumers; the
/// developer guide leaves it at "automatically").
pub(crate) const SHARD_MILLIS: u64 = 4 * 60 * 60 * 1000;

const SEQUENCE_BITS: u32 = 64;
const PLACE_BITS: u32 = 16;

/// A sequence number. It grows with every record of a stream, since the store's time never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Number {
    /// When the record's transaction of the store happened, in milliseconds since the epoch.
    pub(crate) millis: u64,
    /// The number of that transaction.
    pub(crate) sequence: u64,
    /// Among the records of that transaction in one lane.
    pub(crate) place: u16,
}

impl Number {
    /// Before everything that happens from this moment on.
    pub(crate) const fn at(millis: u64) -> Number {
        Number { millis, sequence: 0, place: 0 }
    }

    /// DynamoDB: 21 to 40 digits, which clients compare as numbers.
    pub(crate) fn to_text(self) -> String {
        format!("{:021}", self.to_bits())
    }

    /// `None` if it is none that this engine makes.
    pub(crate) fn parse(text: &str) -> Option<Number> {
        text.parse().ok().map(Number::of_bits)
    }

    pub(crate) fn to_bits(self) -> u128 {
        u128::from(self.millis) << (SEQUENCE_BITS + PLACE_BITS)
            | u128::from(self.sequence) << PLACE_BITS
            | u128::from(self.place)
    }

    pub(crate) fn of_bits(bits: u128) -> Number {
        Number {
            millis: (bits >> (SEQUENCE_BITS + PLACE_BITS)) as u64,
            sequence: (bits >> PLACE_BITS) as u64,
            place: bits as u16,
        }
    }

    pub(crate) fn next(self) -> Number {
        Number::of_bits(self.to_bits().saturating_add(1))
    }

    pub(crate) fn previous(self) -> Number {
        Number::of_bits(self.to_bits().saturating_sub(1))
    }
}

/// One of the shards of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shard {
    /// How many came before it in its lane.
    pub(crate) generation: u64,
    pub(crate) lane: u8,
}

impl Shard {
    pub(crate) fn parent(self) -> Option<Shard> {
        let generation = self.generation.checked_sub(1)?;
        Some(Shard { generation, ..self })
    }
}

impl Stream {
    /// DynamoDB: 28 to 65 characters. Clients page through shards in the order of their ids, so that is the order
    /// in which shards began.
    pub(crate) fn shard_id(&self, shard: Shard) -> String {
        format!("shardId-{:020}-{:08x}", self.start(shard).millis, shard.lane)
    }

    /// The shard of this id, if there ever was one, or will be.
    pub(crate) fn shard_of_id(&self, id: &str) -> Option<Shard> {
        let (millis, lane) = id.strip_prefix("shardId-")?.split_once('-')?;
        let lane = u8::from_str_radix(lane, 16).ok().filter(|lane| *lane < LANES)?;
        let since = millis.parse::<u64>().ok()?.checked_sub(self.began.millis)?;
        let shard = Shard { generation: since / SHARD_MILLIS, lane };
        (self.shard_id(shard) == id).then_some(shard)
    }

    /// The first number that a record of it can have.
    pub(crate) fn start(&self, shard: Shard) -> Number {
        match shard.generation {
            0 => self.began,
            generation => Number::at(self.began.millis + generation * SHARD_MILLIS),
        }
    }

    /// The first number behind it, once it is closed. At `present`, in milliseconds since the epoch, happened the
    /// last transaction that can be seen.
    ///
    /// Race: a shard that were closed by the clock alone might yet get a record, of a transaction that happened
    /// before the shard's end and is on its way to the disk. Whoever was told that the shard is closed, and has been
    /// read to its end, would never see that record.
    pub(crate) fn end(&self, shard: Shard, present: u64) -> Option<Number> {
        let due = Number::at(self.began.millis + (shard.generation + 1) * SHARD_MILLIS);
        match self.ended {
            Some(ended) if ended < due => Some(ended),
            _ => (present >= due.millis).then_some(due),
        }
    }

    /// The shards of which something may still be read, in the order of their ids.
    pub(crate) fn shards(&self, present: u64, now: u64) -> Vec<Shard> {
        let last = self.ended.map_or(present, |ended| ended.millis.min(present));
        let generations = self.generation(now.saturating_sub(RETAINED_MILLIS))..=self.generation(last);
        generations.flat_map(|generation| (0..LANES).map(move |lane| Shard { generation, lane })).collect()
    }

    /// Which generation of shards takes what happens at this moment.
    pub(crate) fn generation(&self, millis: u64) -> u64 {
        millis.saturating_sub(self.began.millis) / SHARD_MILLIS
    }
}

#[cfg(test)]
mod tests {
    use model::call::StreamViewType;

    use super::*;

    const BEGAN: u64 = 1_700_000_000_000;
    const HOUR: u64 = 60 * 60 * 1000;

    fn stream(ended: Option<u64>) -> Stream {
        Stream {
            table: "Tab".to_owned(),
            label: "label".to_owned(),
            view: StreamViewType::KeysOnly,
            key_schema: vec![],
            space: 7,
            began: Number { millis: BEGAN, sequence: 5, place: 0 },
            ended: ended.map(|millis| Number { millis, sequence: 9, place: 0 }),
        }
    }

    #[test]
    fn numbers_are_in_the_order_of_time_then_of_transactions_then_of_places() {
        let number = |millis, sequence, place| Number { millis, sequence, place };
        let numbers = [
            number(0, 0, 0),
            number(0, 1, 0),
            number(BEGAN, 3, u16::MAX),
            number(BEGAN, 4, 0),
            number(BEGAN, u64::MAX, 0),
            number(BEGAN + 1, 1, 0),
        ];
        for pair in numbers.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].to_bits() < pair[1].to_bits());
        }
        for number in numbers {
            let text = number.to_text();
            assert!((21..=40).contains(&text.len()), "{text}");
            assert_eq!(Number::parse(&text), Some(number));
            assert_eq!(number.next().previous(), number);
        }
    }

    #[test]
    fn shards_follow_each_other_in_their_lane() {
        let stream = stream(None);
        let shards = stream.shards(BEGAN + 9 * HOUR, BEGAN + 9 * HOUR);
        assert_eq!(shards.len(), 3 * usize::from(LANES));
        let ids: Vec<String> = shards.iter().map(|shard| stream.shard_id(*shard)).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| (28..=65).contains(&id.len())), "{ids:?}");
        for (shard, id) in shards.iter().zip(&ids) {
            assert_eq!(stream.shard_of_id(id), Some(*shard));
            let is_open = shard.generation == 2;
            assert_eq!(stream.end(*shard, BEGAN + 9 * HOUR).is_none(), is_open, "{id}");
            if let Some(parent) = shard.parent() {
                assert_eq!(stream.end(parent, BEGAN + 9 * HOUR), Some(stream.start(*shard)));
                assert!(shards.contains(&parent));
            }
        }
    }

    #[test]
    fn a_shard_is_closed_by_a_transaction_and_not_by_the_clock() {
        let (stream, first) = (stream(None), Shard { generation: 0, lane: 0 });
        assert_eq!(stream.end(first, BEGAN + SHARD_MILLIS - 1), None);
        assert_eq!(stream.end(first, BEGAN + SHARD_MILLIS), Some(Number::at(BEGAN + SHARD_MILLIS)));
    }

    #[test]
    fn shards_are_forgotten_a_day_after_their_end() {
        let stream = stream(None);
        let oldest = |now| stream.shards(now, now)[0].generation;
        assert_eq!(oldest(BEGAN + 28 * HOUR - 1), 0);
        assert_eq!(oldest(BEGAN + 28 * HOUR), 1);
    }

    #[test]
    fn the_end_of_a_stream_closes_its_shards() {
        let stream = stream(Some(BEGAN + 5 * HOUR));
        let shards = stream.shards(BEGAN + 20 * HOUR, BEGAN + 20 * HOUR);
        assert_eq!(shards.last(), Some(&Shard { generation: 1, lane: LANES - 1 }));
        assert!(shards.iter().all(|shard| stream.end(*shard, BEGAN + 5 * HOUR).is_some()));
        assert_eq!(stream.end(Shard { generation: 1, lane: 0 }, u64::MAX), stream.ended);
    }

    #[test]
    fn ids_of_nothing_are_none() {
        let stream = stream(None);
        let first = stream.shard_id(Shard { generation: 0, lane: 0 });
        for id in ["", "shardId-", "shardId-1-0", &first[1..], &format!("{first}0"), &first.replace('-', "_")]
        {
            assert_eq!(stream.shard_of_id(id), None, "{id}");
        }
        // Another lane, a moment at which no shard begins, and one before the stream.
        for (millis, lane) in [(BEGAN, u64::from(LANES)), (BEGAN + 1, 0), (BEGAN - SHARD_MILLIS, 0)] {
            assert_eq!(stream.shard_of_id(&format!("shardId-{millis:020}-{lane:08x}")), None);
        }
    }
}
