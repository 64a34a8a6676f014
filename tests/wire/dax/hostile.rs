//! Clients that send nonsense, and what it costs: nothing is written, memory is bounded, and others are served.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base::Drain;
use dax_door::{
    Layering, Method,
    client::{CallError, Client},
};
use dax_wire::Writer;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{DAX, create_music, get, put};
use crate::{
    client::{self, PATIENCE},
    node::{self, Process},
};

const PREAMBLE: &[u8] = b"\x67J7yne5G\x00\xf6\xa1\x69UserAgent\x64Test\x00";

/// A connection that puts into `Music`, under a key of one byte; the values are to follow.
fn begun() -> Vec<u8> {
    let mut out = Writer::new();
    out.raw(PREAMBLE);
    out.int(1);
    out.int(Method::PutItem.id().into());
    out.bytes(b"Music");
    out.bytes(b"a");
    out.into_bytes()
}

/// The arguments of `putItem`: values of a list by its number.
fn arguments(list: i64, values: &[u8]) -> Vec<u8> {
    let mut blob = Writer::new();
    blob.int(list);
    blob.raw(values);
    let mut out = Writer::new();
    out.bytes(b"Music");
    out.bytes(b"a");
    out.bytes(&blob.into_bytes());
    out.null();
    out.into_bytes()
}

#[tokio::test]
async fn values_that_fit_no_list_are_refused_and_nothing_is_written() {
    let node = node::over_engine(&[DAX]).await;
    create_music(&node).await;
    let mut client = node.dax().await;
    let mut names = Writer::new();
    names.array(2);
    names.text("v");
    names.text("w");
    let list = client.raw(Method::DefineAttributeListId, &names.into_bytes()).await.unwrap();
    let list = minicbor::Decoder::new(&list).i64().unwrap();
    // An unknown list; one value and three for two names; one for none; half a value.
    let wrong: [(i64, &[u8]); 6] = [
        (12_345, b"\x01\x02"),
        (-1, b"\x01"),
        (list, b"\x01"),
        (list, b"\x01\x02\x03"),
        (1, b"\x01"),
        (list, b"\x01\x62a"),
    ];
    for (list, values) in wrong {
        match client.raw(Method::PutItem, &arguments(list, values)).await {
            Err(CallError::Refused(error)) => assert_eq!(error.codes, [4, 37, 38, 39, 46], "{error}"),
            other => panic!("list {list} with {values:02x?}: {other:?}"),
        }
        assert_eq!(node.post("GetItem", get("a").to_string()).await.json(), json!({}));
    }
    client.raw(Method::PutItem, &arguments(list, b"\x01\x02")).await.unwrap();
    let written = json!({ "Item": { "p": { "S": "a" }, "v": { "N": "1" }, "w": { "N": "2" } } });
    assert_eq!(node.post("GetItem", get("a").to_string()).await.json(), written);
}

/// Sends all that is taken of an attack, and stays.
async fn attack(address: SocketAddr, bytes: Arc<[u8]>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be closed in the middle, or not be read on.
    let _closed = stream.write_all(&bytes).await;
    std::future::pending().await
}

#[tokio::test]
async fn hostile_clients_cost_bounded_memory_and_nobody_elses_service() {
    // Of eight attacks the last two are large: twenty connections that send eight megabytes each.
    const ATTACKERS: usize = 80;
    const LARGE_BYTES: usize = 8 << 20;
    let settings = [("LINAC__DAX__REQUEST_BYTES_MAX", "24 MiB")];
    let process = Process::start(&["--in-memory", "--dax", "127.0.0.1:0"], &settings).await;
    let table = json!({
        "TableName": "Music", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": "S" }],
    });
    assert_eq!(client::post(process.json, "CreateTable", table.to_string()).await.status, 200);
    let address = process.dax.unwrap();
    let mut victim = Client::connect(address, Layering::Plain).await.unwrap();
    // More than a connection may hold without asking.
    let item = |key: &str| json!({ "TableName": "Music", "Item": { "p": { "S": key }, "v": { "S": "x".repeat(20_000) } } });
    victim.call("PutItem", &item("a")).await.unwrap();
    let (before, _) = process.resident_bytes();
    // A gigabyte that never comes, elements without end, levels without end, text that is no preamble, and puts of
    // several megabytes: one that stops before its end, and one that would be hundreds of megabytes in memory.
    let request = |tail: &[u8]| [&begun()[..], tail].concat();
    let blob = |value: u8| [&[0x5a, 0, 0x80, 0, 0, 1, 0x9f][..], &vec![value; LARGE_BYTES - 2]].concat();
    let attacks = [
        request(b"\x5a\x40\x00\x00\x00"),
        request(b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"),
        request(&[0x81; 100_000]),
        request(&[&[0x9f][..], &[0xbf; 70_000]].concat()),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000),
        vec![0xff; 50_000],
        request(&blob(7)),
        request(&[&blob(0xf6)[..], &[0xf6]].concat()),
    ]
    .map(Arc::<[u8]>::from);
    let drain = Drain::new();
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|number| drain.spawn(attack(address, Arc::clone(&attacks[number % attacks.len()]))))
        .collect();
    for round in 0..ATTACKERS {
        let key = round.to_string();
        let put = tokio::time::timeout(PATIENCE, victim.call("PutItem", &item(&key))).await;
        put.expect("others are served").unwrap();
        let read = tokio::time::timeout(PATIENCE, victim.call("GetItem", &get(&key))).await;
        assert_eq!(read.expect("others are served").unwrap()["Item"], item(&key)["Item"]);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The room for requests, and what decoding takes for a moment. Without a bound it is what the half of the large attacks
    // holds that never ends, 80 MiB, and more.
    let grown = process.resident_bytes().1.saturating_sub(before);
    assert!(grown < 64 << 20, "{} MiB for {ATTACKERS} hostile clients", grown >> 20);
    attackers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_client_that_dribbles_holds_nobody_up_and_is_answered_in_the_end() {
    let node = node::over_engine(&[DAX]).await;
    create_music(&node).await;
    let mut victim = node.dax().await;
    victim.call("PutItem", &put("a", 1)).await.unwrap();
    let mut slow = TcpStream::connect(node.dax_address()).await.unwrap();
    slow.set_nodelay(true).unwrap();
    for byte in [&begun()[..], b"\x41\x01\xf6"].concat() {
        slow.write_all(&[byte]).await.unwrap();
        victim.call("GetItem", &get("a")).await.unwrap();
    }
    let mut reply = [0; 3];
    tokio::time::timeout(PATIENCE, slow.read_exact(&mut reply)).await.expect("an answer in time").unwrap();
    assert_eq!(reply, [0x80, 0xbf, 0xff]);
    let keys_only = json!({ "Item": { "p": { "S": "a" } } });
    assert_eq!(victim.call("GetItem", &get("a")).await.unwrap(), keys_only);
}
