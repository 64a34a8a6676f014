//! `linac warm`: fills the cache of a running node, as a client of its own. Items are read in batches, eventually, so
//! that the node keeps them as it keeps what others read.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth::{Chain, Signer};
use backend::{Backend, Call};
use base::{Chance, Clock, Instant};
use futures_util::future::try_join_all;
use model::{TableName, Target, json::item_from_slice, limits::BATCH_GET_KEYS_MAX};
use prometheus::Registry;
use serde_json::{Map, Value, json};
use upstream::Remote;

use crate::{
    Failed,
    cli::Warm,
    operate::{address_of, print},
};

/// For the node to answer a call, its own attempts upstream included.
const CALL_PATIENCE: Duration = Duration::from_secs(60);
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// Tries in all of a call, and of the keys that a batch leaves unprocessed.
const ATTEMPTS: u32 = 5;
/// Before keys that were left unprocessed are asked for again: DynamoDB says to wait.
const PAUSE: Duration = Duration::from_millis(200);
/// How often it is said how far it got.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// `linac warm`.
///
/// # Errors
/// When the keys cannot be read, the node cannot be reached, or it refuses; what was warmed by then is printed.
pub fn warm(args: &Warm) -> Result<(), Failed> {
    TableName::parse(&args.table).map_err(|wrong| Failed::Usage(format!("--table: {wrong}")))?;
    let node = address_of(args.listen, "json.listen")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failed::Other(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        let warming = Warming::of(node, &args.table, args.rate)?;
        let outcome = match &args.keys {
            Some(file) => warming.keys(file).await,
            None => warming.scan(args.segments).await,
        };
        print(&format!("{}\n", warming.tally.told()))?;
        outcome?;
        match warming.tally.left.load(Ordering::Relaxed) {
            0 => Ok(()),
            left => Err(Failed::Other(format!("{left} keys were left unprocessed, however often asked for"))),
        }
    })
}

/// Items that are read into the cache of a node.
struct Warming {
    node: Remote,
    clock: Clock,
    table: String,
    pace: Pace,
    tally: Tally,
    told_at: Mutex<Instant>,
}

/// How far it got.
#[derive(Debug, Default)]
struct Tally {
    keys: AtomicU64,
    items: AtomicU64,
    left: AtomicU64,
}

/// So many items a second, whoever asks for them.
struct Pace {
    clock: Clock,
    per_second: u32,
    next: Mutex<Instant>,
}

impl Warming {
    fn of(node: SocketAddr, table: &str, rate: u32) -> Result<Warming, Failed> {
        let clock = Clock::start();
        let config = upstream::Config {
            origin: upstream::Origin::Url(format!("http://{node}")),
            // The node signs with its own credentials, for its own region.
            region: "us-east-1".to_owned(),
            connect_timeout: CONNECT_PATIENCE,
            timeout: CALL_PATIENCE,
            attempts: ATTEMPTS,
            breaker: None,
            hedge: None,
        };
        let parts = upstream::Parts {
            signer: Arc::new(Signer::new(Chain::Local, config.region.clone(), clock.clone())),
            clock: clock.clone(),
            chance: Chance::real(),
            metrics: upstream::Metrics::register(&Registry::new()).map_err(failed)?,
        };
        Ok(Warming {
            node: Remote::new(config, parts).map_err(failed)?,
            pace: Pace { clock: clock.clone(), per_second: rate, next: Mutex::new(clock.now()) },
            table: table.to_owned(),
            tally: Tally::default(),
            told_at: Mutex::new(clock.now()),
            clock,
        })
    }

    /// The keys in a file, one a line.
    async fn keys(&self, path: &Path) -> Result<(), Failed> {
        let unread = |error| Failed::Other(format!("cannot read {}: {error}", path.display()));
        let mut batch = BTreeSet::new();
        for (number, line) in BufReader::new(File::open(path).map_err(unread)?).lines().enumerate() {
            let line = line.map_err(unread)?;
            if line.trim().is_empty() {
                continue;
            }
            let key = canonical(&line).map_err(|wrong| {
                Failed::Other(format!("{}, line {}: {wrong}", path.display(), number + 1))
            })?;
            batch.insert(key);
            if batch.len() == BATCH_GET_KEYS_MAX {
                self.read(std::mem::take(&mut batch)).await?;
            }
        }
        self.read(batch).await
    }

    /// Whatever is in the table. Each page of a scan shows keys, whose items are then read.
    async fn scan(&self, segments: u32) -> Result<(), Failed> {
        let described = self.ask("DescribeTable", json!({ "TableName": self.table })).await?;
        let schema = described["Table"]["KeySchema"].as_array().cloned().unwrap_or_default();
        let attributes: Vec<&str> =
            schema.iter().filter_map(|attribute| attribute["AttributeName"].as_str()).collect();
        try_join_all((0..segments).map(|segment| self.segment(&attributes, segment, segments))).await?;
        Ok(())
    }

    async fn segment(&self, attributes: &[&str], segment: u32, segments: u32) -> Result<(), Failed> {
        let placeholder = |n: usize| format!("#k{n}");
        let names: Map<String, Value> =
            attributes.iter().enumerate().map(|(n, name)| (placeholder(n), json!(name))).collect();
        let mut request = json!({
            "TableName": self.table,
            "Segment": segment,
            "TotalSegments": segments,
            "Limit": BATCH_GET_KEYS_MAX,
            "ProjectionExpression": (0..attributes.len()).map(placeholder).collect::<Vec<_>>().join(","),
            "ExpressionAttributeNames": names,
        });
        loop {
            let mut page = self.ask("Scan", request.clone()).await?;
            let keys = page["Items"].as_array().into_iter().flatten().map(Value::to_string);
            self.read(keys.collect()).await?;
            match page["LastEvaluatedKey"].take() {
                Value::Null => return Ok(()),
                last => request["ExclusiveStartKey"] = last,
            }
        }
    }

    /// Reads the items of at most as many keys as a batch may have.
    async fn read(&self, keys: BTreeSet<String>) -> Result<(), Failed> {
        let mut left: Vec<Value> = keys.iter().filter_map(|key| serde_json::from_str(key).ok()).collect();
        self.tally.keys.fetch_add(left.len() as u64, Ordering::Relaxed);
        for _ in 0..ATTEMPTS {
            if left.is_empty() {
                break;
            }
            self.pace.take(left.len()).await;
            let request = json!({ "RequestItems": { &self.table: { "Keys": left } } });
            let mut answer = self.ask("BatchGetItem", request).await?;
            let items = answer["Responses"][&self.table].as_array().map_or(0, Vec::len);
            self.tally.items.fetch_add(items as u64, Ordering::Relaxed);
            self.tell();
            left = match answer["UnprocessedKeys"][&self.table]["Keys"].take() {
                Value::Array(keys) => keys,
                _ => vec![],
            };
            if !left.is_empty() {
                self.clock.sleep(PAUSE).await;
            }
        }
        self.tally.left.fetch_add(left.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn ask(&self, operation: &str, body: Value) -> Result<Value, Failed> {
        let deadline = self.clock.now() + CALL_PATIENCE;
        let call = Call::internal(Target::of(operation), body.to_string().into(), deadline);
        let reply = self.node.call(call).await;
        let reply = reply.map_err(|failure| Failed::Other(format!("{operation}: {failure}")))?;
        let answer: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
        match reply.status().is_success() {
            true => Ok(answer),
            false => {
                let message = answer["message"].as_str().or(answer["Message"].as_str()).unwrap_or_default();
                let code = answer["__type"].as_str().unwrap_or_default();
                let code = code.rsplit('#').next().unwrap_or_default();
                Err(Failed::Other(format!("{operation}: {} {code} {message}", reply.status().as_u16())))
            }
        }
    }

    /// Says now and then how far it got.
    fn tell(&self) {
        let now = self.clock.now();
        let mut told_at = self.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(*told_at) >= TELL_EVERY {
            *told_at = now;
            eprintln!("{}", self.tally.told());
        }
    }
}

impl Tally {
    fn told(&self) -> Value {
        let [keys, items, left] =
            [&self.keys, &self.items, &self.left].map(|count| count.load(Ordering::Relaxed));
        json!({ "keys": keys, "items": items, "unprocessed": left })
    }
}

impl Pace {
    /// Waits until so many items more may be asked for.
    async fn take(&self, items: usize) {
        let span = Duration::from_secs_f64(items as f64 / f64::from(self.per_second));
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(self.clock.now());
            *next = turn + span;
            turn
        };
        self.clock.sleep_until(turn).await;
    }
}

/// A key in the one form that all its spellings have: DynamoDB refuses a batch that names a key twice.
fn canonical(line: &str) -> Result<String, String> {
    let key = item_from_slice(line.as_bytes()).map_err(|error| format!("not a key: {error}"))?;
    serde_json::to_string(&key).map_err(|error| error.to_string())
}

fn failed(error: impl std::fmt::Display) -> Failed {
    Failed::Other(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_form() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(canonical(line).ok().as_deref(), expected, "{line}");
        };
        let key = r#"{"p":{"N":"1"}}"#;
        check(key, Some(key));
        check(r#" { "p" : { "N" : "1.0" } } "#, Some(key));
        check(r#"{"p":1}"#, None);
        check("p=1", None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pace_is_kept_whoever_asks() {
        let clock = Clock::start();
        let start = clock.now();
        let pace = Pace { clock: clock.clone(), per_second: 100, next: Mutex::new(start) };
        let asks = (0..4).map(|_| async {
            pace.take(100).await;
            Ok::<_, Failed>((clock.now() - start).as_secs())
        });
        let turns = try_join_all(asks).await.ok();
        assert_eq!(turns, Some(vec![0, 1, 2, 3]));
        clock.sleep(Duration::from_secs(60)).await;
        pace.take(50).await;
        assert_eq!((clock.now() - start).as_secs(), 63, "what was not used is not made up for");
    }
}
