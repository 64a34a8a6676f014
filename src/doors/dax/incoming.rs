//! The bytes of a connection that came in and are not answered yet.

use std::io;

use base::{Permit, Permits};
use model::limits::REQUEST_BODY_BYTES_MAX;
use prometheus::IntCounter;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What a connection holds from the start, and while it is idle: room for a read of an item.
const FIRST_BYTES: usize = 2 << 10;
/// What a connection may hold of a request, or of a reply, without asking. Most fit, and are served however much others
/// hold.
pub(crate) const FREE_BYTES: usize = 16 << 10;
/// An item and a condition on it. Room for requests that are no larger is kept free of those that are.
const SMALL_BYTES: usize = 1 << 20;

/// What all connections may hold together, beyond [`FREE_BYTES`] each.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    held: Permits,
    /// What large requests leave free.
    for_small: usize,
}

/// Others hold too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl Room {
    /// A quarter is for small requests, but for what one of the largest needs. Refusals are counted by who gives up.
    pub(crate) fn new(total: usize, refused: IntCounter) -> Room {
        let for_small = (total / 4).min(total.saturating_sub(REQUEST_BODY_BYTES_MAX));
        Room { held: Permits::new(total, refused), for_small }
    }

    /// For a buffer that is to grow by `more` to `capacity`.
    fn take(&self, more: usize, capacity: usize) -> Option<Permit> {
        let rest = if capacity > SMALL_BYTES { self.for_small } else { 0 };
        self.held.try_take(more, rest)
    }

    #[cfg(test)]
    pub(crate) fn in_use(&self) -> usize {
        self.held.in_use()
    }
}

/// What came in. It grows with a request, and is given back behind it.
#[derive(Debug)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    /// Up to here it is answered.
    begin: usize,
    /// For what is held beyond [`FREE_BYTES`].
    permit: Option<Permit>,
    room: Room,
}

impl Incoming {
    pub(crate) fn new(room: Room) -> Incoming {
        Incoming { bytes: Vec::with_capacity(FIRST_BYTES), begin: 0, permit: None, room }
    }

    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.begin..]
    }

    /// So many bytes are answered. What follows them has a buffer of its own size then: whoever sends a byte behind a
    /// large request does not go on holding what that one needed.
    pub(crate) fn consume(&mut self, count: usize) {
        self.begin += count;
        assert!(self.begin <= self.bytes.len(), "only what came in is answered");
        let unread = self.unread();
        // Room for as much again, so that no byte is copied often.
        let enough = (2 * unread.len()).next_power_of_two().max(FIRST_BYTES);
        if self.bytes.capacity() > FREE_BYTES && enough < self.bytes.capacity() {
            let mut bytes = Vec::with_capacity(enough);
            bytes.extend_from_slice(unread);
            self.bytes = bytes;
            self.begin = 0;
            match enough.saturating_sub(FREE_BYTES) {
                0 => self.permit = None,
                beyond => self.permit.iter_mut().for_each(|permit| permit.keep(beyond)),
            }
        } else if unread.is_empty() {
            self.begin = 0;
            self.bytes.clear();
        }
    }

    /// Whether more can be read as it is.
    pub(crate) fn has_space(&mut self) -> bool {
        if self.bytes.len() == self.bytes.capacity() && self.begin > 0 {
            self.bytes.drain(..self.begin);
            self.begin = 0;
        }
        self.bytes.len() < self.bytes.capacity()
    }

    /// Whether it has to ask for more space than it has.
    pub(crate) fn is_at_bound(&self) -> bool {
        self.bytes.capacity() >= FREE_BYTES
    }

    /// Doubles the space: whoever claims much must send as much.
    pub(crate) fn grow(&mut self) -> Result<(), NoRoom> {
        let capacity = self.bytes.capacity();
        let more = (2 * capacity).saturating_sub(capacity.max(FREE_BYTES));
        if more > 0 {
            let permit = self.room.take(more, 2 * capacity).ok_or(NoRoom)?;
            match &mut self.permit {
                Some(held) => held.absorb(permit),
                None => self.permit = Some(permit),
            }
        }
        self.bytes.reserve_exact(2 * capacity - self.bytes.len());
        Ok(())
    }

    /// Waits for more, for which there must be space if it [`is_at_bound`](Incoming::is_at_bound); 0 is the end.
    /// Dropped before it is ready, it has read nothing.
    pub(crate) async fn more(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        if !self.has_space() && !self.is_at_bound() {
            self.grow().expect("so much is free");
        }
        assert!(self.has_space(), "what is read has a place to go");
        from.read_buf(&mut self.bytes).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(total: usize) -> Room {
        Room::new(total, IntCounter::new("refused", "refused").unwrap())
    }

    async fn read(incoming: &mut Incoming, mut from: &[u8]) {
        while !from.is_empty() {
            if !incoming.has_space() {
                incoming.grow().unwrap();
            }
            incoming.more(&mut from).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_held_beyond_a_little_is_counted_and_given_back() {
        let room = room(1 << 20);
        let mut incoming = Incoming::new(room.clone());
        read(&mut incoming, &[7; FREE_BYTES]).await;
        assert_eq!(room.in_use(), 0);
        read(&mut incoming, &[8; 100_000]).await;
        assert_eq!(room.in_use(), incoming.bytes.capacity() - FREE_BYTES);
        assert_eq!(incoming.unread().len(), FREE_BYTES + 100_000);
        incoming.consume(FREE_BYTES);
        assert!(incoming.unread().iter().all(|byte| *byte == 8));
        assert!(room.in_use() > 0, "what follows is there still");
        incoming.consume(100_000);
        assert_eq!((room.in_use(), incoming.bytes.capacity()), (0, FIRST_BYTES));
    }

    #[tokio::test]
    async fn what_follows_a_large_request_holds_no_more_than_it_needs() {
        let room = room(1 << 20);
        let mut incoming = Incoming::new(room.clone());
        read(&mut incoming, &[7; 500_000]).await;
        incoming.consume(499_999);
        assert_eq!((room.in_use(), incoming.bytes.capacity()), (0, FIRST_BYTES));
        assert_eq!(incoming.unread(), [7]);
        incoming.consume(1);
        read(&mut incoming, &[8; 500_000]).await;
        incoming.consume(450_000);
        assert_eq!((room.in_use(), incoming.unread().len()), ((128 << 10) - FREE_BYTES, 50_000));
        incoming.consume(50_000);
        assert_eq!(room.in_use(), 0);
    }

    #[tokio::test]
    async fn many_small_requests_take_no_more_room() {
        let mut incoming = Incoming::new(room(0));
        for round in 0..1000_u32 {
            read(&mut incoming, &[round as u8; 1500]).await;
            // A byte is left over each time, as of a request that has begun.
            let unread = incoming.unread().len();
            incoming.consume(unread - 1);
            assert_eq!(incoming.unread(), [round as u8]);
        }
        assert!(incoming.bytes.capacity() <= FREE_BYTES);
    }

    #[tokio::test]
    async fn large_requests_leave_room_for_small_ones() {
        let room = room(24 << 20);
        let mut large: Vec<_> = (0..2).map(|_| Incoming::new(room.clone())).collect();
        for incoming in &mut large {
            while incoming.grow().is_ok() {}
        }
        assert!(room.in_use() <= 18 << 20, "{}", room.in_use());
        let mut small = Incoming::new(room.clone());
        read(&mut small, &[1; SMALL_BYTES]).await;
        assert_eq!(small.grow(), Err(NoRoom));
        drop(large);
        assert_eq!(small.grow(), Ok(()));
        // The largest request fits, even where there is room for one alone.
        let mut alone = Incoming::new(super::Room::new(
            REQUEST_BODY_BYTES_MAX,
            IntCounter::new("refused", "refused").unwrap(),
        ));
        read(&mut alone, &vec![1; REQUEST_BODY_BYTES_MAX]).await;
    }
}
