//! Where things lie: the keys of items and of index entries in the store, and the ranges that requests read.
//!
//! A key is the hash of its partition, then the components of the whole key, each of which ends by itself (see
//! `model::key`): partition key, then sort key, and behind an index's own key the primary key of the table,
//! since items may share an index key. Items of a partition lie together in the order of their sort keys, and
//! partitions lie in the order of their hashes, which is what a parallel Scan splits.

use std::ops::Bound;

use expr::{KeyRange, KeyTest};
use model::{AttributeValue, PrimaryKey, encode_component, encode_prefix};
use xxhash_rust::xxh3::xxh3_128;

/// Two partitions of one hash only lie side by side: the whole partition key follows.
const HASH_BYTES: usize = 16;

/// A part of a keyspace: `from` belongs to it, `to` does not; without `to` it goes on to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Option<Vec<u8>>,
}

/// Where an item lies.
pub(crate) fn item_key(key: &PrimaryKey) -> Vec<u8> {
    placed(key.partition_bytes(), key.as_bytes())
}

/// Where an index has an item.
pub(crate) fn entry_key(index_key: &PrimaryKey, key: &PrimaryKey) -> Vec<u8> {
    let mut bytes = placed(index_key.partition_bytes(), index_key.as_bytes());
    bytes.extend_from_slice(key.as_bytes());
    bytes
}

/// The same, from the attribute values of a key that was checked.
pub(crate) fn key_of_values<'a>(
    partition: impl IntoIterator<Item = &'a AttributeValue>,
    rest: impl IntoIterator<Item = &'a AttributeValue>,
) -> Vec<u8> {
    let mut components = Vec::new();
    partition.into_iter().for_each(|value| encode_component(value, &mut components));
    let mut key = placed(&components, &components);
    rest.into_iter().for_each(|value| encode_component(value, &mut key));
    key
}

fn placed(partition: &[u8], components: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(HASH_BYTES + components.len());
    key.extend_from_slice(&xxh3_128(partition).to_be_bytes());
    key.extend_from_slice(components);
    key
}

impl Span {
    /// Everything.
    pub(crate) fn all() -> Span {
        Span { from: Vec::new(), to: None }
    }

    /// What a Query reads.
    pub(crate) fn of_range(range: &KeyRange) -> Span {
        let partition = key_of_values(&range.partition, &range.sort_prefix);
        let component = |value: &AttributeValue| {
            let mut bytes = partition.clone();
            encode_component(value, &mut bytes);
            bytes
        };
        let (from, to) = match &range.sort {
            None => (partition.clone(), successor(&partition)),
            Some(KeyTest::Equal(value)) => (component(value), successor(&component(value))),
            Some(KeyTest::Less(value)) => (partition.clone(), Some(component(value))),
            Some(KeyTest::AtMost(value)) => (partition.clone(), successor(&component(value))),
            Some(KeyTest::More(value)) => {
                let from = successor(&component(value)).expect("no component ends a keyspace");
                (from, successor(&partition))
            }
            Some(KeyTest::AtLeast(value)) => (component(value), successor(&partition)),
            Some(KeyTest::Between(low, high)) => (component(low), successor(&component(high))),
            Some(KeyTest::BeginsWith(prefix)) => {
                let mut bytes = partition.clone();
                encode_prefix(prefix, &mut bytes);
                let end = successor(&bytes);
                (bytes, end)
            }
            Some(KeyTest::NotIndexable) => unreachable!("a key condition that suits a key has none of these"),
        };
        Span { from, to }
    }

    /// What one of the `total` workers of a parallel Scan reads: an equal share of the hashes.
    pub(crate) fn of_segment(segment: u32, total: u32) -> Span {
        let start = |segment: u32| (u128::from(segment) << 64).div_ceil(u128::from(total)) as u64;
        let from = if segment == 0 { Vec::new() } else { start(segment).to_be_bytes().to_vec() };
        let to = (segment + 1 < total).then(|| start(segment + 1).to_be_bytes().to_vec());
        Span { from, to }
    }

    /// What belongs to both, if anything.
    pub(crate) fn intersection(&self, other: &Span) -> Option<Span> {
        let from = self.from.clone().max(other.from.clone());
        let to = match (&self.to, &other.to) {
            (Some(one), Some(other)) => Some(one.clone().min(other.clone())),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        to.as_ref().is_none_or(|to| from < *to).then_some(Span { from, to })
    }

    pub(crate) fn overlaps(&self, other: &Span) -> bool {
        self.intersection(other).is_some()
    }

    /// Goes on to the end of another one, if that lies behind its own.
    pub(crate) fn extend_to(&mut self, other: &Span) {
        let ends = (self.to.take(), other.to.clone());
        self.to = match ends {
            (Some(one), Some(other)) => Some(one.max(other)),
            _ => None,
        };
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        key >= self.from.as_slice() && self.to.as_deref().is_none_or(|to| key < to)
    }

    /// As bounds of the store, behind `start` in the direction of reading, which lies in it.
    pub(crate) fn bounds_behind<'a>(
        &'a self,
        start: Option<&'a [u8]>,
        is_forward: bool,
    ) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
        let from = Bound::Included(self.from.as_slice());
        let to = self.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        match (start, is_forward) {
            (None, _) => (from, to),
            (Some(start), true) => (Bound::Excluded(start), to),
            (Some(start), false) => (from, Bound::Excluded(start)),
        }
    }
}

/// The first key behind all that begin with `prefix`; `None` if there is none.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut bytes = prefix[..=last].to_vec();
    bytes[last] += 1;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn text(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    fn key(partition: &str, sort: &str) -> Vec<u8> {
        key_of_values([&text(partition)], [&text(sort)])
    }

    #[test]
    fn a_range_holds_what_its_test_holds() {
        let sorts = ["a", "a\u{0}", "a\u{0}b", "aa", "ab", "b", "ba", "é"];
        let value = |sort: &str| Arc::new(text(sort));
        let tests = [
            KeyTest::Equal(value("a")),
            KeyTest::Less(value("a\u{0}b")),
            KeyTest::AtMost(value("aa")),
            KeyTest::More(value("a")),
            KeyTest::AtLeast(value("ab")),
            KeyTest::Between(value("a\u{0}"), value("b")),
            KeyTest::BeginsWith(value("a")),
            KeyTest::BeginsWith(value("a\u{0}")),
            KeyTest::BeginsWith(value("")),
        ];
        for test in tests {
            let range =
                KeyRange { partition: vec![text("p")], sort_prefix: vec![], sort: Some(test.clone()) };
            let span = Span::of_range(&range);
            for sort in sorts {
                assert_eq!(span.contains(&key("p", sort)), test.holds(&text(sort)), "{test:?} {sort:?}");
                assert!(!span.contains(&key("q", sort)));
            }
        }
    }

    #[test]
    fn segments_part_the_keyspace() {
        for total in [1, 2, 3, 7, 1_000_000] {
            let picked = [0, total / 2, total - 1];
            for partition in 0..200 {
                let key = key(&partition.to_string(), "s");
                let hash = u64::from_be_bytes(key[..8].try_into().unwrap());
                let owner = ((u128::from(hash) * u128::from(total)) >> 64) as u32;
                for segment in picked.into_iter().chain([owner]) {
                    assert_eq!(Span::of_segment(segment, total).contains(&key), segment == owner);
                }
            }
        }
    }
}
