//! The bundled engine when its process dies, and when its directory is not to be had.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use base::{Chance, Drain};
use serde_json::{Value, json};

use crate::{
    client::{Client, request},
    node::{Process, linac},
};

/// More are run by hand: `LINAC_CRASH_ROUNDS=50 cargo test --test wire crash`.
const ROUNDS: u64 = 8;
const ROUNDS_VARIABLE: &str = "LINAC_CRASH_ROUNDS";

const WRITERS: u64 = 12;
/// How long writers write before the process is killed, at most.
const LIFE_MILLIS_MAX: u64 = 400;

/// A directory of a test's own, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("linac-wire-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

async fn over(data: &Path) -> Process {
    Process::start(&["--data-dir", data.to_str().unwrap()], &[]).await
}

#[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the test")]
fn rounds() -> u64 {
    std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

/// What a writer knows of the versions that it wrote.
#[derive(Debug, Default)]
struct Progress {
    /// The last one that may have been written.
    asked: AtomicU64,
    /// The last one that certainly was.
    acknowledged: AtomicU64,
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_writes_it_has_all_that_it_acknowledged_and_no_halves() {
    let (directory, chance) = (Directory::new("kill"), Chance::real());
    let progress: Arc<Vec<Progress>> = Arc::new((0..WRITERS).map(|_| Progress::default()).collect());
    let mut process = over(&directory.data()).await;
    create_ledger(&process).await;
    for round in 0..rounds() {
        let ends = Arc::new(AtomicBool::new(false));
        let drain = Drain::new();
        for writer in 0..WRITERS {
            drain.spawn(write(process.json, writer, Arc::clone(&progress), Arc::clone(&ends)));
        }
        tokio::time::sleep(Duration::from_millis(20 + chance.below(LIFE_MILLIS_MAX))).await;
        process.kill().await;
        ends.store(true, Ordering::Relaxed);
        assert_eq!(drain.finished(Duration::from_secs(20)).await, 0, "every writer notices");
        process = over(&directory.data()).await;
        check(&process, &progress, round).await;
    }
    let written: u64 = progress.iter().map(|progress| progress.acknowledged.load(Ordering::Relaxed)).sum();
    assert!(written > WRITERS, "{progress:?}");
    println!("{written} transactions and writes were acknowledged");
}

async fn create_ledger(process: &Process) {
    let table = json!({
        "TableName": "Ledger",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "p", "AttributeType": "S" },
            { "AttributeName": "owner", "AttributeType": "S" },
            { "AttributeName": "v", "AttributeType": "N" },
        ],
        "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-owner",
            "KeySchema": [
                { "AttributeName": "owner", "KeyType": "HASH" },
                { "AttributeName": "v", "KeyType": "RANGE" },
            ],
            "Projection": { "ProjectionType": "KEYS_ONLY" },
        }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    });
    assert_eq!(process.post("CreateTable", table.to_string()).await.status, 200);
}

fn key(writer: u64, part: &str) -> Value {
    json!({ "p": { "S": format!("{writer}-{part}") } })
}

fn image(writer: u64, part: &str, version: u64) -> Value {
    let mut item = key(writer, part);
    item["owner"] = json!({ "S": format!("owner-{writer}") });
    item["v"] = json!({ "N": version.to_string() });
    item["padding"] = json!({ "S": "x".repeat((version % 7 * 300) as usize) });
    item
}

/// Writes one version after the other: both halves of a pair in one transaction, then a single item.
async fn write(
    address: std::net::SocketAddr,
    writer: u64,
    progress: Arc<Vec<Progress>>,
    ends: Arc<AtomicBool>,
) {
    let progress = &progress[writer as usize];
    let mut client = Client::connect(address).await;
    while !ends.load(Ordering::Relaxed) {
        let version = progress.asked.load(Ordering::Relaxed) + 1;
        progress.asked.store(version, Ordering::Relaxed);
        let put = |part| json!({ "Put": { "TableName": "Ledger", "Item": image(writer, part, version) } });
        let pair = json!({ "TransactItems": [put("left"), put("right")] });
        let single = json!({ "TableName": "Ledger", "Item": image(writer, "single", version) });
        for (operation, body) in [("TransactWriteItems", pair), ("PutItem", single)] {
            match client.try_send(request(operation, body.to_string())).await {
                Ok(answer) => assert_eq!(answer.status, 200, "{answer:?}"),
                // Killed meanwhile.
                Err(_) => return,
            }
        }
        progress.acknowledged.store(version, Ordering::Relaxed);
    }
}

/// The versions by item: of the table, and of the index.
async fn contents(process: &Process, index: Option<&str>) -> BTreeMap<String, u64> {
    let mut request = json!({ "TableName": "Ledger" });
    if let Some(index) = index {
        request["IndexName"] = json!(index);
    }
    let scanned = process.post("Scan", request.to_string()).await.json();
    assert!(scanned["LastEvaluatedKey"].is_null(), "all of it fits on a page");
    let items = scanned["Items"].as_array().unwrap().iter();
    items.map(|item| (item["p"]["S"].as_str().unwrap().to_owned(), version(item).unwrap())).collect()
}

fn version(image: &Value) -> Option<u64> {
    image["v"]["N"].as_str().map(|version| version.parse().unwrap())
}

/// The versions by item, put together from every change in the table's stream.
async fn replayed(process: &Process) -> BTreeMap<String, u64> {
    let ask = async |operation, body: Value| process.post(operation, body.to_string()).await.json();
    let table = ask("DescribeTable", json!({ "TableName": "Ledger" })).await["Table"].take();
    let arn = &table["LatestStreamArn"];
    let described = ask("DescribeStream", json!({ "StreamArn": arn })).await;
    let mut items = BTreeMap::new();
    for shard in described["StreamDescription"]["Shards"].as_array().unwrap() {
        let place =
            json!({ "StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON" });
        let mut iterator = ask("GetShardIterator", place).await["ShardIterator"].take();
        loop {
            let mut page = ask("GetRecords", json!({ "ShardIterator": iterator })).await;
            let records = page["Records"].as_array().unwrap();
            if records.is_empty() {
                break;
            }
            for record in records {
                let change = &record["dynamodb"];
                let item = change["Keys"]["p"]["S"].as_str().unwrap().to_owned();
                assert_eq!(version(&change["OldImage"]), items.get(&item).copied(), "{item}: one is missing");
                items.insert(item, version(&change["NewImage"]).unwrap());
            }
            iterator = page["NextShardIterator"].take();
        }
    }
    items
}

async fn check(process: &Process, progress: &[Progress], round: u64) {
    let table = contents(process, None).await;
    assert_eq!(
        contents(process, Some("by-owner")).await,
        table,
        "round {round}: the index agrees with the table"
    );
    assert_eq!(replayed(process).await, table, "round {round}: the stream agrees with the table");
    for (writer, progress) in progress.iter().enumerate() {
        let of = |part: &str| table.get(&format!("{writer}-{part}")).copied().unwrap_or(0);
        let known = progress.acknowledged.load(Ordering::Relaxed)..=progress.asked.load(Ordering::Relaxed);
        assert_eq!(of("left"), of("right"), "round {round}: half a transaction of writer {writer}");
        for part in ["left", "single"] {
            let version = of(part);
            assert!(
                known.contains(&version),
                "round {round}: {part} of writer {writer} is {version}, not in {known:?}"
            );
        }
    }
    let described = process.post("DescribeTable", json!({ "TableName": "Ledger" }).to_string()).await.json();
    assert_eq!(described["Table"]["ItemCount"], table.len(), "round {round}");
}

#[tokio::test]
async fn asked_to_stop_it_keeps_everything() {
    let directory = Directory::new("stop");
    let mut process = over(&directory.data()).await;
    create_ledger(&process).await;
    let put = json!({ "TableName": "Ledger", "Item": image(0, "single", 7) });
    assert_eq!(process.post("PutItem", put.to_string()).await.status, 200);
    process.terminate();
    assert!(process.ended().await.success(), "{}", process.log());
    let process = over(&directory.data()).await;
    let get = json!({ "TableName": "Ledger", "Key": key(0, "single") });
    assert_eq!(process.post("GetItem", get.to_string()).await.json()["Item"], image(0, "single", 7));
}

#[tokio::test]
async fn a_directory_that_is_not_to_be_had_is_named() {
    let directory = Directory::new("refused");
    let file = directory.0.join("file");
    std::fs::write(&file, "x").unwrap();
    let strange = directory.0.join("strange");
    std::fs::create_dir(&strange).unwrap();
    std::fs::write(strange.join("letter.txt"), "x").unwrap();
    // Nobody can write there, not even who may write everywhere else.
    let read_only = PathBuf::from("/proc/linac-data");
    let _process = over(&directory.data()).await;
    for (path, expected) in [
        (directory.data(), "is in use"),
        (file, "cannot"),
        (strange, "is not empty and no store"),
        (read_only, "cannot"),
    ] {
        let mut command = linac();
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data-dir"]).arg(&path);
        let ended = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(expected) && said.contains(path.to_str().unwrap()), "{said}");
    }
}
