//! Shard iterators: where a reader of a shard stands, as a text that the reader keeps. The engine keeps nothing, so
//! iterators outlive a restart.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use xxhash_rust::xxh3::xxh3_64;

use super::shard::{LANES, Number, Shard};

/// DynamoDB: "A shard iterator expires 15 minutes after it is retrieved" (API reference, `GetShardIterator`).
pub(crate) const ITERATOR_MILLIS: u64 = 15 * 60 * 1000;

/// Generation, lane, kind of position, position, moment of issue.
const PAYLOAD_BYTES: usize = 8 + 1 + 1 + 16 + 8;

/// Where a reader stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Iterator {
    pub(crate) stream_arn: String,
    pub(crate) shard: Shard,
    pub(crate) position: Position,
    /// In milliseconds since the epoch.
    pub(crate) issued_at: u64,
}

/// What is read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// The oldest record that there is by then.
    Oldest,
    /// The first record with this number, or a greater one.
    From(Number),
}

impl Iterator {
    /// DynamoDB: the stream's ARN, a number, and something that only the service can read.
    pub(crate) fn to_text(&self) -> String {
        let (kind, number) = match self.position {
            Position::Oldest => (0, 0),
            Position::From(number) => (1, number.to_bits()),
        };
        let mut bytes = Vec::with_capacity(PAYLOAD_BYTES + 8);
        bytes.extend(self.shard.generation.to_be_bytes());
        bytes.extend([self.shard.lane, kind]);
        bytes.extend(number.to_be_bytes());
        bytes.extend(self.issued_at.to_be_bytes());
        bytes.extend(checksum(&self.stream_arn, &bytes));
        format!("{}|1|{}", self.stream_arn, STANDARD.encode(bytes))
    }

    /// `None` if it is none of ours, or was changed on its way: a checksum says so. That is against slips; whoever
    /// makes one up on purpose can read no more with it than with one that is asked for.
    pub(crate) fn parse(text: &str) -> Option<Iterator> {
        let (stream_arn, rest) = text.split_once("|1|")?;
        let bytes = STANDARD.decode(rest).ok()?;
        let (payload, sum) = bytes.split_at_checked(PAYLOAD_BYTES)?;
        if sum != checksum(stream_arn, payload) {
            return None;
        }
        let (generation, payload) = payload.split_first_chunk()?;
        let (&[lane, kind], payload) = payload.split_first_chunk()?;
        let (number, issued_at) = payload.split_first_chunk()?;
        let position = match kind {
            0 => Position::Oldest,
            1 => Position::From(Number::of_bits(u128::from_be_bytes(*number))),
            _ => return None,
        };
        (lane < LANES).then_some(Iterator {
            stream_arn: stream_arn.to_owned(),
            shard: Shard { generation: u64::from_be_bytes(*generation), lane },
            position,
            issued_at: u64::from_be_bytes(issued_at.try_into().ok()?),
        })
    }
}

fn checksum(stream_arn: &str, payload: &[u8]) -> [u8; 8] {
    xxh3_64(&[stream_arn.as_bytes(), payload].concat()).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:dynamodb:eu-west-1:000000000000:table/Tab/stream/2024-01-01T00:00:00.000";

    #[test]
    fn iterators_come_back_and_changed_ones_do_not() {
        for position in [Position::Oldest, Position::From(Number { millis: 7, sequence: 8, place: 9 })] {
            let shard = Shard { generation: 3, lane: 2 };
            let iterator = Iterator { stream_arn: ARN.to_owned(), shard, position, issued_at: 12 };
            let text = iterator.to_text();
            assert_eq!(Iterator::parse(&text), Some(iterator));
            for place in 0..text.len() {
                let mut changed = text.clone().into_bytes();
                changed[place] = if changed[place] == b'x' { b'y' } else { b'x' };
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(Iterator::parse(&changed), None, "{changed}");
            }
        }
        for garbage in ["", "|1|", "x", &format!("{ARN}|1|"), &format!("{ARN}|1|AAAA")] {
            assert_eq!(Iterator::parse(garbage), None, "{garbage}");
        }
    }
}
