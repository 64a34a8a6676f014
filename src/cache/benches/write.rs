//! What a write costs in the cache: a put of 1 KB through it, beside the same put with the cache off.
//!
//! `cargo bench -p linac-cache --bench write` times the way from a body that a door has read to the answer, in front
//! of an origin that answers at once; the table has a global index. Read the difference.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod rig;

use std::sync::Arc;

use base::{Clock, Drain};
use bytes::Bytes;
use cache::Mode;
use rig::Node;

/// Rounds of both; odd rounds go in the opposite order.
const ROUNDS: usize = 7;
const WRITES: u32 = 30_000;
const KEYS: u64 = 1_000;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let _entered = runtime.enter();
    let modes = [Mode::Off, Mode::On];
    let nodes = modes.map(|mode| Arc::new(Node::of_mode(mode, 1 << 28, |_| Bytes::from_static(b"{}"))));
    let put = |key| {
        format!(
            r#"{{"TableName":"Tab","Item":{{"p":{{"S":"{key:08}"}},"g":{{"S":"{}"}},"a":{{"S":"{:->900}"}}}}}}"#,
            key % 20,
            ""
        )
    };
    let bodies: Arc<Vec<Bytes>> = Arc::new((0..KEYS).map(|key| put(key).into()).collect());
    let mut nanos = [const { Vec::new() }; 2];
    for round in 0..ROUNDS {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for which in order {
            // As a door does: on a worker of the runtime.
            let (node, bodies) = (Arc::clone(&nodes[which]), Arc::clone(&bodies));
            let timed = Drain::new().spawn(async move { time(&node, &bodies).await });
            nanos[which].push(runtime.block_on(timed).unwrap());
        }
    }
    nanos.iter_mut().for_each(|nanos| nanos.sort_unstable());
    let [off, on] = nanos.map(|nanos| nanos[ROUNDS / 2]);
    println!("put with the cache off {off} ns, through the cache {on} ns: {} ns more", on - off);
}

/// Nanoseconds of a put.
async fn time(node: &Node, bodies: &[Bytes]) -> i128 {
    let clock = Clock::start();
    let start = clock.now();
    for body in bodies.iter().cycle().take(WRITES as usize) {
        node.is_hit(node.call("PutItem", body.clone())).await;
    }
    ((clock.now() - start) / WRITES).as_nanos() as i128
}
