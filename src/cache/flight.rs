//! Single flight: many readers of one cold key, one read of the origin.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use base::{Announcement, Instant};
use futures_util::FutureExt;
use tokio::sync::oneshot;

use crate::{
    coherence::{Sight, Stamp},
    entry::Strength,
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
    boarding: Boarding,
    /// From here on its answer may be older than who comes now may be shown.
    shuts_at: Option<Instant>,
    arrival: Announcement<T>,
}

/// How long readers may come aboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boarding {
    /// Until it arrives: no write can be applied meanwhile without moving the stamp.
    UntilArrival,
    /// Until the origin is asked: a write is in flight or in doubt.
    UntilDeparture,
    /// No longer.
    Over,
}

/// What a reader gets who wants to come aboard.
pub(crate) enum Boarded<E, T> {
    /// The entry of a flight that landed meanwhile.
    Landed(E),
    /// A flight that this reader begins, with what it saw of its slots; whoever flies it announces its end with
    /// the ticket.
    First(Ticket<T>, Follower<T>, Sight),
    /// A flight that another reader began.
    Joined(Follower<T>),
}

/// The flying end: dropped without an arrival, followers learn that there is none.
#[derive(Debug)]
pub(crate) struct Ticket<T> {
    key: Box<[u8]>,
    announce: oneshot::Sender<T>,
    arrival: Announcement<T>,
    /// The flight to wait for before asking the origin.
    behind: Option<Follower<T>>,
}

/// The waiting end.
#[derive(Debug, Clone)]
pub(crate) struct Follower<T> {
    arrival: Announcement<T>,
}

impl<T> Default for Flights<T> {
    fn default() -> Flights<T> {
        Flights { under_way: Mutex::default() }
    }
}

/// Whether a reader may share a flight that others are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joining {
    /// Only one that was begun under the words that the slots show now, asks as strongly, and cannot have
    /// missed what was applied since.
    IfAsGood,
    /// Any that was begun under the same words, which is wrong: for tests of the checkers.
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
        now: Instant,
        look: impl FnOnce() -> Result<E, Sight>,
    ) -> Boarded<E, T> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // Race: a reader misses, then the flight of its key lands and leaves, then the reader gets here.
        // Looking again under the lock finds what landed, since flights land before they leave.
        let sight = match look() {
            Ok(entry) => return Boarded::Landed(entry),
            Err(sight) => sight,
        };
        let strength = Strength::needed(&sight);
        let mut behind = None;
        if let Some(flight) = under_way.get(key) {
            // Race: a write was acknowledged since this flight asked the origin. Its answer may lack that
            // write, which the reader may rely on; the slots have moved since, so the reader flies anew.
            let is_same = flight.stamp == sight.stamp && flight.strength == strength;
            let is_shut = flight.shuts_at.is_some_and(|shuts_at| shuts_at <= now);
            // A flight whose task died brings nobody anything.
            let is_flying = flight.arrival.is_awaited();
            let follower = || Follower { arrival: flight.arrival.clone() };
            let may_join = match joining {
                Joining::IfAsGood => is_same && flight.boarding != Boarding::Over && !is_shut,
                Joining::UnderTheSameWord => is_same,
                Joining::Always => true,
            };
            if is_flying && may_join {
                return Boarded::Joined(follower());
            }
            // Race: a write in flight or in doubt was applied since this flight asked the origin, and
            // somebody has seen it. Such a flight takes nobody more; who comes now leaves together on the
            // next one, so that a hot key still costs the origin one read at a time.
            behind = (is_flying && is_same).then(follower);
        }
        let (announce, arrival) = Announcement::new();
        let boarding = if sight.may_land { Boarding::UntilArrival } else { Boarding::UntilDeparture };
        let shuts_at = sight.keeps_for.map(|span| now + span);
        let flight = Flight { stamp: sight.stamp, strength, boarding, shuts_at, arrival: arrival.clone() };
        under_way.insert(key.into(), flight);
        let ticket = Ticket { key: key.into(), announce, arrival: arrival.clone(), behind };
        Boarded::First(ticket, Follower { arrival }, sight)
    }

    /// Waits for the flight ahead, if there is one, and closes the door if it has to be closed: from now on
    /// the origin may be asked.
    pub(crate) async fn depart(&self, ticket: &mut Ticket<T>) {
        if let Some(ahead) = ticket.behind.take() {
            ahead.arrival().await;
        }
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get_mut(&ticket.key).filter(|flight| ticket.is_of(flight))
            && flight.boarding == Boarding::UntilDeparture
        {
            flight.boarding = Boarding::Over;
        }
    }

    /// The same without waiting: whoever flies several at once may be waited for by the flight ahead.
    pub(crate) fn depart_at_once(&self, ticket: &mut Ticket<T>) {
        ticket.behind = None;
        let departed = self.depart(ticket).now_or_never();
        debug_assert!(departed.is_some(), "there is nothing to wait for");
    }

    /// Ends a flight that brings nothing that can be shared: everybody aboard has to ask by themselves.
    pub(crate) fn give_up(&self, ticket: &Ticket<T>) {
        self.leave(ticket);
    }

    /// Ends a flight: what it brought is to be stored by now, since readers who come later look there.
    pub(crate) fn arrive(&self, ticket: Ticket<T>, arrival: T) {
        self.leave(&ticket);
        // Nobody may be left to hear it.
        drop(ticket.announce.send(arrival));
    }

    /// Takes a flight off the list, unless another took its place.
    fn leave(&self, ticket: &Ticket<T>) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.get(&ticket.key).is_some_and(|flight| ticket.is_of(flight)) {
            under_way.remove(&ticket.key);
        }
    }

    /// Flights under way.
    pub(crate) fn count(&self) -> usize {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl<T: Clone> Ticket<T> {
    fn is_of(&self, flight: &Flight<T>) -> bool {
        flight.arrival.is(&self.arrival)
    }
}

impl<T: Clone> Follower<T> {
    /// What the flight brought; `None` if it ended without saying.
    pub(crate) async fn arrival(self) -> Option<T> {
        self.arrival.heard().await
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
