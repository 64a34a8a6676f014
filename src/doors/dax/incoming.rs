//! The bytes of a connection that came in and are not answered yet.

use std::io;

use base::{Permit, Permits};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What a connection holds from the start, and while it is idle: room for a read of an item.
const FIRST_BYTES: usize = 2 << 10;
/// What a connection may hold without asking. Most requests fit, and are served however much others hold.
const FREE_BYTES: usize = 16 << 10;

/// What came in. It grows with a request, and is given back behind it.
#[derive(Debug)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    /// Up to here it is answered.
    begin: usize,
    /// For what is held beyond [`FREE_BYTES`].
    permit: Option<Permit>,
    held: Permits,
}

impl Incoming {
    /// `held` are the bytes that all connections may hold together.
    pub(crate) fn new(held: Permits) -> Incoming {
        Incoming { bytes: Vec::with_capacity(FIRST_BYTES), begin: 0, permit: None, held }
    }

    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.begin..]
    }

    /// So many bytes are answered.
    pub(crate) fn consume(&mut self, count: usize) {
        self.begin += count;
        assert!(self.begin <= self.bytes.len(), "only what came in is answered");
        if self.begin < self.bytes.len() {
            return;
        }
        self.begin = 0;
        if self.bytes.capacity() > FREE_BYTES {
            self.bytes = Vec::with_capacity(FIRST_BYTES);
            self.permit = None;
        } else {
            self.bytes.clear();
        }
    }

    /// Waits for more; 0 is the end. While too much is held by all, it waits for others to be answered, and reads
    /// nothing. Dropped before it is ready, it has read nothing.
    pub(crate) async fn more(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        if self.bytes.len() == self.bytes.capacity() {
            if self.begin > 0 {
                self.bytes.drain(..self.begin);
                self.begin = 0;
            } else {
                self.grow().await;
            }
        }
        from.read_buf(&mut self.bytes).await
    }

    /// Doubles the room: whoever claims much must send as much.
    async fn grow(&mut self) {
        let capacity = self.bytes.capacity();
        let more = (2 * capacity).saturating_sub(capacity.max(FREE_BYTES));
        if more > 0 {
            let permit = match self.held.take(more) {
                Some(permit) => permit,
                None => self.held.wait_for(more).await,
            };
            match &mut self.permit {
                Some(held) => held.absorb(permit),
                None => self.permit = Some(permit),
            }
        }
        self.bytes.reserve_exact(capacity);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus::IntCounter;

    use super::*;

    fn held(total: usize) -> Permits {
        Permits::new(total, IntCounter::new("refused", "refused").unwrap())
    }

    async fn read(incoming: &mut Incoming, mut from: &[u8]) {
        while !from.is_empty() {
            incoming.more(&mut from).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_held_beyond_a_little_is_counted_and_given_back() {
        let held = held(1 << 20);
        let mut incoming = Incoming::new(held.clone());
        read(&mut incoming, &[7; FREE_BYTES]).await;
        assert_eq!(held.in_use(), 0);
        read(&mut incoming, &[8; 100_000]).await;
        assert_eq!(held.in_use(), incoming.bytes.capacity() - FREE_BYTES);
        assert_eq!(incoming.unread().len(), FREE_BYTES + 100_000);
        incoming.consume(FREE_BYTES);
        assert!(incoming.unread().iter().all(|byte| *byte == 8));
        assert!(held.in_use() > 0, "what follows is there still");
        incoming.consume(100_000);
        assert_eq!((held.in_use(), incoming.bytes.capacity()), (0, FIRST_BYTES));
    }

    #[tokio::test]
    async fn many_small_requests_take_no_more_room() {
        let held = held(0);
        let mut incoming = Incoming::new(held);
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
    async fn a_connection_waits_while_others_hold_too_much() {
        let held = held(FREE_BYTES);
        let all = held.take(FREE_BYTES).unwrap();
        let mut incoming = Incoming::new(held);
        read(&mut incoming, &[1; FREE_BYTES]).await;
        let mut rest: &[u8] = &[2; 10];
        let waiting = tokio::time::timeout(Duration::from_millis(20), incoming.more(&mut rest)).await;
        assert!(waiting.is_err());
        drop(all);
        assert_eq!(incoming.more(&mut rest).await.unwrap(), 10);
    }
}
