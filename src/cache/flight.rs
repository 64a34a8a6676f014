//! Single flight: many readers of one cold key, one read of the origin.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::{
    coherence::{Sight, Stamp},
    item::Strength,
};

/// The flights under way, by cache key.
#[derive(Debug)]
pub(crate) struct Flights<T> {
    under_way: Mutex<HashMap<Box<[u8]>, Flight<T>>>,
}

#[derive(Debug)]
struct Flight<T> {
    stamp: Stamp,
    strength: Strength,
    arrival: watch::Receiver<Option<T>>,
}

/// What a reader gets who comes aboard.
pub(crate) enum Boarded<T> {
    /// A flight that this reader begins; whoever flies it announces its end with the ticket.
    First(Ticket<T>, Follower<T>),
    /// A flight that another reader began.
    Joined(Follower<T>),
}

/// The flying end: dropped without an arrival, followers learn that there is none.
#[derive(Debug)]
pub(crate) struct Ticket<T> {
    key: Box<[u8]>,
    announce: watch::Sender<Option<T>>,
}

/// The waiting end.
#[derive(Debug)]
pub(crate) struct Follower<T> {
    arrival: watch::Receiver<Option<T>>,
}

impl<T> Default for Flights<T> {
    fn default() -> Flights<T> {
        Flights { under_way: Mutex::default() }
    }
}

/// Whether a reader may share a flight that others are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joining {
    /// Only one that was begun under the words that the slots show now, and asks as strongly.
    UnderTheSameWord,
    /// Any, which is wrong: for tests of the checkers.
    Always,
}

impl<T: Clone> Flights<T> {
    /// Comes aboard the flight of a key.
    ///
    /// `look` runs under the lock: it gives the entry that landed meanwhile, if one did, or what the slots
    /// show now.
    pub(crate) fn board<E>(
        &self,
        key: &[u8],
        joining: Joining,
        look: impl FnOnce() -> Result<E, Sight>,
    ) -> Result<E, (Boarded<T>, Sight)> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // Race: a reader misses, then the flight of its key lands and leaves, then the reader gets here.
        // Looking again under the lock finds what landed, since flights land before they leave.
        let sight = match look() {
            Ok(entry) => return Ok(entry),
            Err(sight) => sight,
        };
        let strength = Strength::needed(&sight);
        if let Some(flight) = under_way.get(key) {
            // Race: a write was acknowledged since this flight asked the origin. Its answer may lack that
            // write, which the reader may rely on; the slots have moved since, so the reader flies anew.
            let is_same = flight.stamp == sight.stamp && flight.strength == strength;
            // A flight whose task died brings nobody anything.
            let is_flying = flight.arrival.has_changed().is_ok();
            if is_flying && (is_same || joining == Joining::Always) {
                return Err((Boarded::Joined(Follower { arrival: flight.arrival.clone() }), sight));
            }
        }
        let (announce, arrival) = watch::channel(None);
        let flight = Flight { stamp: sight.stamp, strength, arrival: arrival.clone() };
        under_way.insert(key.into(), flight);
        Err((Boarded::First(Ticket { key: key.into(), announce }, Follower { arrival }), sight))
    }

    /// Ends a flight: what it brought is to be stored by now, since readers who come later look there.
    pub(crate) fn arrive(&self, ticket: Ticket<T>, arrival: T) {
        self.leave(&ticket);
        ticket.announce.send_replace(Some(arrival));
    }

    /// Takes a flight off the list, unless another took its place.
    fn leave(&self, ticket: &Ticket<T>) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let is_listed = |flight: &Flight<T>| flight.arrival.same_channel(&ticket.announce.subscribe());
        if under_way.get(&ticket.key).is_some_and(is_listed) {
            under_way.remove(&ticket.key);
        }
    }

    /// Flights under way.
    pub(crate) fn count(&self) -> usize {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl<T: Clone> Follower<T> {
    /// What the flight brought; `None` if it ended without saying.
    pub(crate) async fn arrival(mut self) -> Option<T> {
        self.arrival.wait_for(Option::is_some).await.ok().and_then(|arrival| arrival.clone())
    }
}

impl Strength {
    /// How a read that saw its slots like this must ask.
    pub(crate) fn needed(sight: &Sight) -> Strength {
        match sight.is_unsettled {
            true => Strength::Strong,
            false => Strength::Eventual,
        }
    }
}
