//! What a call is to the cache: a pure function of the call.

use backend::{Bypass, Call};
use model::{
    Effect, Target,
    call::{BatchGetItem, GetItem, Request, StatementEffect},
    limits,
};

use crate::page::Asking;

/// What to do with a call.
#[derive(Debug)]
pub(crate) enum Plan<'a> {
    /// Serve one item from the cache if it is there.
    Item(&'a GetItem),
    /// Serve items from the cache as far as they are there.
    Items(&'a BatchGetItem),
    /// Ask the origin; a strong answer is news for the cache.
    StrongItem(&'a GetItem),
    /// Ask the origin; the strong answers are news for the cache.
    StrongItems(&'a BatchGetItem),
    /// Serve a page of a query or a scan from the cache if it is there.
    Page(Asking<'a>),
    /// Ask the origin as if there were no cache.
    Pass(Bypass),
    /// Guard what it may write, and ask the origin.
    Write(Bypass),
}

/// Plans a call.
pub(crate) fn plan(call: &Call) -> Plan<'_> {
    let operation = match call.target() {
        Target::Known(operation) => operation,
        Target::Unknown { .. } => return Plan::Write(Bypass::UnknownOperation),
    };
    match operation.effect {
        Effect::WritesItems | Effect::ReplacesTables | Effect::ReplacesIndexes => Plan::Write(Bypass::Write),
        Effect::Executes => match call.request().map(Request::statements) {
            Ok(Some(statements))
                if statements.iter().all(|statement| statement.effect() == StatementEffect::Reads) =>
            {
                Plan::Pass(Bypass::PartiQl)
            }
            _ => Plan::Write(Bypass::Write),
        },
        Effect::Administers => Plan::Pass(Bypass::NotCached),
        Effect::Reads => match call.request() {
            Ok(Request::GetItem(get)) if get.is_strong() => Plan::StrongItem(get),
            Ok(Request::GetItem(get)) => Plan::Item(get),
            // DynamoDB: more than 100 keys are refused, and a table without any. Nor may one request have
            // thousands of tables described.
            Ok(Request::BatchGetItem(batch)) if !is_within_limits(batch) => Plan::Pass(Bypass::NotUnderstood),
            Ok(Request::BatchGetItem(batch)) => {
                match batch.request_items.iter().all(|(_, keys)| keys.is_strong()) {
                    true => Plan::StrongItems(batch),
                    false => Plan::Items(batch),
                }
            }
            Ok(Request::Query(query)) => page(Asking::Query(query)),
            Ok(Request::Scan(scan)) => page(Asking::Scan(scan)),
            Ok(_) if operation.name == "TransactGetItems" => Plan::Pass(Bypass::TransactionalRead),
            Ok(_) => Plan::Pass(Bypass::NotCached),
            Err(_) => Plan::Pass(Bypass::NotUnderstood),
        },
    }
}

fn page(asking: Asking<'_>) -> Plan<'_> {
    if asking.is_strong() { Plan::Pass(Bypass::StrongRead) } else { Plan::Page(asking) }
}

fn is_within_limits(batch: &BatchGetItem) -> bool {
    let mut counts = batch.request_items.iter().map(|(_, wanted)| wanted.keys.len());
    counts.clone().sum::<usize>() <= limits::BATCH_GET_KEYS_MAX && counts.all(|count| count > 0)
}

#[cfg(test)]
mod tests {
    use backend::Wire;
    use base::Clock;

    use super::*;

    fn planned(target: &str, body: &str) -> String {
        let wire = Wire { body: body.to_owned().into(), ..Wire::default() };
        let target = Target::parse(&format!("DynamoDB_20120810.{target}")).unwrap();
        let call = Call::from_client(target, wire, String::new(), Clock::start().now());
        let text = format!("{:?}", plan(&call));
        text.split(['{', ' ']).next().unwrap().to_owned()
    }

    #[test]
    fn calls_are_planned_by_what_they_may_do() {
        let key = r#""TableName":"Tab","Key":{"p":{"S":"x"}}"#;
        let cases = [
            ("GetItem", format!("{{{key}}}"), "Item(GetItem"),
            ("GetItem", format!("{{{key},\"ConsistentRead\":false}}"), "Item(GetItem"),
            ("GetItem", format!("{{{key},\"ConsistentRead\":null}}"), "Item(GetItem"),
            ("GetItem", format!("{{{key},\"ConsistentRead\":true}}"), "StrongItem(GetItem"),
            ("GetItem", format!("{{{key},\"ConsistentRead\":\"true\"}}"), "Pass(NotUnderstood)"),
            ("GetItem", format!("{{{key},\"NewMember\":1}}"), "Pass(NotUnderstood)"),
            ("GetItem", format!("{{{key},\"TableName\":\"Two\"}}"), "Pass(NotUnderstood)"),
            ("GetItem", "{".to_owned(), "Pass(NotUnderstood)"),
            ("Query", r#"{"TableName":"Tab"}"#.to_owned(), "Page(Query(Query"),
            ("Query", r#"{"TableName":"Tab","ConsistentRead":true}"#.to_owned(), "Pass(StrongRead)"),
            ("Query", "{}".to_owned(), "Pass(NotUnderstood)"),
            ("Scan", r#"{"TableName":"Tab"}"#.to_owned(), "Page(Scan(Scan"),
            ("Scan", r#"{"TableName":"Tab","NewMember":1}"#.to_owned(), "Pass(NotUnderstood)"),
            ("UpdateTable", "{}".to_owned(), "Write(Write)"),
            ("TransactGetItems", "{}".to_owned(), "Pass(TransactionalRead)"),
            ("UpdateTimeToLive", "{}".to_owned(), "Pass(NotCached)"),
            ("PutItem", "{".to_owned(), "Write(Write)"),
            ("DeleteTable", "{}".to_owned(), "Write(Write)"),
            ("ExecuteStatement", r#"{"Statement":"SELECT * FROM T"}"#.to_owned(), "Pass(PartiQl)"),
            ("ExecuteStatement", r#"{"Statement":"DELETE FROM T"}"#.to_owned(), "Write(Write)"),
            ("ExecuteStatement", r#"{"Stmt":"SELECT * FROM T"}"#.to_owned(), "Write(Write)"),
            ("Frobnicate", "{}".to_owned(), "Write(UnknownOperation)"),
        ];
        for (target, body, expected) in cases {
            assert_eq!(planned(target, &body), expected, "{target} {body}");
        }
    }
}
