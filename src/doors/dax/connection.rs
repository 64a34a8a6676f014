//! One connection: a preamble, then one request after the other, answered in their order.

use std::{io, pin::Pin, time::Duration};

use auth::Denied;
use backend::{Failure, FailureKind};
use base::{Instant, Permit};
use dax_wire::{Layering, Preamble, Stranger};
use futures_util::FutureExt;
use model::{ApiError, ErrorCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{
    authorize::Grant,
    door::Door,
    error::{Refusal, Stakes},
    incoming::{FREE_BYTES, Incoming},
    metadata::{self, Asker},
    methods::Method,
    reply::{Answers, Asked, Reply},
    request::{Reading, Request, Unreadable},
    roster::Entrance,
};

/// For a client to take the last reply before its connection is closed, in time and in what it may still send.
const LAST_REPLY_PATIENCE: Duration = Duration::from_secs(1);
const LAST_REPLY_BYTES: usize = 1 << 20;

/// For others to give back what they hold, before a request is turned away for want of room; and how often it looks.
const ROOM_PATIENCE: Duration = Duration::from_secs(1);
const ROOM_PAUSE: Duration = Duration::from_millis(20);

/// So much of a reply a client must take within the read timeout, if there is so much: two kilobytes a second.
const SENT_BYTES_MIN: usize = 64 << 10;
/// The same where too much of what was answered is not taken.
const SCARCE_PATIENCE: Duration = Duration::from_secs(1);

/// How a connection ends.
#[derive(Debug, thiserror::Error)]
enum Ending {
    #[error("the client closed it")]
    Closed,
    #[error("the client closed it within a request")]
    ClosedWithin,
    #[error("the client {0}")]
    Stranger(#[from] Stranger),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the client was too slow")]
    Slow,
    #[error("the node leaves")]
    Leaving,
    #[error(transparent)]
    Lost(#[from] io::Error),
}

/// What came in.
enum Received {
    Request(Request),
    /// A request that was not kept, and why.
    Passed(Method, Refusal),
}

/// A connection that is served.
pub(crate) struct Connection<'d, S: Answers, C> {
    door: &'d Door<S>,
    stream: C,
    entrance: Entrance,
    incoming: Incoming,
    layering: Layering,
    asker: Asker,
    grant: Grant,
}

impl<'d, S: Answers, C: AsyncRead + AsyncWrite + Unpin + Send> Connection<'d, S, C> {
    pub(crate) fn new(door: &'d Door<S>, stream: C, entrance: Entrance) -> Connection<'d, S, C> {
        Connection {
            door,
            stream,
            entrance,
            incoming: Incoming::new(door.room.clone()),
            layering: Layering::Plain,
            asker: Asker::Client,
            grant: Grant::None,
        }
    }

    /// Serves it to its end.
    pub(crate) async fn run(&mut self) {
        let Err(ending) = self.serve().await;
        match &ending {
            Ending::Stranger(_) => self.door.metrics.strangers.inc(),
            Ending::Unreadable(why) => {
                self.door.metrics.unreadable.inc();
                self.complain(*why).await;
            }
            Ending::Closed | Ending::ClosedWithin | Ending::Slow | Ending::Leaving | Ending::Lost(_) => {}
        }
        tracing::debug!(%ending, "a connection ended");
        self.hang_up().await;
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, Ending> {
        let door = self.door;
        let mut leaving = std::pin::pin!(door.time_to_leave());
        let preamble = tokio::select! {
            biased;
            preamble = self.preamble() => preamble?,
            // Nothing was asked for yet.
            () = leaving.as_mut() => return Err(Ending::Leaving),
        };
        self.layering = preamble.layering;
        self.asker = if preamble.is_node { Asker::Node } else { Asker::Client };
        tracing::debug!(user_agent = preamble.user_agent, layering = ?preamble.layering, "a client connected");
        loop {
            let reply = match self.request(leaving.as_mut()).await? {
                Received::Request(request) => {
                    let length = request.arguments.end;
                    let reply = self.answer(request).await;
                    // The request goes first, so that the two are not held at once.
                    self.incoming.consume(length);
                    reply
                }
                Received::Passed(method, refusal) => self.turn_away(method, &refusal),
            };
            if let Some(reply) = reply {
                self.send(reply).await?;
            }
        }
    }

    async fn preamble(&mut self) -> Result<Preamble, Ending> {
        let deadline = self.door.clock.now() + self.door.config.read_timeout;
        loop {
            if let Some((preamble, length)) = Preamble::read(self.incoming.unread())? {
                self.incoming.consume(length);
                return Ok(preamble);
            }
            self.read_until(deadline).await?;
        }
    }

    /// The next request. A client may take as long as it likes before it begins one.
    async fn request(&mut self, mut leaving: Pin<&mut impl Future<Output = ()>>) -> Result<Received, Ending> {
        let mut reading = Reading::new();
        let mut deadline = None;
        loop {
            if let Some(request) = reading.request(self.incoming.unread())? {
                return Ok(Received::Request(request));
            }
            if self.incoming.unread().is_empty() {
                // What has come in by then is answered before the connection is closed.
                tokio::select! {
                    biased;
                    read = self.incoming.more(&mut self.stream) => {
                        if read? == 0 {
                            return Err(Ending::Closed);
                        }
                    }
                    () = leaving.as_mut() => return Err(Ending::Leaving),
                }
            } else {
                let patience = self.door.config.read_timeout;
                let deadline = deadline.get_or_insert_with(|| self.door.clock.now() + patience);
                let began = self.door.clock.now();
                if let Err(refusal) = self.make_space().await {
                    return self.pass(reading, refusal, *deadline).await;
                }
                // The client cannot help that it was not read meanwhile.
                *deadline += self.door.clock.now().saturating_duration_since(began);
                self.read_until(*deadline).await?;
            }
        }
    }

    /// Sees to it that more of the request that has begun can be read.
    ///
    /// Whoever waits for room holds what came in before. So nobody waits for long: of several that hold what the others
    /// need, one soon gives up, and its request is passed over. None is closed for it: there are clients that hang
    /// then.
    async fn make_space(&mut self) -> Result<(), Refusal> {
        if self.incoming.has_space() || !self.incoming.is_at_bound() {
            return Ok(());
        }
        let door = self.door;
        let now = door.clock.now();
        // Who may not call needs no room. An authorization that comes in one packet with the call is known by now.
        if door.keys.is_some() {
            self.grant.check(now).inspect_err(|_| door.metrics.unauthorized.inc())?;
        }
        while self.incoming.grow().is_err() {
            if door.clock.now() >= now + ROOM_PATIENCE {
                door.metrics.refused_bytes.inc();
                let full = Failure::new(FailureKind::Overloaded, "no room for the request");
                return Err(Refusal::of_failure(&full, Stakes::Read));
            }
            door.clock.sleep(ROOM_PAUSE).await;
        }
        Ok(())
    }

    /// Reads a request to its end without keeping it.
    async fn pass(
        &mut self,
        mut reading: Reading,
        why: Refusal,
        deadline: Instant,
    ) -> Result<Received, Ending> {
        loop {
            let (count, method) = reading.pass(self.incoming.unread())?;
            self.incoming.consume(count);
            match method {
                Some(method) => return Ok(Received::Passed(method, why)),
                None => self.read_until(deadline).await?,
            }
        }
    }

    /// The reply to a request that was not kept.
    fn turn_away(&mut self, method: Method, why: &Refusal) -> Option<Reply> {
        if method == Method::AuthorizeConnection {
            self.grant = Grant::Denied(Denied::Malformed);
            return None;
        }
        let request_id = self.door.chance.request_id();
        let reply = Reply::refusal(why, &request_id, None);
        self.door.metrics.count(method, &reply, Duration::ZERO);
        tracing::debug!(request_id, method = method.name(), status = reply.status, "turned away");
        Some(reply)
    }

    /// Reads more of what has begun.
    async fn read_until(&mut self, deadline: Instant) -> Result<(), Ending> {
        let read = self.incoming.more(&mut self.stream);
        let has_begun = match self.door.clock.timeout_at(deadline, read).await {
            None => return Err(Ending::Slow),
            Some(read) => read? > 0,
        };
        match (has_begun, self.incoming.unread().is_empty()) {
            (true, _) => Ok(()),
            (false, true) => Err(Ending::Closed),
            (false, false) => Err(Ending::ClosedWithin),
        }
    }

    /// `None` for the one method that has no reply.
    async fn answer(&mut self, request: Request) -> Option<Reply> {
        let door = self.door;
        let Request { method, arguments } = request;
        let arguments = &self.incoming.unread()[arguments];
        let began = door.clock.now();
        if method == Method::AuthorizeConnection {
            if let Some(keys) = &door.keys {
                self.grant = Grant::of(arguments, keys, &door.clock);
            }
            return None;
        }
        let request_id = door.chance.request_id();
        let refused = door.keys.as_ref().and_then(|_keys| self.grant.check(began).err());
        let reply = match (refused, method) {
            (Some(refusal), _) => {
                door.metrics.unauthorized.inc();
                Err(refusal)
            }
            (None, Method::Endpoints) => Ok(Reply::own(door.roster(self.entrance))),
            (None, Method::DefineAttributeListId) => {
                own(metadata::define_id(&door.lists, arguments, self.asker).await)
            }
            (None, Method::DefineAttributeList) => {
                own(metadata::define_list(&door.lists, arguments, self.asker).await)
            }
            (None, _) => {
                let deadline = began + door.config.call_timeout;
                let asked = Asked { method, arguments, request_id: &request_id, deadline };
                Ok(door.answers.answer(asked).await)
            }
        };
        let reply = reply.unwrap_or_else(|refusal| Reply::refusal(&refusal, &request_id, None));
        let took = door.clock.now().saturating_duration_since(began);
        door.metrics.count(method, &reply, took);
        let (status, outcome) = (reply.status, reply.outcome.map(backend::Outcome::word));
        tracing::debug!(request_id, method = method.name(), outcome, status, ?took, "answered");
        Some(reply)
    }

    async fn send(&mut self, reply: Reply) -> Result<(), Ending> {
        let bytes = self.layering.carry(reply.message);
        let mut rest = &*bytes;
        // Mostly the system takes all of it at once.
        while !rest.is_empty()
            && let Some(written) = self.stream.write(rest).now_or_never()
        {
            rest = after(rest, written?)?;
        }
        let mut held = None;
        while !rest.is_empty() {
            rest = self.send_some(rest, &mut held).await?;
        }
        let deadline = self.door.clock.now() + self.door.config.read_timeout;
        let flushed = self.door.clock.timeout_at(deadline, self.stream.flush()).await;
        Ok(flushed.ok_or(Ending::Slow)??)
    }

    /// Sends [`SENT_BYTES_MIN`] of a reply, or the rest, for which there is so much time. A large reply on a slow line
    /// takes its time; one of which a byte is taken now and then does not.
    ///
    /// What clients leave to be sent is counted. Where there is too much of it, a client must be quicker to take what
    /// it asked for: it would be no use to let it wait, as the reply is there already; and to close at once would hit
    /// those that take it in the next millisecond.
    async fn send_some<'r>(
        &mut self,
        mut rest: &'r [u8],
        held: &mut Option<Permit>,
    ) -> Result<&'r [u8], Ending> {
        let door = self.door;
        if held.is_none() {
            *held = door.reply_bytes.take(rest.len().saturating_sub(FREE_BYTES));
        }
        let patience = if held.is_some() { door.config.read_timeout } else { SCARCE_PATIENCE };
        let deadline = door.clock.now() + patience.min(door.config.read_timeout);
        let end = rest.len().saturating_sub(SENT_BYTES_MIN);
        while rest.len() > end {
            let written = door.clock.timeout_at(deadline, self.stream.write(rest)).await;
            rest = after(rest, written.ok_or(Ending::Slow)??)?;
        }
        if let Some(held) = held {
            held.keep(rest.len().saturating_sub(FREE_BYTES));
        }
        Ok(rest)
    }

    /// Where a request that cannot be read ends, nobody knows: this is the last reply.
    async fn complain(&mut self, why: Unreadable) {
        let code = match why {
            Unreadable::Malformed(_) => ErrorCode::SerializationException,
            Unreadable::Service | Unreadable::Method(_) => ErrorCode::UnknownOperationException,
        };
        let refusal = Refusal::of_error(&ApiError::client(code, why.to_string()), Stakes::Read);
        let reply = Reply::refusal(&refusal, &self.door.chance.request_id(), None);
        // A client that has gone needs no reply.
        let _gone = self.send(reply).await;
    }

    /// Closes the connection. What the client still sends is read for a moment: to close with something unread would
    /// take the last reply away from it.
    async fn hang_up(&mut self) {
        let deadline = self.door.clock.now() + LAST_REPLY_PATIENCE;
        let farewell = async {
            self.stream.shutdown().await?;
            let mut rest = (&mut self.stream).take(LAST_REPLY_BYTES as u64);
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
        };
        let _in_time = self.door.clock.timeout_at(deadline, farewell).await;
    }
}

/// What the door answers by itself writes no item.
fn own(answer: Result<Vec<u8>, ApiError>) -> Result<Reply, Refusal> {
    answer.map(Reply::own).map_err(|error| Refusal::of_error(&error, Stakes::Read))
}

/// What is left to be written.
fn after(rest: &[u8], written: usize) -> io::Result<&[u8]> {
    match written {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(&rest[count..]),
    }
}
