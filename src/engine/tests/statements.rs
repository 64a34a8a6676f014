//! SELECT against a plain list: random conditions over a table of strings `pk` and `sk`, random page sizes. Whether
//! a condition becomes queries or a scan must not show.

use std::collections::BTreeMap;

use base::Chance;
use serde_json::{Value, json};

use crate::rig::Rig;

const WORLDS: u64 = 12;
const QUESTIONS: usize = 60;
const LETTERS: [&str; 5] = ["a", "b", "c", "d", "e"];

type Item = BTreeMap<&'static str, String>;

/// A condition as PartiQL and as what it means.
struct Condition {
    text: String,
    holds: Box<dyn Fn(&Item) -> bool>,
}

fn letter(chance: &Chance) -> &'static str {
    LETTERS[chance.below(LETTERS.len() as u64) as usize]
}

fn test(chance: &Chance) -> Condition {
    let attribute = ["pk", "pk", "sk", "x"][chance.below(4) as usize];
    let (one, two) = (letter(chance), letter(chance));
    let (low, high) = (one.min(two), one.max(two));
    let of = move |meets: fn(&str, &str, &str) -> bool| -> Box<dyn Fn(&Item) -> bool> {
        Box::new(move |item| item.get(attribute).is_some_and(|value| meets(value, low, high)))
    };
    let (text, holds) = match chance.below(9) {
        0..=2 => (format!("{attribute} = '{low}'"), of(|value, low, _| value == low)),
        3 => (format!("{attribute} IN ['{low}', '{high}x']"), of(|value, low, _| value == low)),
        4 => (
            format!("{attribute} BETWEEN '{low}' AND '{high}'"),
            of(|value, low, high| low <= value && value <= high),
        ),
        5 => (format!("{attribute} > '{low}'"), of(|value, low, _| value > low)),
        6 => (format!("{attribute} <> '{low}'"), of(|value, low, _| value != low)),
        7 => (format!("begins_with({attribute}, '{low}')"), of(|value, low, _| value.starts_with(low))),
        _ => (
            format!("{attribute} IS MISSING"),
            Box::new(move |item: &Item| !item.contains_key(attribute)) as _,
        ),
    };
    Condition { text, holds }
}

fn condition(chance: &Chance, depth: u32) -> Condition {
    if depth == 0 || chance.happens(0.3) {
        return test(chance);
    }
    let one = condition(chance, depth - 1);
    if chance.happens(0.15) {
        return Condition {
            text: format!("NOT ({})", one.text),
            holds: Box::new(move |item| !(one.holds)(item)),
        };
    }
    let two = condition(chance, depth - 1);
    let (one_holds, two_holds) = (one.holds, two.holds);
    match chance.happens(0.6) {
        true => Condition {
            text: format!("({}) AND ({})", one.text, two.text),
            holds: Box::new(move |item| one_holds(item) && two_holds(item)),
        },
        false => Condition {
            text: format!("({}) OR ({})", one.text, two.text),
            holds: Box::new(move |item| one_holds(item) || two_holds(item)),
        },
    }
}

/// What a SELECT finds, page by page; `None` if DynamoDB has no way to read it.
async fn select(rig: &Rig, chance: &Chance, text: &str) -> Option<Vec<Item>> {
    let mut body = json!({ "Statement": text });
    let mut found = Vec::new();
    for page in 0.. {
        assert!(page < 1000, "{text} never ends");
        body["Limit"] = match chance.happens(0.5) {
            true => (1 + chance.below(7)).into(),
            false => Value::Null,
        };
        let answer = match rig.ask("ExecuteStatement", body.clone()).await {
            Ok(answer) => answer,
            Err(refusal) => {
                let said = refusal.body["message"].as_str().unwrap_or_default();
                let is_known = ["Overlapping conditions", "Too many decomposed"];
                assert!(is_known.iter().any(|known| said.starts_with(known)), "{text}: {said}");
                return None;
            }
        };
        for item in answer["Items"].as_array().unwrap() {
            let value = |name: &'static str| Some((name, item[name]["S"].as_str()?.to_owned()));
            found.push(["pk", "sk", "x"].into_iter().filter_map(value).collect());
        }
        match answer["NextToken"].as_str() {
            Some(token) => body["NextToken"] = token.into(),
            None => return Some(found),
        }
    }
    unreachable!("pages end")
}

#[tokio::test]
async fn a_select_finds_what_its_condition_holds_of() {
    let mut answered = 0;
    for seed in 0..WORLDS {
        let (chance, rig) = (Chance::seeded(seed), Rig::in_memory());
        rig.create_plain_table("Tab", true).await;
        let mut items: BTreeMap<(String, String), Item> = BTreeMap::new();
        for _ in 0..60 {
            let (pk, sk) = (letter(&chance).to_owned(), format!("{}{}", letter(&chance), chance.below(2)));
            let mut item = Item::from([("pk", pk.clone()), ("sk", sk.clone())]);
            if chance.happens(0.7) {
                item.insert("x", letter(&chance).to_owned());
            }
            let stored: BTreeMap<_, _> =
                item.iter().map(|(name, value)| (*name, json!({ "S": value }))).collect();
            rig.done("PutItem", json!({ "TableName": "Tab", "Item": stored })).await;
            items.insert((pk, sk), item);
        }
        for _ in 0..QUESTIONS {
            let asked = condition(&chance, 3);
            let text = format!("SELECT * FROM Tab WHERE {}", asked.text);
            let Some(mut found) = select(&rig, &chance, &text).await else { continue };
            found.sort();
            let expected: Vec<Item> = items.values().filter(|item| (asked.holds)(item)).cloned().collect();
            assert_eq!(found, expected, "seed {seed}: {text}");
            answered += 1;
        }
    }
    assert!(answered > 300, "only {answered} of {} had an answer", WORLDS as usize * QUESTIONS);
}

#[tokio::test]
async fn an_order_is_that_of_the_keys() {
    let rig = Rig::in_memory();
    rig.create_plain_table("Tab", true).await;
    for pk in LETTERS {
        for sk in LETTERS {
            let item = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
            rig.done("PutItem", json!({ "TableName": "Tab", "Item": item })).await;
        }
    }
    let chance = Chance::seeded(7);
    for (partition, sort) in [("ASC", "ASC"), ("ASC", "DESC"), ("DESC", "ASC"), ("DESC", "DESC")] {
        let text = format!(
            "SELECT * FROM Tab WHERE pk IN ['d', 'a', 'c'] AND sk >= 'b' ORDER BY pk {partition}, sk {sort}"
        );
        let found = select(&rig, &chance, &text).await.unwrap();
        let mut expected = Vec::new();
        for pk in ["a", "c", "d"] {
            for sk in ["b", "c", "d", "e"] {
                expected.push((pk, sk));
            }
        }
        expected.sort_by(|one, other| {
            let turned =
                |order: std::cmp::Ordering, wish: &str| if wish == "ASC" { order } else { order.reverse() };
            turned(one.0.cmp(other.0), partition).then(turned(one.1.cmp(other.1), sort))
        });
        let found: Vec<(&str, &str)> =
            found.iter().map(|item| (item["pk"].as_str(), item["sk"].as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }
}
