//! The listeners, and what all connections share.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use auth::{AccessKeys, AccessKeysError};
use backend::Backend;
use base::{Accepting, Chance, Clock, Drain, Instant, Permits, accept_loop, time_to_hang_up};
use prometheus::IntGauge;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{
    attribute_lists::{AttributeLists, LogError, SharedLists},
    config::Config,
    connection::Connection,
    incoming::Room,
    metrics::Metrics,
    nodes::Nodes,
    operation::Operations,
    reply::Answers,
    roster::Entrance,
    tls::{self, Dialer, TlsError},
};

/// How long a connection may be silent before the system asks whether the other side is there still, and how often it
/// asks then. Nothing else ends an idle connection.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);

/// What the door is handed from outside.
#[derive(Debug)]
pub struct Parts {
    /// Time.
    pub clock: Clock,
    /// Chance, for request ids.
    pub chance: Chance,
    /// Where connections are registered.
    pub drain: Drain,
    /// What it counts.
    pub metrics: Metrics,
}

/// Why the door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Nobody could be let in.
    #[error(transparent)]
    AccessKeys(#[from] AccessKeysError),
    /// Nobody could come in over TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The numbers of attribute lists cannot be had.
    #[error("the attribute lists cannot be read: {0}")]
    Lists(#[from] LogError),
}

/// The DAX door.
pub struct Door<S = Operations> {
    pub(crate) config: Config,
    pub(crate) lists: Arc<SharedLists>,
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) answers: S,
    /// `None` lets everybody in.
    pub(crate) keys: Option<Arc<AccessKeys>>,
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    pub(crate) drain: Drain,
    pub(crate) metrics: Metrics,
    pub(crate) room: Room,
    /// For what was answered and is not taken.
    pub(crate) reply_bytes: Permits,
    connections: Permits,
    tls: Option<TlsAcceptor>,
    leaves_at: OnceLock<Instant>,
}

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `dax://`.
    Plain,
    /// `daxs://`; only of a door that has a certificate.
    Tls,
}

/// Serves a listener until the drain begins. Connections then are served on for as long as the door's configuration
/// says, while the answers to `endpoints` send clients elsewhere; if there is an elsewhere, new ones are too, as
/// clients ask for the nodes on a new connection each time. A node that is alone shall be found to be down the sooner.
///
/// # Panics
/// When it is to speak TLS and the door has no certificate.
pub async fn serve<S: Answers>(door: Arc<Door<S>>, listener: TcpListener, transport: Transport) {
    let tls = match transport {
        Transport::Plain => None,
        Transport::Tls => Some(door.tls.clone().expect("there is a certificate where TLS is spoken")),
    };
    let accepting = Accepting {
        door: "dax",
        connections: door.connections.clone(),
        clock: door.clock.clone(),
        drain: door.drain.clone(),
        linger: if door.config.roster.is_alone() { Duration::ZERO } else { door.config.leave_time },
    };
    let handle = |stream, peer| Arc::clone(&door).converse(stream, peer, tls.clone());
    let leave = async {
        door.drain.begun().await;
        door.leaves_at();
    };
    let port = listener.local_addr().map(|address| address.port());
    let watch = async {
        if let Ok(port) = port
            && transport == door.nodes.transport()
        {
            tokio::select! {
                () = door.time_to_leave() => {}
                () = door.nodes.watch(port) => {}
            }
        }
    };
    tokio::join!(accept_loop(listener, accepting, handle), leave, watch);
}

impl Door {
    /// A door in front of a stack. It reads the files of its certificate, of its access keys, and of its attribute
    /// lists.
    ///
    /// # Errors
    /// When one of them is not as it should be.
    pub fn open(config: Config, stack: Arc<dyn Backend>, parts: Parts) -> Result<Arc<Door>, DoorError> {
        let (clock, drain) = (parts.clock.clone(), parts.drain.clone());
        Door::before(|lists| Operations::new(stack, lists, clock, drain), config, parts)
    }
}

impl<S: Answers> Door<S> {
    /// A door in front of what answers with the lists that it has.
    fn before(
        answers: impl FnOnce(Arc<SharedLists>) -> S,
        config: Config,
        parts: Parts,
    ) -> Result<Arc<Door<S>>, DoorError> {
        let Parts { clock, chance, drain, metrics } = parts;
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let keys = config.access_keys.as_ref();
        let keys = keys.map(|path| AccessKeys::load(path, config.region.clone())).transpose()?.map(Arc::new);
        let lists = AttributeLists::open(&config.lists, clock.clone(), &metrics)?;
        let dialer = config.tls.as_ref().and_then(|tls| tls.nodes.as_ref()).map(Dialer::new).transpose()?;
        let (others, count) = (config.roster.others.clone(), metrics.nodes.clone());
        let nodes = Arc::new(Nodes::new(others, keys.clone(), dialer, clock.clone(), count));
        let lists = Arc::new(SharedLists::new(lists, Arc::clone(&nodes)));
        Ok(Arc::new(Door {
            connections: Permits::new(config.connections_max, metrics.refused_connections.clone()),
            reply_bytes: Permits::new(config.request_bytes_max, metrics.refused_replies.clone()),
            room: Room::new(config.request_bytes_max, metrics.refused_bytes.clone()),
            config,
            answers: answers(Arc::clone(&lists)),
            lists,
            nodes,
            keys,
            clock,
            chance,
            drain,
            metrics,
            tls,
            leaves_at: OnceLock::new(),
        }))
    }

    /// The message that says which nodes there are.
    pub(crate) fn roster(&self, entrance: Entrance) -> Vec<u8> {
        self.config.roster.answer(entrance, self.drain.has_begun(), self.nodes.shown())
    }

    /// Resolves when connections are to be closed: when the node has been leaving for long enough.
    pub(crate) async fn time_to_leave(&self) {
        self.drain.begun().await;
        self.clock.sleep_until(self.leaves_at()).await;
        time_to_hang_up(&self.drain, &self.clock).await;
    }

    /// One moment for all connections, those too that come after the drain has begun, which is when this is called
    /// first.
    fn leaves_at(&self) -> Instant {
        *self.leaves_at.get_or_init(|| self.clock.now() + self.config.leave_time)
    }

    async fn converse(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
        let Ok(local) = stream.local_addr() else { return };
        let keep_alive = TcpKeepalive::new().with_time(KEEP_ALIVE_AFTER).with_interval(KEEP_ALIVE_EVERY);
        if let Err(error) = SockRef::from(&stream).set_tcp_keepalive(&keep_alive) {
            tracing::debug!(%error, %peer, "a connection has no keep-alive");
        }
        let entrance = Entrance { local, is_tls: tls.is_some() };
        let _counted = Counted::new(&self.metrics.connections);
        match tls {
            None => Connection::new(&*self, stream, entrance).run().await,
            // Apart, so that a connection without it has no room for it.
            Some(acceptor) => Box::pin(self.converse_over_tls(stream, entrance, acceptor)).await,
        }
    }

    async fn converse_over_tls(&self, stream: TcpStream, entrance: Entrance, acceptor: TlsAcceptor) {
        let deadline = self.clock.now() + self.config.read_timeout;
        let accepted = tokio::select! {
            biased;
            accepted = self.clock.timeout_at(deadline, acceptor.accept(stream)) => accepted,
            () = self.time_to_leave() => None,
        };
        match accepted {
            Some(Ok(stream)) => Connection::new(self, stream, entrance).run().await,
            Some(Err(error)) => tracing::debug!(%error, "no TLS came about"),
            None => tracing::debug!("no TLS came about in time"),
        }
    }
}

/// A connection among those that are open, however it ends.
struct Counted<'g>(&'g IntGauge);

impl Counted<'_> {
    fn new(open: &IntGauge) -> Counted<'_> {
        open.inc();
        Counted(open)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;
