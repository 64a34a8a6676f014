//! PartiQL: any text as a statement, with parameters enough for all its question marks, and carried out.
#![no_main]

use std::sync::LazyLock;

use expr::partiql::Statement;
use libfuzzer_sys::fuzz_target;
use model::{AttributeValue, Item, json::item_from_slice};

static ITEM: LazyLock<Item> = LazyLock::new(|| {
    let item =
        br#"{"p":{"S":"x"},"s":{"N":"1"},"l":{"L":[{"N":"2"},{"M":{"c":{"S":"d"}}}]},"t":{"SS":["x","y"]}}"#;
    item_from_slice(item).expect("it is an item")
});
static PARAMETERS: LazyLock<Vec<AttributeValue>> =
    LazyLock::new(|| ITEM.iter().map(|(_name, value)| value.clone()).cycle().take(64).collect());

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    let statement = match Statement::parse(text, &PARAMETERS) {
        Ok(statement) => statement,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    assert!(!statement.table().is_empty());
    let condition = match &statement {
        Statement::Insert(insert) => {
            assert!(insert.item.get("").is_none());
            None
        }
        Statement::Select(select) | Statement::Exists(select) => {
            if let Some(selection) = &select.selection {
                assert!(selection.apply(&ITEM).len() <= selection.attributes().count());
            }
            select.condition.as_ref()
        }
        Statement::Update(update) => {
            if let Ok(Some(new)) = update.update.apply(Some(&ITEM), &ITEM) {
                let _ = update.update.touched(&new);
            }
            update.condition.as_ref()
        }
        Statement::Delete(delete) => delete.condition.as_ref(),
    };
    let Some(condition) = condition else { return };
    // What holds of an item, holds in one of the cases that the condition consists of.
    if let Some(branches) = condition.branches(&["p"], &["s"])
        && condition.holds(&ITEM)
    {
        let is_met =
            |(name, test): &(String, expr::KeyTest)| ITEM.get(name).is_some_and(|value| test.holds(value));
        assert!(branches.iter().any(|branch| branch.tests.iter().all(is_met)));
    }
    let _ = condition.pinned("p");
});
