//! Writers whose traces can be checked.
//!
//! Writer `w` writes transactions 1, 2, 3, …, one after the other. Each puts a row of its own into three spaces,
//! replaces the writer's row in space 0, and is known to be acknowledged once [`Log`] says so.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io::{BufRead, Write},
};

use base::Chance;
use store::{Direction, Space, Store, StoreError, Transaction, View};

pub(crate) const SPACES: [Space; 3] = [Space(1), Space(2), Space(3)];
const NEWEST: Space = Space(0);

/// The last acknowledged transaction of each writer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged(pub(crate) BTreeMap<u32, u64>);

impl Acknowledged {
    /// From what a child has printed. Its last line may be cut off.
    pub(crate) fn read(&mut self, output: impl BufRead) {
        for line in output.lines().map_while(Result::ok) {
            // The harness puts words of its own before the first one.
            let Some((_, line)) = line.split_once("ack ") else { continue };
            let mut numbers = line.strip_suffix(" .").into_iter().flat_map(|line| line.split(' '));
            let (Some(writer), Some(number)) = (numbers.next(), numbers.next()) else { continue };
            self.note(writer.parse().unwrap(), number.parse().unwrap());
        }
    }

    pub(crate) fn note(&mut self, writer: u32, number: u64) {
        let last = self.0.entry(writer).or_default();
        *last = number.max(*last);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.values().sum()
    }
}

/// Says that a transaction was acknowledged, in one write that a kill cannot tear apart.
pub(crate) fn acknowledge(writer: u32, number: u64) {
    let line = format!("ack {writer} {number} .\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

pub(crate) fn create_spaces(store: &Store) {
    let created = store.write_blocking(|transaction| {
        for space in SPACES {
            if !transaction.has(space) {
                transaction.create_space(space);
            }
        }
        Ok::<_, Infallible>(())
    });
    created.unwrap().unwrap();
}

/// The number of a writer's last transaction in the store, acknowledged or not.
pub(crate) fn last_of(view: &View, writer: u32) -> u64 {
    let newest = view.get(NEWEST, &writer.to_be_bytes()).unwrap();
    newest.map_or(0, |value| check_value(writer, &value).unwrap())
}

pub(crate) fn write(store: &Store, writer: u32, number: u64, size: usize) -> Result<(), StoreError> {
    let outcome = store.write_blocking(move |transaction| {
        put(transaction, writer, number, size);
        Ok::<_, Infallible>(())
    })?;
    outcome.unwrap_or_else(|never| match never {});
    Ok(())
}

fn put(transaction: &mut Transaction<'_>, writer: u32, number: u64, size: usize) {
    let value = value(writer, number, size);
    for space in SPACES {
        transaction.put(space, &key(writer, number), value.clone());
    }
    transaction.put(NEWEST, &writer.to_be_bytes(), value);
}

fn key(writer: u32, number: u64) -> Vec<u8> {
    [&writer.to_be_bytes()[..], &number.to_be_bytes()].concat()
}

/// Number, random bytes, and a checksum over all of it.
fn value(writer: u32, number: u64, size: usize) -> Vec<u8> {
    let chance = Chance::seeded(u64::from(writer) << 40 | number);
    let mut value = number.to_be_bytes().to_vec();
    while value.len() < size {
        value.extend(chance.bits().to_be_bytes());
    }
    value.extend(checksum(writer, &value).to_be_bytes());
    value
}

fn check_value(writer: u32, value: &[u8]) -> Option<u64> {
    let (content, sum) = value.split_last_chunk::<8>()?;
    let number = u64::from_be_bytes(*content.first_chunk::<8>()?);
    (checksum(writer, content).to_be_bytes() == *sum).then_some(number)
}

/// FNV-1a: the store's own checksums are not to be trusted here.
fn checksum(writer: u32, bytes: &[u8]) -> u64 {
    let seed = 0xCBF2_9CE4_8422_2325 ^ u64::from(writer);
    bytes.iter().fold(seed, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

/// Everything that is wrong: lost transactions, half ones, torn values.
pub(crate) fn faults(view: &View, acknowledged: &Acknowledged) -> Vec<String> {
    let mut faults = Vec::new();
    let found = SPACES.map(|space| numbers(view, space, &mut faults));
    for (space, numbers) in SPACES.iter().zip(&found).skip(1) {
        if *numbers != found[0] {
            faults.push(format!("{space:?} holds other transactions than {:?}", SPACES[0]));
        }
    }
    let mut newest = BTreeMap::new();
    for row in view.range(NEWEST, .., Direction::Forward) {
        let (key, value) = row.unwrap();
        let writer = u32::from_be_bytes(key[..].try_into().unwrap());
        match check_value(writer, &value) {
            Some(number) => drop(newest.insert(writer, number)),
            None => faults.push(format!("the newest value of writer {writer} is torn")),
        }
    }
    if newest != found[0] {
        faults.push(format!("the newest are {newest:?}, and the last {:?}", found[0]));
    }
    for (writer, last) in &acknowledged.0 {
        let found = found[0].get(writer).copied().unwrap_or(0);
        if found < *last {
            faults.push(format!("writer {writer}: {last} were acknowledged, {found} are there"));
        }
    }
    faults
}

/// The last number of each writer, if its rows are there from 1 on without a gap.
fn numbers(view: &View, space: Space, faults: &mut Vec<String>) -> BTreeMap<u32, u64> {
    let mut numbers: BTreeMap<u32, u64> = BTreeMap::new();
    for row in view.range(space, .., Direction::Forward) {
        let (key, value) = row.unwrap();
        let (writer, number) = key.split_first_chunk::<4>().unwrap();
        let (writer, number) = (u32::from_be_bytes(*writer), u64::from_be_bytes(number.try_into().unwrap()));
        if check_value(writer, &value) != Some(number) {
            faults.push(format!("{space:?}: value {number} of writer {writer} is torn"));
        }
        let last = numbers.entry(writer).or_default();
        if *last + 1 != number {
            faults.push(format!("{space:?}: transaction {number} of writer {writer} follows {last}"));
        }
        *last = number;
    }
    numbers
}
