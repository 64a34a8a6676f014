//! What the bundled engine costs, over HTTP like everything else.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    ROUNDS,
    load::{self, Ask},
    process::{Server, call, median},
};

const SPAN: Duration = Duration::from_secs(1);
/// Items of the page that is queried.
const PAGE: usize = 100;
const KEYS: usize = 4096;

/// `arguments`: megabytes of items to start up with, and the directory to keep them in.
pub(crate) fn compare(arguments: &[String]) {
    let megabytes: usize = arguments.first().map_or(64, |size| size.parse().unwrap());
    let place = arguments.get(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = place.join(format!("linac-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    puts(&directory);
    reads(&directory);
    start_up(&directory, megabytes);
    std::fs::remove_dir_all(&directory).unwrap();
}

/// A node over an engine in a directory of its own, with the table that the load uses.
fn node(directory: &Path, flags: &[&str]) -> Server {
    let is_new = !directory.exists();
    let node = Server::linac(&[&["--data-dir", directory.to_str().unwrap()], flags].concat());
    if is_new {
        call(
            &node.url,
            "CreateTable",
            r#"{"TableName":"Users","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[
                {"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],
                "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}"#,
        );
    }
    node
}

/// Durable writes against what the same disk can sync.
fn puts(directory: &Path) {
    let node = node(&directory.join("puts"), &["--cache", "off"]);
    println!("durable PutItem of 400 bytes, {ROUNDS} rounds, medians:");
    for clients in [1, 16, 64, 256] {
        let rounds: Vec<(f64, f64, f64)> = (0..ROUNDS)
            .map(|_| {
                let disk = syncs(directory);
                let figures = load::measure(&node, Ask::Put, clients, 1_000_000, SPAN, 0);
                (figures.per_second, disk, figures.p50_micros)
            })
            .collect();
        let of = |pick: &dyn Fn(&(f64, f64, f64)) -> f64| median(rounds.iter().map(pick).collect());
        println!(
            "  {clients:>3} clients: {:>6.0} a second, p50 {:>6.0} us; the disk {:>5.0} syncs a second: {:.2} a sync",
            of(&|round| round.0),
            of(&|round| round.2),
            of(&|round| round.1),
            of(&|round| round.0 / round.1),
        );
    }
}

/// Appends as much as one write, and syncs.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn syncs(directory: &Path) -> f64 {
    let mut file = File::create(directory.join("bare")).unwrap();
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < SPAN / 2 {
        file.write_all(&[b'-'; 600]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

/// A read that the engine answers against one from the cache, and a page against an item.
fn reads(directory: &Path) {
    let directory = directory.join("reads");
    let server = node(&directory, &["--cache", "off"]);
    load::measure(&server, Ask::Put, 64, KEYS, Duration::ZERO, KEYS);
    for item in 0..PAGE {
        let body = format!(
            r#"{{"TableName":"Users","Item":{{"pk":{{"S":"page"}},"sk":{{"S":"{item:05}"}},"text":{{"S":"{}"}}}}}}"#,
            "x".repeat(360)
        );
        call(&server.url, "PutItem", &body);
    }
    let run = |server: &Server, ask| load::measure(server, ask, 64, KEYS, SPAN, 0).cpu_micros;
    let rounds: Vec<(f64, f64)> =
        (0..ROUNDS).map(|_| (run(&server, Ask::Get), run(&server, Ask::Query))).collect();
    drop(server);
    let server = node(&directory, &["--cache", "on"]);
    load::measure(&server, Ask::Get, 1, KEYS, Duration::ZERO, KEYS);
    let hits: Vec<f64> = (0..ROUNDS).map(|_| run(&server, Ask::Get)).collect();
    let engine = median(rounds.iter().map(|round| round.0).collect());
    let page = median(rounds.iter().map(|round| round.1).collect());
    let hit = median(hits);
    println!("reads of items of 400 bytes, server CPU a request, {ROUNDS} rounds, medians:");
    println!("  GetItem by the engine {engine:.1} us, by the cache {hit:.1} us, ratio {:.2}", engine / hit);
    println!("  Query of {PAGE} items {page:.1} us, of one GetItem {:.2}", page / engine);
}

/// The start of a node that has much to open.
fn start_up(directory: &Path, megabytes: usize) {
    let empty = directory.join("empty");
    drop(node(&empty, &[]));
    let full = directory.join("full");
    let items = megabytes * 1024;
    let server = node(&full, &["--cache", "off"]);
    load::measure(&server, Ask::Fill, 16, items / 25, Duration::ZERO, items / 25);
    let resident = server.resident_bytes();
    drop(server);
    let on_disk = bytes_in(&full);
    let start = |directory: &Path| {
        let server = Server::linac(&["--data-dir", directory.to_str().unwrap()]);
        (server.start_up.as_secs_f64() * 1000.0, server.resident_bytes() as f64 / f64::from(1 << 20))
    };
    let (mut of_empty, mut of_full) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_empty.push(start(&empty));
        of_full.push(start(&full));
    }
    let millis = |starts: &[(f64, f64)]| median(starts.iter().map(|start| start.0).collect());
    let mebibytes = |starts: &[(f64, f64)]| median(starts.iter().map(|start| start.1).collect());
    println!("{megabytes} MB of items of 1 KB:");
    println!(
        "  on disk {:.0} bytes an item, ratio {:.2}; resident after loading {} MiB",
        on_disk as f64 / items as f64,
        on_disk as f64 / items as f64 / 1024.0,
        resident >> 20
    );
    println!(
        "  start-up to the first answer {:.1} ms, empty {:.1} ms; resident {:.1} MiB, empty {:.1} MiB",
        millis(&of_full),
        millis(&of_empty),
        mebibytes(&of_full),
        mebibytes(&of_empty),
    );
}

/// What the files of a directory take, holes not counted.
fn bytes_in(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let bytes = entries.map(|path| match path.is_dir() {
        true => bytes_in(&path),
        false => path.metadata().unwrap().blocks() * 512,
    });
    bytes.sum()
}
