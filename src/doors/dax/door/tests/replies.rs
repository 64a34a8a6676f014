//! Clients that are slow to take their replies.

use tokio::io::DuplexStream;

use super::*;
use crate::connection::Connection;

/// What the way to a client holds; little, unlike the buffers of sockets.
const WAY_BYTES: usize = 1000;

/// A client, and the task of its connection, which tells how long it lasted.
fn client(node: &Node) -> (DuplexStream, JoinHandle<Duration>) {
    let (client, ours) = tokio::io::duplex(WAY_BYTES);
    let (door, entrance) = (Arc::clone(&node.door), Entrance { local: node.address, is_tls: false });
    let connection = async move {
        let began = door.clock.now();
        Connection::new(&*door, ours, entrance).run().await;
        door.clock.now() - began
    };
    (client, node.drain.spawn(connection))
}

/// One that has asked for a large reply.
async fn asker(node: &Node) -> (DuplexStream, JoinHandle<Duration>) {
    let (mut client, task) = client(node);
    client.write_all(&[PLAIN, &scan(LARGE)].concat()).await.unwrap();
    (client, task)
}

/// Takes a large reply piece by piece, as long as there is one.
async fn take(client: &mut DuplexStream, pause: Duration) -> usize {
    let (mut taken, mut piece) = (0, [0; WAY_BYTES]);
    while taken < LARGE_BYTES {
        tokio::time::sleep(pause).await;
        match client.read(&mut piece).await.unwrap() {
            0 => break,
            count => taken += count,
        }
    }
    taken
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_taken_at_some_speed_or_not_at_all() {
    let node = open(config()).await;
    // Ten kilobytes a second, where it must be 64 KiB in ten seconds.
    let (mut client, _task) = asker(&node).await;
    assert!(take(&mut client, PATIENCE / 100).await >= LARGE_BYTES);
    // One kilobyte a second; each time something is written.
    let (mut client, task) = asker(&node).await;
    let taken = take(&mut client, Duration::from_secs(1)).await;
    assert!(taken < 15 * WAY_BYTES, "{taken}");
    let took = task.await.unwrap();
    assert!((PATIENCE..2 * PATIENCE).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn replies_that_nobody_takes_are_counted_and_make_no_room_for_more() {
    let node = open(Config { request_bytes_max: 3 << 19, ..config() }).await;
    let (_client, first) = asker(&node).await;
    while node.door.reply_bytes.in_use() < LARGE_BYTES - (32 << 10) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // There is no room for the second, which is soon let go; the third takes what it asked for, and is not.
    let (_silent, second) = asker(&node).await;
    let took = second.await.unwrap();
    assert!(took < Duration::from_secs(3), "{took:?}");
    let (mut quick, third) = asker(&node).await;
    assert!(node.door.metrics.refused_replies.get() > 0);
    assert!(take(&mut quick, Duration::from_millis(10)).await >= LARGE_BYTES);
    assert!(!third.is_finished());
    // Small replies need no room.
    let (mut small, _task) = client(&node);
    small.write_all(PLAIN).await.unwrap();
    ask(&mut small, b"\x41z").await;
    let took = first.await.unwrap();
    assert!((PATIENCE..2 * PATIENCE).contains(&took), "{took:?}");
    assert_eq!(node.door.reply_bytes.in_use(), 0);
}
