//! Large requests, for which there must be room.

use super::*;

/// A request of a little more than so many bytes, and what is echoed of it.
fn large(bytes: usize) -> (Vec<u8>, Vec<u8>) {
    let table = [&[0x5a], &u32::to_be_bytes(bytes as u32)[..], &vec![7; bytes]].concat();
    (scan(&table), echo(&table))
}

/// The head of the error for what finds no room, which clients repeat.
const BUSY: [u8; 3] = [0x85, 1, 0x18];

/// Takes an error, up to the number that ends it.
async fn error(stream: &mut TcpStream, head: &[u8], status: u16) {
    expect(stream, head).await;
    let mut last = [0; 3];
    while last != [&[0x19][..], &status.to_be_bytes()].concat()[..] {
        last.rotate_left(1);
        last[2] = timeout(PATIENCE, stream.read_u8()).await.expect("the error in time").unwrap();
    }
}

impl Node {
    async fn hold(&self, bytes: usize) {
        while self.door.room.in_use() < bytes {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn large_requests_wait_a_moment_for_room_and_are_turned_away_while_small_ones_are_served() {
    let node = open(Config { request_bytes_max: 1 << 20, ..config() }).await;
    // Half a megabyte is held by a client that does not send the rest.
    let mut hoarder = node.client().await;
    let (request, answer) = large(0x0b_0000);
    hoarder.write_all(&request[..request.len() - 1]).await.unwrap();
    node.hold(1 << 19).await;
    let mut second = node.client().await;
    second.write_all(&request).await.unwrap();
    ask(&mut node.client().await, b"\x41z").await;
    error(&mut second, &BUSY, 503).await;
    assert_eq!(node.door.metrics.refused_bytes.get(), 1);
    ask(&mut second, b"\x41z").await;
    // What is given back in time is for who waits.
    second.write_all(&request).await.unwrap();
    assert!(timeout(MOMENT * 3, second.read_u8()).await.is_err(), "there is no room for it");
    hoarder.write_all(&request[request.len() - 1..]).await.unwrap();
    expect(&mut hoarder, &answer).await;
    expect(&mut second, &answer).await;
    assert_eq!((node.door.room.in_use(), node.door.metrics.refused_bytes.get()), (0, 1));
}

#[tokio::test]
async fn clients_that_hold_what_each_other_needs_are_all_answered_soon() {
    let node = open(Config { request_bytes_max: 16 << 20, ..config() }).await;
    let (request, answer) = large(5 << 20);
    // Each would be let go as slow after that, if waiting for others were its own fault.
    let clients = (0..8).map(async |_| {
        let mut client = node.client().await;
        client.write_all(&request).await.unwrap();
        let mut first = [0; 3];
        timeout(PATIENCE / 2, client.read_exact(&mut first)).await.expect("an answer soon").unwrap();
        if first != BUSY {
            expect(&mut client, &answer[3..]).await;
        }
        first
    });
    let answers = futures_util::future::join_all(clients).await;
    assert!(answers.iter().any(|first| *first != BUSY), "one at least has room");
    assert_eq!(node.door.room.in_use(), 0);
}

#[tokio::test]
async fn a_byte_behind_a_large_request_does_not_hold_its_room() {
    let node = open(config()).await;
    let mut stream = node.client().await;
    let (request, answer) = large(5 << 20);
    stream.write_all(&[&request[..], &[0x01]].concat()).await.unwrap();
    expect(&mut stream, &answer).await;
    while node.door.room.in_use() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stream.write_all(&scan(b"\x41z")[1..]).await.unwrap();
    expect(&mut stream, &echo(b"\x41z")).await;
}

#[tokio::test]
async fn who_may_not_call_holds_nothing_and_an_authorization_counts_for_what_comes_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    std::fs::write(&path, "AKIDEXAMPLE SECRET\n").unwrap();
    let node = open(Config { access_keys: Some(path), ..config() }).await;
    let mut stream = node.client().await;
    let (request, answer) = large(5 << 20);
    let (most, end) = request.split_at(4 << 20);
    stream.write_all(most).await.unwrap();
    // All of that was taken, as there is no place for so much on the way.
    assert_eq!(node.door.room.in_use(), 0);
    stream.write_all(end).await.unwrap();
    error(&mut stream, &[0x84, 4, 0x17, 0x18, 31, 0x18, 33], 401).await;
    assert_eq!(node.door.metrics.unauthorized.get(), 1);
    let authorize = authorization(&node, "SECRET");
    stream.write_all(&[authorize, request].concat()).await.unwrap();
    expect(&mut stream, &answer).await;
    // One that is itself too long is none.
    let endless = authorization(&node, "SECRET");
    let endless = [&endless[..endless.len() - 1], &large(1 << 20).0[6..]].concat();
    let endless = endless[..endless.len() - 1].to_vec();
    let mut stream = node.client().await;
    stream.write_all(&[endless, scan(b"\x41z")].concat()).await.unwrap();
    error(&mut stream, &[0x84, 4, 0x17, 0x18, 31, 0x18, 34], 403).await;
}
