//! A link between two nodes that delays, cuts answers in the middle, hangs up before it delivers, and refuses.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base::{Chance, Drain};
use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Shares of the connections that are refused, of the answers that are cut, and of the requests whose sender is hung
/// up on and that are delivered nevertheless, so much later at most.
const REFUSED: f64 = 0.1;
const CUT: f64 = 0.04;
const LATE: f64 = 0.04;
const LATE_BY: u64 = 150;
/// Everything else takes so much longer at most, each way.
const DELAY: u64 = 8;
const CHUNK: usize = 16 << 10;

/// A port that leads to another one, badly.
pub(crate) struct FaultyLink {
    pub(crate) address: SocketAddr,
    faults: Arc<AtomicUsize>,
    drain: Drain,
}

/// One connection through it.
struct Carrier {
    near: TcpStream,
    far: TcpStream,
    chance: Chance,
    faults: Arc<AtomicUsize>,
}

impl FaultyLink {
    pub(crate) fn to(target: SocketAddr, chance: Chance) -> FaultyLink {
        let listener = base::listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (drain, faults) = (Drain::new(), Arc::new(AtomicUsize::new(0)));
        let (counted, spawner) = (Arc::clone(&faults), drain.clone());
        drain.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = spawner.begun() => return,
                };
                let Ok((near, _)) = accepted else { continue };
                if chance.happens(REFUSED) {
                    counted.fetch_add(1, Ordering::SeqCst);
                    let _reset = near.set_zero_linger();
                    continue;
                }
                let Ok(far) = TcpStream::connect(target).await else { continue };
                let carrier = Carrier { near, far, chance: chance.clone(), faults: Arc::clone(&counted) };
                // Whoever hangs up ends it.
                spawner.spawn(async move { carrier.carry().await.unwrap_or_default() });
            }
        });
        FaultyLink { address, faults, drain }
    }

    /// How much went wrong so far.
    pub(crate) fn faults(&self) -> usize {
        self.faults.load(Ordering::SeqCst)
    }
}

impl Drop for FaultyLink {
    fn drop(&mut self) {
        self.drain.begin();
    }
}

impl Carrier {
    async fn carry(mut self) -> io::Result<()> {
        let (mut request, mut answer) = (vec![0; CHUNK], vec![0; CHUNK]);
        loop {
            tokio::select! {
                length = self.near.read(&mut request) => match length? {
                    0 => return Ok(()),
                    length if self.goes_wrong(LATE) => return self.deliver_late(&request[..length]).await,
                    length => {
                        self.pause(DELAY).await;
                        self.far.write_all(&request[..length]).await?;
                    }
                },
                length = self.far.read(&mut answer) => match length? {
                    0 => return Ok(()),
                    length if self.goes_wrong(CUT) => {
                        self.near.write_all(&answer[..length / 2]).await?;
                        return self.near.shutdown().await;
                    }
                    length => {
                        self.pause(DELAY).await;
                        self.near.write_all(&answer[..length]).await?;
                    }
                },
            }
        }
    }

    /// Delivers a request when its sender has given it up.
    async fn deliver_late(self, request: &[u8]) -> io::Result<()> {
        let Carrier { near, mut far, chance, .. } = self;
        near.set_zero_linger()?;
        drop(near);
        tokio::time::sleep(Duration::from_millis(chance.below(LATE_BY))).await;
        far.write_all(request).await?;
        // Nobody waits for the answer, but who hangs up too early may not be heard.
        far.read(&mut [0]).await.map(drop)
    }

    fn goes_wrong(&self, share: f64) -> bool {
        let goes_wrong = self.chance.happens(share);
        self.faults.fetch_add(usize::from(goes_wrong), Ordering::SeqCst);
        goes_wrong
    }

    async fn pause(&self, at_most: u64) {
        tokio::time::sleep(Duration::from_millis(self.chance.below(at_most))).await;
    }
}
