//! The bundled engine over HTTP: one script of calls, whose answers are the same with the cache off, with it on, and
//! through a second node in front of the first.

mod script;

use serde_json::{Map, Value};

use crate::node::{Node, config, over_engine};

/// What no two tables have in common.
const VOLATILE: [&str; 5] = [
    "TableId",
    "CreationDateTime",
    "LastUpdateToPayPerRequestDateTime",
    "LatestStreamLabel",
    "LatestStreamArn",
];

/// What a call has to be answered.
pub(crate) enum Expected {
    /// At least these members, as they are here; a `null` is not there.
    Holds(Value),
    /// An error of this name whose message contains this.
    Refused(&'static str, &'static str),
}

/// One call of the script.
pub(crate) struct Step {
    pub(crate) operation: &'static str,
    pub(crate) body: Value,
    pub(crate) expected: Expected,
}

/// Runs the script; the answers without what is volatile, and without what a cached read saved.
async fn answers(node: &Node) -> Vec<Value> {
    let mut answers = Vec::new();
    for Step { operation, body, expected } in script::steps() {
        let answer = node.post(operation, body.to_string()).await;
        let name = answer.error();
        let mut json = if answer.body.is_empty() { Value::Null } else { answer.json() };
        match expected {
            Expected::Holds(expected) => {
                assert_eq!(answer.status, 200, "{operation} {body}: {json}");
                if let Some(lack) = lacks(&json, &expected) {
                    panic!("{operation} {body}: {lack} in {json}");
                }
            }
            Expected::Refused(code, words) => {
                assert_eq!(
                    (answer.status.as_u16(), name.as_str()),
                    (400, code),
                    "{operation} {body}: {json}"
                );
                let message = json["message"].as_str().unwrap_or_default();
                assert!(message.contains(words), "{operation} {body}: {json}");
            }
        }
        forget(&mut json);
        answers.push(json);
    }
    answers
}

/// What of `expected` is not in `found`.
fn lacks(found: &Value, expected: &Value) -> Option<String> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => expected.iter().find_map(|(name, expected)| {
            let found = found.get(name).unwrap_or(&Value::Null);
            lacks(found, expected).map(|lack| format!("{name}: {lack}"))
        }),
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            found.iter().zip(expected).find_map(|(found, expected)| lacks(found, expected))
        }
        (found, expected) => (found != expected).then(|| format!("{found} is not {expected}")),
    }
}

fn forget(answer: &mut Value) {
    let keep =
        |members: &mut Map<String, Value>| members.retain(|name, _| !VOLATILE.contains(&name.as_str()));
    match answer {
        Value::Object(members) => {
            keep(members);
            members.values_mut().for_each(forget);
        }
        Value::Array(elements) => elements.iter_mut().for_each(forget),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_script_is_answered_the_same_with_and_without_cache_and_through_a_second_node() {
    let uncached = over_engine(&[("cache.mode", "off")]).await;
    let cached = over_engine(&[]).await;
    let origin = over_engine(&[("cache.mode", "off")]).await;
    let second = Node::start(config(&format!("http://{}", origin.json), &[])).await;
    let expected = answers(&uncached).await;
    for (through, node) in [("with the cache on", &cached), ("through a second node", &second)] {
        for ((answer, expected), step) in answers(node).await.iter().zip(&expected).zip(script::steps()) {
            assert_eq!(answer, expected, "{through}: {} {}", step.operation, step.body);
        }
    }
    for node in [&cached, &second] {
        assert!(node.metric("linac_cache_outcomes_total", &["outcome=\"hit\""]).await > 0.0);
    }
}
