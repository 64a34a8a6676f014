//! The accept loop that every door shares.

use std::{
    future::Future,
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tracing::warn;

use crate::{Clock, Drain, Permit, Permits};

/// The first pause after an error that is the machine's, such as no free file descriptor; it doubles.
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// The longest such pause: a door that is out of resources looks again once a second.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// For a request that the kernel already has to be read: a busy process gets round to it within this time.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// Connections that the kernel keeps for the accept loop. All clients come back at once after a restart, and
/// one that finds no place tries again only after a second.
const BACKLOG: u32 = 1024;

/// Listens on an address; port 0 takes a free one.
///
/// # Errors
/// When the address is not this machine's, or in use.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a predecessor that linger in the kernel do not block the address. (On Windows the option
    // would take the address from a process that still listens.)
    socket.set_reuseaddr(cfg!(not(windows)))?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What an accept loop works with.
#[derive(Debug, Clone)]
pub struct Accepting {
    /// The door's name, for the log.
    pub door: &'static str,
    /// Connections at once; its counter of refusals counts how often the loop had to wait for one to end.
    pub connections: Permits,
    /// Times the pauses.
    pub clock: Clock,
    /// Each connection is a task of this register; the loop ends when it begins to drain, or later by `linger`.
    pub drain: Drain,
    /// For so long connections are accepted after that.
    pub linger: Duration,
}

/// Accepts connections and spawns `handle` for each, until the drain begins and the time to linger is over.
///
/// At the cap nothing is accepted and nothing is closed: clients wait in the kernel's backlog. Connections
/// that had reached the backlog in the end are still handed over, so that none of them is reset.
pub async fn accept_loop<H, F>(listener: TcpListener, accepting: Accepting, handle: H)
where
    H: Fn(TcpStream, SocketAddr) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let Accepting { door, connections, clock, drain, linger } = accepting;
    let mut pause = None;
    let mut over = std::pin::pin!(async {
        drain.begun().await;
        if !linger.is_zero() {
            clock.sleep(linger).await;
        }
    });
    let start = |(stream, peer): (TcpStream, SocketAddr), permit: Permit| {
        // Small answers must not wait for the acknowledgement of the one before; a failure means the peer
        // left.
        let _peer_left = stream.set_nodelay(true);
        let connection = handle(stream, peer);
        drain.spawn(async move {
            connection.await;
            drop(permit);
        });
    };
    loop {
        let accepted = tokio::select! {
            biased;
            () = over.as_mut() => break,
            accepted = accept_one(&listener, &connections) => accepted,
        };
        match accepted {
            Ok((accepted, permit)) => {
                pause = None;
                start(accepted, permit);
            }
            Err(error) => {
                let Some(next) = pause_after(error.kind(), pause) else { continue };
                if pause.is_none() {
                    warn!(door, %error, "cannot accept connections, pausing");
                }
                pause = Some(next);
                tokio::select! {
                    () = over.as_mut() => break,
                    () = clock.sleep(next) => {}
                }
            }
        }
    }
    // The kernel is asked directly: the runtime may not yet have heard of the last connections, and limits
    // how many it hands out at a time.
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, peer)) = listener.accept() {
        let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) else {
            continue;
        };
        start((stream, peer), connections.wait_for(1).await);
    }
}

/// Resolves when a connection is to be told to end: a moment after the drain began (or, for a connection that
/// came later, after this was called).
///
/// Race: the client has sent a request, the drain begins, and the server, which has not read it yet, takes
/// the connection for idle and closes it. In this moment it is read.
pub async fn time_to_hang_up(drain: &Drain, clock: &Clock) {
    drain.begun().await;
    clock.sleep(LAST_WORDS).await;
}

/// The permit comes first: a connection that was accepted is served.
async fn accept_one(
    listener: &TcpListener,
    connections: &Permits,
) -> io::Result<((TcpStream, SocketAddr), Permit)> {
    let permit = match connections.take(1) {
        Some(permit) => permit,
        None => connections.wait_for(1).await,
    };
    Ok((listener.accept().await?, permit))
}

/// How long to wait after an error of `accept`; `None` when it concerned only the connection to be accepted.
fn pause_after(error: ErrorKind, previous: Option<Duration>) -> Option<Duration> {
    match error {
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionAborted
        | ErrorKind::ConnectionReset
        | ErrorKind::Interrupted => None,
        _ => Some(previous.map_or(PAUSE_MIN, |pause| (pause * 2).min(PAUSE_MAX))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use prometheus::IntCounter;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    struct Door {
        address: SocketAddr,
        drain: Drain,
        waits: IntCounter,
        greeted: Arc<AtomicUsize>,
    }

    /// A door that greets with one byte, then holds the connection until the client closes it.
    async fn open_door(connections_max: usize) -> Door {
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (drain, greeted) = (Drain::new(), Arc::new(AtomicUsize::new(0)));
        let waits = IntCounter::new("waits", "waits").unwrap();
        let accepting = Accepting {
            door: "test",
            connections: Permits::new(connections_max, waits.clone()),
            clock: Clock::start(),
            drain: drain.clone(),
            linger: Duration::ZERO,
        };
        let counter = Arc::clone(&greeted);
        drain.spawn(accept_loop(listener, accepting, move |mut stream, _| {
            let counter = Arc::clone(&counter);
            async move {
                counter.fetch_add(1, Ordering::SeqCst);
                stream.write_all(b"!").await.unwrap();
                let _closed = stream.read(&mut [0]).await;
            }
        }));
        Door { address, drain, waits, greeted }
    }

    async fn greeting(stream: &mut TcpStream) -> io::Result<u8> {
        stream.read_u8().await
    }

    #[tokio::test]
    async fn at_the_cap_a_connection_waits_and_is_not_closed() {
        let door = open_door(1).await;
        let mut first = TcpStream::connect(door.address).await.unwrap();
        greeting(&mut first).await.unwrap();
        let mut second = TcpStream::connect(door.address).await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(50), greeting(&mut second)).await;
        assert!(waiting.is_err(), "the second connection is neither greeted nor closed");
        assert_eq!((door.greeted.load(Ordering::SeqCst), door.waits.get()), (1, 1));
        drop(first);
        greeting(&mut second).await.unwrap();
    }

    #[tokio::test]
    async fn draining_ends_the_loop_and_waits_for_connections() {
        let door = open_door(10).await;
        let mut open = TcpStream::connect(door.address).await.unwrap();
        greeting(&mut open).await.unwrap();
        door.drain.begin();
        assert_eq!(door.drain.finished(Duration::from_millis(50)).await, 1, "only the connection is left");
        assert!(TcpStream::connect(door.address).await.is_err(), "nobody listens any more");
        drop(open);
        assert_eq!(door.drain.finished(Duration::from_secs(5)).await, 0);
    }

    #[tokio::test]
    async fn connections_in_the_backlog_survive_the_drain() {
        let door = open_door(100).await;
        // Without an await the accept loop, on the same thread, hears of none of them before the drain.
        let connect = |_| std::net::TcpStream::connect(door.address).unwrap();
        let waiting: Vec<_> = (0..300).map(connect).collect();
        door.drain.begin();
        for stream in waiting {
            stream.set_nonblocking(true).unwrap();
            let mut stream = TcpStream::from_std(stream).unwrap();
            greeting(&mut stream).await.expect("accepted before the listener closed");
        }
        assert_eq!(door.greeted.load(Ordering::SeqCst), 300);
    }

    #[test]
    fn only_errors_of_the_machine_pause_the_loop() {
        let check = |error, previous: Option<u64>, expected: Option<u64>| {
            let pause = pause_after(error, previous.map(Duration::from_millis));
            assert_eq!(pause, expected.map(Duration::from_millis), "{error:?} after {previous:?}");
        };
        let emfile = io::Error::from_raw_os_error(24).kind();
        check(emfile, None, Some(10));
        check(emfile, Some(10), Some(20));
        check(emfile, Some(640), Some(1000));
        check(emfile, Some(1000), Some(1000));
        check(ErrorKind::OutOfMemory, None, Some(10));
        check(ErrorKind::ConnectionAborted, None, None);
        check(ErrorKind::ConnectionReset, Some(10), None);
    }
}
