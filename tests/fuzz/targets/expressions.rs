//! Expressions: any text as any kind of one, bound to placeholders that are always there, and carried out.
#![no_main]

use std::sync::LazyLock;

use expr::Expressions;
use libfuzzer_sys::fuzz_target;
use model::{AttributeValue, Item, json::item_from_slice};

static ITEM: LazyLock<Item> = LazyLock::new(|| {
    let item =
        br#"{"p":{"S":"x"},"a":{"N":"1"},"b":{"L":[{"N":"2"},{"M":{"c":{"S":"d"}}}]},"s":{"SS":["x","y"]},
        "n":{"NS":["1","2"]},"z":{"NULL":true},"t":{"BOOL":true},"B":{"B":"AAE="}}"#;
    item_from_slice(item).expect("it is an item")
});

/// All that an expression may mention, each of which it must.
fn names(text: &str) -> Vec<(String, String)> {
    let names = ["#a", "#b", "#c", "#p"].into_iter().filter(|name| text.contains(name));
    names.map(|name| (name.to_owned(), name[1..].to_owned())).collect()
}

fn values(text: &str) -> Vec<(String, AttributeValue)> {
    let values = [(":a", "a"), (":b", "b"), (":s", "s"), (":n", "n"), (":z", "z"), (":t", "t")];
    let used = values.into_iter().filter(|(name, _)| text.contains(name));
    let value = |attribute: &str| ITEM.get(attribute).expect("the item has it").clone();
    used.map(|(name, attribute)| (name.to_owned(), value(attribute))).collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, text)) = data.split_first() else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    let (names, values) = (names(text), values(text));
    let mut expressions = Expressions {
        names: (!names.is_empty()).then_some(&names[..]),
        values: (!values.is_empty()).then_some(&values[..]),
        ..Expressions::default()
    };
    match kind % 5 {
        0 => expressions.condition = Some(text),
        1 => expressions.filter = Some(text),
        2 => expressions.key_condition = Some(text),
        3 => expressions.projection = Some(text),
        _ => expressions.update = Some(text),
    }
    let bound = match expressions.bind() {
        Ok(bound) => bound,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    for condition in bound.condition.iter().chain(&bound.filter) {
        let _ = (condition.holds(&ITEM), condition.holds(&Item::default()));
        assert!(condition.attributes().all(|name| !name.is_empty()));
    }
    if let Some(projection) = &bound.projection {
        let once = projection.apply(&ITEM);
        assert!(once.len() <= ITEM.len());
    }
    if let Some(update) = &bound.update {
        let key: Item =
            [("p".to_owned(), ITEM.get("p").expect("it has a key").clone())].into_iter().collect();
        for old in [Some(&*ITEM), None] {
            if let Ok(Some(new)) = update.apply(old, &key) {
                let _ = update.touched(&new);
            }
        }
    }
});
