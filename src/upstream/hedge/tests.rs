use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use backend::{
    FailureKind, Wire,
    doubles::{Scripted, origin_reply},
};
use base::Chance;
use futures_util::future::join_all;
use model::Target;
use prometheus::Registry;

use super::*;

const KEY: &str = r#""Key":{"p":{"S":"x"}}"#;

fn call(target: &str, body: &str, clock: &Clock) -> Call {
    let wire = Wire { body: body.to_owned().into(), ..Wire::default() };
    let target = Target::parse(&format!("DynamoDB_20120810.{target}")).unwrap();
    Call::from_client(target, wire, String::new(), clock.now() + Duration::from_secs(20))
}

fn get(clock: &Clock) -> Call {
    call("GetItem", &format!("{{\"TableName\":\"Tab\",{KEY}}}"), clock)
}

#[test]
fn only_reads_that_may_lag_are_sent_twice() {
    let strong = r#""ConsistentRead":true"#;
    let item = format!("\"TableName\":\"Tab\",{KEY}");
    let arn = r#""TableName":"arn:aws:dynamodb:eu-west-1:123456789012:table/Tab""#;
    let keys = r#""Keys":[{"p":{"S":"x"}}]"#;
    let batch = |tables: &str| format!("{{\"RequestItems\":{{{tables}}}}}");
    let cases = [
        ("GetItem", format!("{{{item}}}"), Some("Tab")),
        ("GetItem", format!("{{{item},\"ConsistentRead\":false}}"), Some("Tab")),
        ("GetItem", format!("{{{arn},{KEY}}}"), Some("Tab")),
        ("GetItem", format!("{{{item},{strong}}}"), None),
        ("GetItem", format!("{{{item},\"NewMember\":1}}"), None),
        ("GetItem", "{".to_owned(), None),
        ("BatchGetItem", batch(&format!("\"Tab\":{{{keys}}}")), Some("Tab")),
        ("BatchGetItem", batch(&format!("\"Tab\":{{{keys}}},\"Bat\":{{{keys}}}")), Some("")),
        ("BatchGetItem", batch(&format!("\"Tab\":{{{keys}}},\"Bat\":{{{keys},{strong}}}")), None),
        ("Query", "{\"TableName\":\"Tab\"}".to_owned(), Some("Tab")),
        ("Query", format!("{{\"TableName\":\"Tab\",{strong}}}"), None),
        ("Query", "{\"TableName\":\"Tab\",\"NewMember\":1}".to_owned(), None),
        ("Scan", "{\"TableName\":\"Tab\"}".to_owned(), Some("Tab")),
        ("Scan", format!("{{\"TableName\":\"Tab\",{strong}}}"), None),
        ("TransactGetItems", format!("{{\"TransactItems\":[{{\"Get\":{{{item}}}}}]}}"), None),
        ("ExecuteStatement", "{\"Statement\":\"SELECT * FROM Tab\"}".to_owned(), None),
        ("PutItem", "{\"TableName\":\"Tab\",\"Item\":{\"p\":{\"S\":\"x\"}}}".to_owned(), None),
        ("DescribeTable", "{\"TableName\":\"Tab\"}".to_owned(), None),
        ("Frobnicate", format!("{{{item}}}"), None),
    ];
    let clock = Clock::start();
    for (operation, body, table) in cases {
        let found = series_of(&call(operation, &body, &clock));
        let found = found.as_ref().map(|series| (series.operation, series.table.as_str()));
        assert_eq!(found, table.map(|table| (operation, table)), "{operation} {body}");
    }
    let wire = Wire { body: "{\"ShardIterator\":\"x\"}".into(), ..Wire::default() };
    let target = Target::parse("DynamoDBStreams_20120810.GetRecords").unwrap();
    assert_eq!(series_of(&Call::from_client(target, wire, String::new(), clock.now())), None);
}

/// A hedging backend around one whose n-th call takes and gives what the script says.
struct Rig {
    hedged: Hedged,
    origin: Arc<Scripted>,
    clock: Clock,
}

type Step = (u64, Result<Reply, Failure>);

impl Rig {
    fn new(budget: f64, script: impl Fn(u64) -> Step + Send + Sync + 'static) -> Rig {
        let (clock, asked) = (Clock::start(), AtomicU64::new(0));
        let time = clock.clone();
        let origin = Scripted::new(move |_| {
            let (millis, result) = script(asked.fetch_add(1, Ordering::Relaxed));
            let time = time.clone();
            async move {
                time.sleep(Duration::from_millis(millis)).await;
                result
            }
            .boxed()
        });
        let metrics = Metrics::register(&Registry::new()).unwrap();
        let config = HedgeConfig { budget };
        let hedged = Hedged::new(&config, Arc::clone(&origin) as _, clock.clone(), metrics);
        Rig { hedged, origin, clock }
    }

    /// One whose first hundred reads took 10 ms, so that what takes longer is hedged; the script tells the rest.
    async fn warm(script: impl Fn(u64) -> Step + Send + Sync + 'static) -> Rig {
        let rig = Rig::new(1.0, move |n| match n.checked_sub(100) {
            None => (10, found("early")),
            Some(n) => script(n),
        });
        for _ in 0..100 {
            rig.read().await.1.unwrap();
        }
        rig
    }

    /// How many milliseconds a read takes, and what it gives.
    async fn read(&self) -> (u128, Result<Reply, Failure>) {
        let began = self.clock.now();
        let result = self.hedged.call(get(&self.clock)).await;
        ((self.clock.now() - began).as_millis(), result)
    }

    fn sent(&self) -> usize {
        self.origin.asked("GetItem").len()
    }

    /// Hedges sent, won, and refused at first.
    fn hedges(&self) -> [u64; 3] {
        let Metrics { hedges, hedges_won, hedges_refused, .. } = &self.hedged.metrics;
        [hedges, hedges_won, hedges_refused].map(|counter| counter.get())
    }
}

fn found(body: &'static str) -> Result<Reply, Failure> {
    Ok(origin_reply(200, body))
}

fn failed() -> Result<Reply, Failure> {
    Err(Failure::new(FailureKind::Lost, ""))
}

/// The body, or that there is none.
fn words(result: Result<Reply, Failure>) -> String {
    result.map_or_else(|_| "failed".to_owned(), |reply| String::from_utf8_lossy(reply.body()).into_owned())
}

#[tokio::test(start_paused = true)]
async fn the_first_success_answers() {
    let throttled = || Ok(origin_reply(400, "throttled"));
    // The first sending and the second, and then when and what comes of them, and whether the second won.
    let cases: [(Step, Step, u64, &str, u64); 8] = [
        ((500, found("first")), (10, found("second")), 20, "second", 1),
        ((30, found("first")), (500, found("second")), 30, "first", 0),
        ((500, found("first")), (10, failed()), 500, "first", 0),
        ((500, found("first")), (10, throttled()), 500, "first", 0),
        ((30, failed()), (100, found("second")), 110, "second", 1),
        ((30, throttled()), (100, found("second")), 110, "second", 1),
        ((30, throttled()), (100, failed()), 110, "throttled", 0),
        ((100, failed()), (30, throttled()), 100, "failed", 0),
    ];
    for (n, (first, second, millis, expected, won)) in cases.into_iter().enumerate() {
        let rig = Rig::warm(move |n| if n == 0 { first.clone() } else { second.clone() }).await;
        let (took, result) = rig.read().await;
        assert_eq!(words(result), expected, "case {n}");
        // The histogram has two digits, timers a millisecond.
        assert!(u64::try_from(took).unwrap().abs_diff(millis) <= 2, "case {n}: {took} ms");
        assert_eq!((rig.hedges(), rig.sent()), ([1, won, 0], 102), "case {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_in_usual_time_is_sent_once() {
    let rig = Rig::warm(|n| (5, if n % 2 == 0 { found("it") } else { failed() })).await;
    for _ in 0..100 {
        rig.read().await.1.ok();
    }
    assert_eq!((rig.hedges(), rig.sent()), ([0, 0, 0], 200));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_twice_before_the_usual_time_is_known() {
    let rig = Rig::new(1.0, |n| (if n % 10 == 0 { 1_000 } else { 5 }, found("it")));
    for _ in 0..100 {
        rig.read().await.1.unwrap();
    }
    assert_eq!((rig.hedges(), rig.sent()), ([0, 0, 0], 100));
}

#[tokio::test(start_paused = true)]
async fn strong_reads_pass_as_if_it_were_not_there() {
    let rig = Rig::warm(|_| (1_000, found("it"))).await;
    let body = format!("{{\"TableName\":\"Tab\",{KEY},\"ConsistentRead\":true}}");
    rig.hedged.call(call("GetItem", &body, &rig.clock)).await.unwrap();
    assert_eq!((rig.hedges(), rig.sent()), ([0, 0, 0], 101));
}

#[tokio::test(start_paused = true)]
async fn without_budget_a_read_waits_for_its_first_sending() {
    let rig = Rig::new(0.0, |n| (if n < 100 { 10 } else { 300 }, found("it")));
    for _ in 0..101 {
        rig.read().await.1.unwrap();
    }
    // It asked at 10, 20, 40, 80 and 160 ms, which counts as one refusal.
    assert_eq!((rig.hedges(), rig.sent()), ([0, 0, 1], 101));
}

/// The 99th percentile of reads by many callers, in milliseconds, and how often the origin was asked, of an origin
/// that takes 5 to 10 ms, but half a second for 15 reads of a thousand.
async fn bimodal(budget: f64, reads: usize) -> (u128, usize, [u64; 3]) {
    let chance = Chance::seeded(7);
    let rig = Rig::new(budget, move |_| {
        let millis = if chance.happens(0.015) { 500 } else { 5 + chance.below(6) };
        (millis, found("it"))
    });
    const CALLERS: usize = 50;
    let took = Mutex::new(Vec::new());
    join_all((0..CALLERS).map(|_| async {
        for _ in 0..reads / CALLERS {
            let (millis, result) = rig.read().await;
            result.unwrap();
            took.lock().unwrap().push(millis);
        }
    }))
    .await;
    let mut took = took.into_inner().unwrap();
    took.sort_unstable();
    (took[took.len() * 99 / 100], rig.sent(), rig.hedges())
}

#[tokio::test(start_paused = true)]
async fn of_a_bimodal_origin_the_slow_mode_is_out_of_the_99th_percentile_for_two_percent_more() {
    const READS: usize = 20_000;
    let (p99_alone, sent_alone, hedges_alone) = bimodal(0.0, READS).await;
    assert!((499..=502).contains(&p99_alone), "{p99_alone} ms");
    assert_eq!((sent_alone, hedges_alone[..2] == [0, 0]), (READS, true));

    let (p99, sent, hedges) = bimodal(0.02, READS).await;
    assert!(p99 < 100, "{p99} ms");
    assert!(sent - READS <= READS * 2 / 100, "{} more", sent - READS);
    assert_eq!((sent - READS) as u64, hedges[0]);
    // It is worth its money.
    assert!(hedges[1] > 100, "{hedges:?}");
}

#[tokio::test(start_paused = true)]
async fn at_every_moment_at_most_the_share_was_sent_twice() {
    // Twice as many are slow as may be sent twice.
    let rig = Rig::new(0.02, |n| (if n > 100 && n % 25 == 0 { 200 } else { 5 }, found("it")));
    for reads in 1..=2_000 {
        rig.read().await.1.unwrap();
        assert!(rig.hedges()[0] <= reads * 2 / 100, "{:?} of {reads}", rig.hedges());
    }
    assert!(rig.hedges()[0] > 35, "{:?}", rig.hedges());
}
