//! What happens around an entry's end: it is fetched anew ahead of it, or shown beyond it.

use backend::FailureKind;

use super::*;

const GRACE: Duration = Duration::from_secs(60);

/// How an origin that is not well answers.
type Trouble = fn() -> Answer;

/// A node whose origin answers as long as it is well, and is asked for an item at version `register`.
fn rig(change: impl FnOnce(&mut Rule), trouble: impl Fn() -> Option<Answer> + Send + Sync + 'static) -> Rig {
    let mut config = config();
    change(&mut config.rules.default.get_item);
    Rig::configured(config, described, move |_| {
        trouble().unwrap_or_else(|| now(200, json!({ "Item": item("k", 1) })))
    })
}

#[tokio::test(start_paused = true)]
async fn whoever_the_origin_fails_is_shown_what_expired_within_its_grace() {
    let troubles: [(&str, Trouble); 6] = [
        ("unreachable", || fails(Failure::new(FailureKind::Unreachable, "dead"))),
        ("times out", never),
        ("lost", || fails(Failure::new(FailureKind::Lost, "reset"))),
        ("server error", || now(500, error("InternalServerError"))),
        ("throttled", || now(400, error("ProvisionedThroughputExceededException"))),
        ("busy", || now(503, json!("busy"))),
    ];
    for (name, trouble) in troubles {
        let is_ill = Register::default();
        let state = is_ill.clone();
        let rig = rig(|rule| rule.stale_grace = GRACE, move || (state.version() == 1).then(trouble));
        rig.settle().await;
        rig.get("k").await;
        is_ill.set(1);
        assert_eq!(rig.get("k").await.0, "hit", "{name}");
        rig.pass(TTL + Duration::from_secs(9)).await;
        let reply = rig.ask("GetItem", get("k")).await;
        assert_eq!(told(&reply), ("stale-hit", json!({ "Item": item("k", 1) })), "{name}");
        let age = if name == "times out" { 9 + FILL_TIMEOUT.as_secs() } else { 9 };
        assert_eq!(reply.outcome.cache_status(), format!("linac; hit; ttl=-{age}; detail=stale"));
        let mut strong = get("k");
        strong["ConsistentRead"] = json!(true);
        let strong = rig.try_ask(rig.call("GetItem", &strong, PATIENCE));
        let is_answered = |reply: Result<Reply, Failure>| reply.is_ok_and(|reply| reply.success().is_some());
        let answered = tokio::time::timeout(FILL_TIMEOUT, strong).await;
        assert!(!answered.is_ok_and(is_answered), "{name}: a strong read gets no old answer");
        rig.pass(GRACE).await;
        let reply = rig.try_ask(rig.call("GetItem", &get("k"), PATIENCE)).await;
        assert!(!is_answered(reply), "{name}: the grace is over");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_old_is_shown_after_a_write_or_to_whom_the_origin_refuses() {
    let ill = Register::default();
    let state = ill.clone();
    let rig = rig(
        |rule| rule.stale_grace = GRACE,
        move || match state.version() {
            0 => None,
            1 => Some(now(400, error("AccessDeniedException"))),
            _ => Some(now(500, error("InternalServerError"))),
        },
    );
    rig.settle().await;
    rig.get("k").await;
    rig.pass(TTL + Duration::from_secs(1)).await;
    ill.set(1);
    assert!(rig.ask("GetItem", get("k")).await.success().is_none());
    ill.set(2);
    assert_eq!(rig.get("k").await.0, "stale-hit");
    rig.ask("PutItem", put(&item("k", 2))).await;
    assert!(rig.ask("GetItem", get("k")).await.success().is_none(), "the write may have been applied");
}

#[tokio::test(start_paused = true)]
async fn a_hot_entry_is_fetched_anew_ahead_of_its_end_and_once() {
    let rig = rig(|rule| rule.refresh_ahead = 0.1, || None);
    rig.settle().await;
    rig.get("k").await;
    let fetched = |rig: &Rig| rig.asked("GetItem").len();
    rig.pass(TTL.mul_f64(0.8)).await;
    for _ in 0..10 {
        assert_eq!(rig.get("k").await.0, "hit");
    }
    rig.pass(TTL.mul_f64(0.15)).await;
    assert_eq!(rig.get("k").await.0, "hit");
    rig.pass(Duration::from_secs(1)).await;
    assert_eq!(fetched(&rig), 1, "asked for once it is not hot");
    for _ in 0..10 {
        assert_eq!(rig.get("k").await.0, "hit");
    }
    rig.pass(Duration::from_secs(1)).await;
    assert_eq!(fetched(&rig), 2);
    rig.pass(TTL.mul_f64(0.5)).await;
    assert_eq!(rig.get("k").await.0, "hit", "it lives a new life");
    assert_eq!(fetched(&rig), 2);
}

#[tokio::test(start_paused = true)]
async fn an_entry_does_not_outlive_its_item() {
    let second = |rig: &Rig, from_now: u64| {
        let now = rig.clock.wall().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        now + from_now
    };
    let end = Arc::new(Mutex::new(0));
    let shown = Arc::clone(&end);
    let mut config = config();
    config.rules.default.ttl_attribute = Some("end".to_owned());
    let rig = Rig::configured(config, described, move |_| {
        let end = shown.lock().unwrap().to_string();
        now(200, json!({ "Item": { "p": { "S": "k" }, "end": { "N": end } } }))
    });
    rig.settle().await;
    *end.lock().unwrap() = second(&rig, 20);
    rig.get("k").await;
    rig.pass(Duration::from_secs(15)).await;
    assert_eq!(rig.get("k").await.0, "hit");
    rig.pass(Duration::from_secs(10)).await;
    rig.clock.turn_calendar(Duration::from_secs(25));
    assert_eq!(rig.get("k").await.0, "miss-not-stored", "it counts as expired, though the origin has it yet");
    *end.lock().unwrap() = second(&rig, 0) - 6 * 365 * 24 * 3600;
    assert_eq!(rig.get("k").await.0, "miss");
    assert_eq!(rig.get("k").await.0, "hit", "what ended long ago never expires");
}

#[tokio::test(start_paused = true)]
async fn the_grace_does_not_show_an_item_beyond_its_own_end() {
    let is_ill = Register::default();
    let state = is_ill.clone();
    let mut config = config();
    config.rules.default.ttl_attribute = Some("end".to_owned());
    config.rules.default.get_item.ttl = Ttl::For(Duration::from_secs(10));
    config.rules.default.get_item.stale_grace = GRACE;
    let end = Arc::new(Mutex::new(0));
    let shown = Arc::clone(&end);
    let rig = Rig::configured(config, described, move |_| {
        let end = shown.lock().unwrap().to_string();
        match state.version() {
            0 => now(200, json!({ "Item": { "p": { "S": "k" }, "end": { "N": end } } })),
            _ => now(500, error("InternalServerError")),
        }
    });
    rig.settle().await;
    let now = rig.clock.wall().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    *end.lock().unwrap() = now + 20;
    rig.get("k").await;
    is_ill.set(1);
    rig.pass(Duration::from_secs(12)).await;
    assert_eq!(rig.get("k").await.0, "stale-hit");
    rig.pass(Duration::from_secs(9)).await;
    assert!(rig.ask("GetItem", get("k")).await.success().is_none(), "the item is over, whatever its grace");
}

#[tokio::test(start_paused = true)]
async fn what_came_while_the_origin_failed_is_no_old_answer() {
    let rig = Rig::new(|asked| match asked.operation {
        "PutItem" => now(200, json!({})),
        _ => later(Duration::from_secs(2), fails(Failure::new(FailureKind::Lost, "reset"))),
    });
    rig.settle().await;
    let batch = json!({ "RequestItems": { "Tab": { "Keys": [{ "p": { "S": "other" } }] } } });
    let reads =
        [rig.ask_aside("GetItem", get("k"), PATIENCE), rig.ask_aside("BatchGetItem", batch, PATIENCE)];
    rig.pass(Duration::from_secs(1)).await;
    rig.ask("PutItem", put(&item("k", 1))).await;
    rig.ask("PutItem", put(&item("other", 1))).await;
    for read in reads {
        assert_eq!(read.await.unwrap().unwrap().outcome.word(), "hit");
    }
}
