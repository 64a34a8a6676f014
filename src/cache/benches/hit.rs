//! What a hit costs: an item beside a query, whose expression is read and bound for each.
//!
//! `cargo bench -p linac-cache --bench hit` times the way from a body that a door has read to the answer.
//! Read the ratio: single figures drift with the machine.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod rig;

use base::Clock;
use bytes::Bytes;
use rig::{Node, body_of, key_of};

/// Rounds of both; odd rounds go in the opposite order.
const ROUNDS: usize = 5;
const HITS: u32 = 100_000;
const KEYS: u64 = 1_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let node = Node::new(1 << 28, |call| {
        let item = format!(r#"{{"p":{{"S":"{:08}"}},"a":{{"S":"{:->1000}"}}}}"#, key_of(call), "");
        Bytes::from(match call.target().word() {
            "Query" => format!(r#"{{"Items":[{item}],"Count":1,"ScannedCount":1}}"#),
            _ => format!(r#"{{"Item":{item}}}"#),
        })
    });
    let reads = ["GetItem", "Query"].map(|operation| {
        let bodies: Vec<Bytes> = (0..KEYS).map(|key| body_of(operation, key).into()).collect();
        (operation, bodies)
    });
    runtime.block_on(async {
        for (operation, bodies) in &reads {
            for body in bodies {
                node.is_hit(node.call(operation, body.clone())).await;
            }
        }
    });
    let mut nanos = [const { Vec::new() }; 2];
    for round in 0..ROUNDS {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for which in order {
            nanos[which].push(time(&node, reads[which].0, &reads[which].1));
        }
    }
    nanos.iter_mut().for_each(|nanos| nanos.sort_unstable());
    let [item, query] = nanos.map(|nanos| nanos[ROUNDS / 2]);
    println!("item {item} ns, query {query} ns: {:.1} times an item", query as f64 / item as f64);
}

/// Nanoseconds of a hit.
fn time(node: &Node, operation: &str, bodies: &[Bytes]) -> u128 {
    let clock = Clock::start();
    let start = clock.now();
    for body in bodies.iter().cycle().take(HITS as usize) {
        assert!(node.ready(&node.call(operation, body.clone())).is_some());
    }
    ((clock.now() - start) / HITS).as_nanos()
}
