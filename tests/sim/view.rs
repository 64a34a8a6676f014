//! Which part of an item a client asks for: how it says so, and what it must then be shown.

use base::Chance;
use serde_json::{Value, json};

use crate::keys::{Attributes, key_names, pick};

/// A part of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum View {
    Whole,
    /// Whole attributes, by `AttributesToGet`.
    Attributes(Vec<&'static str>),
    /// Whole attributes, by `ProjectionExpression` with a placeholder for the first.
    Expression(Vec<&'static str>),
    /// `v`, the member `a` of the map `m` and the second element of the list `l`.
    Paths,
}

impl View {
    /// Some part of an item.
    pub(crate) fn any(chance: &Chance) -> View {
        let attributes = *pick(chance, &[&["v"][..], &["w", "v"], &["p", "v", "n"], &["w"], &["gone"]]);
        match chance.below(10) {
            0 => View::Attributes(attributes.to_vec()),
            1 => View::Expression(attributes.to_vec()),
            2 => View::Paths,
            _ => View::Whole,
        }
    }

    /// Some part from which the key can be told, as the items of a batch come in no order.
    pub(crate) fn any_with_key(table: usize, chance: &Chance) -> View {
        let attributes = key_names(table).into_iter().chain(["v", "w"]).collect();
        match chance.below(8) {
            0 => View::Attributes(attributes),
            1 => View::Expression(attributes),
            _ => View::Whole,
        }
    }

    /// Asks for it in a request.
    pub(crate) fn ask(&self, request: &mut Value) {
        match self {
            View::Whole => {}
            View::Attributes(names) => request["AttributesToGet"] = json!(names),
            View::Expression(names) => {
                let others = names[1..].iter().map(|name| format!(", {name}"));
                request["ProjectionExpression"] = json!(format!("#first{}", others.collect::<String>()));
                request["ExpressionAttributeNames"] = json!({ "#first": names[0] });
            }
            View::Paths => request["ProjectionExpression"] = json!("v, m.a, l[1]"),
        }
    }

    /// Reads what a request asks for; the reverse of [`View::ask`].
    pub(crate) fn asked(request: &Value) -> Option<View> {
        let known = |name: &str| {
            *["p", "s", "v", "w", "n", "gone"]
                .iter()
                .find(|known| **known == name)
                .expect("clients use these")
        };
        if let Some(names) = request["AttributesToGet"].as_array() {
            return Some(View::Attributes(names.iter().filter_map(Value::as_str).map(known).collect()));
        }
        match request["ProjectionExpression"].as_str() {
            None => Some(View::Whole),
            Some("v, m.a, l[1]") => Some(View::Paths),
            Some(expression) => {
                let first = request["ExpressionAttributeNames"]["#first"].as_str()?;
                let names = expression.split(", ").map(|name| if name == "#first" { first } else { name });
                Some(View::Expression(names.map(known).collect()))
            }
        }
    }

    /// Whether it shows just this of an item.
    pub(crate) fn shows(&self, item: &Attributes, shown: &Attributes) -> bool {
        match self {
            View::Whole => item == shown,
            _ => self.show(item) == *shown,
        }
    }

    /// What it shows of an item.
    pub(crate) fn show(&self, item: &Attributes) -> Attributes {
        match self {
            View::Whole => item.clone(),
            View::Attributes(names) | View::Expression(names) => {
                let shown =
                    names.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())));
                shown.collect()
            }
            View::Paths => {
                let member = item.get("m").and_then(|m| m["M"].get("a")).map(|a| json!({ "M": { "a": a } }));
                let element =
                    item.get("l").and_then(|l| l["L"].get(1)).map(|second| json!({ "L": [second] }));
                let parts = [("v", item.get("v").cloned()), ("m", member), ("l", element)];
                parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
            }
        }
    }
}
