//! Queries and scans as the cache sees them: what is asked, in a form that does not depend on how it is written.

use expr::{Bound, ComparisonOperator, KeyRange, KeyTest, Projection, asked};
use model::{
    Item, UniqueMap,
    call::{Condition, Query, ReturnConsumedCapacity, Scan, Select},
    encode_component, json,
};
use serde::Serialize;

use crate::config::{Rule, TableRule};

/// Keys of entries that are longer are not kept: they are no hot ones.
const QUESTION_BYTES_MAX: usize = 16 * 1024;

/// A query or a scan, as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asking<'a> {
    Query(&'a Query),
    Scan(&'a Scan),
}

/// A query or a scan, understood as far as it can be without its table.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) asking: Asking<'a>,
    reading: asked::Reading,
    projection: Option<Projection>,
}

/// The parts of a question besides which items it is about.
#[derive(Serialize)]
struct Rest<'a> {
    filter: Option<String>,
    projection: Option<String>,
    names: Vec<(String, String)>,
    values: Vec<&'a str>,
    select: &'static str,
    limit: Option<u32>,
    is_forward: bool,
    segment: Option<(u32, u32)>,
}

impl<'a> Asking<'a> {
    pub(crate) fn table_name(self) -> &'a str {
        match self {
            Asking::Query(query) => &query.table_name,
            Asking::Scan(scan) => &scan.table_name,
        }
    }

    pub(crate) fn index_name(self) -> Option<&'a str> {
        match self {
            Asking::Query(query) => query.index_name.as_deref(),
            Asking::Scan(scan) => scan.index_name.as_deref(),
        }
    }

    pub(crate) fn is_strong(self) -> bool {
        match self {
            Asking::Query(query) => query.is_strong(),
            Asking::Scan(scan) => scan.is_strong(),
        }
    }

    pub(crate) fn capacity(self) -> Option<ReturnConsumedCapacity> {
        match self {
            Asking::Query(query) => query.return_consumed_capacity,
            Asking::Scan(scan) => scan.return_consumed_capacity,
        }
    }

    /// The rule that holds for it, of a table's.
    pub(crate) fn rule(self, table: &TableRule) -> &Rule {
        let rules = table.results_of(self.index_name());
        match self {
            Asking::Query(_) => &rules.query,
            Asking::Scan(_) => &rules.scan,
        }
    }

    /// Where an earlier page ended.
    pub(crate) fn start(self) -> Option<&'a Item> {
        match self {
            Asking::Query(query) => query.exclusive_start_key.as_ref(),
            Asking::Scan(scan) => scan.exclusive_start_key.as_ref(),
        }
    }

    /// Whether an expression and an older parameter stand side by side, which the origin refuses, or an older
    /// parameter compares in a way that this version does not know.
    fn is_mixed(self) -> bool {
        let (expressions, older, conditions) = match self {
            Asking::Query(query) => (
                [&query.key_condition_expression, &query.filter_expression, &query.projection_expression],
                query.conditional_operator.is_some() || query.attributes_to_get.is_some(),
                [&query.key_conditions, &query.query_filter],
            ),
            Asking::Scan(scan) => (
                [&None, &scan.filter_expression, &scan.projection_expression],
                scan.conditional_operator.is_some() || scan.attributes_to_get.is_some(),
                [&None, &scan.scan_filter],
            ),
        };
        let has_expressions = expressions.iter().any(|expression| expression.is_some());
        let has_older = older || conditions.iter().any(|conditions| conditions.is_some());
        let is_unknown = |(_, condition): &(String, Condition)| {
            ComparisonOperator::parse(&condition.comparison_operator).is_none()
        };
        let mut conditions = conditions.into_iter().flatten().flat_map(UniqueMap::iter);
        (has_expressions && has_older) || conditions.any(is_unknown)
    }

    fn has_empty_placeholders(self) -> bool {
        let (names, values) = match self {
            Asking::Query(query) => (&query.expression_attribute_names, &query.expression_attribute_values),
            Asking::Scan(scan) => (&scan.expression_attribute_names, &scan.expression_attribute_values),
        };
        names.as_ref().is_some_and(UniqueMap::is_empty) || values.as_ref().is_some_and(UniqueMap::is_empty)
    }
}

impl<'a> Page<'a> {
    /// `None` if the origin might refuse it: then the request is forwarded as it came.
    pub(crate) fn of(asking: Asking<'a>) -> Option<Page<'a>> {
        if asking.is_mixed() || asking.has_empty_placeholders() {
            return None;
        }
        let (reading, is_selected, attributes) = match asking {
            Asking::Query(query) => {
                (asked::query(query), query.check_select(), query.attributes_to_get.as_deref())
            }
            Asking::Scan(scan) => (asked::scan(scan), scan.check_select(), scan.attributes_to_get.as_deref()),
        };
        let mut reading = reading.ok().filter(|_| is_selected.is_ok())?;
        let projection = asked::projection(reading.projection.take(), attributes).ok()?;
        Some(Page { asking, reading, projection })
    }

    /// What a query reads of a table or index with such a key; `None` if it does not suit the key.
    pub(crate) fn range(&self, key: &model::KeySchema) -> Option<KeyRange> {
        self.reading.key_condition.as_ref()?.for_key(&key.partition, &key.sort).ok()
    }

    /// What is asked besides which items it is about, and from where on, in a canonical form.
    pub(crate) fn rest(&self) -> Option<String> {
        let bound = Bound {
            filter: self.reading.filter.clone(),
            projection: self.projection.clone(),
            ..Bound::default()
        };
        let printed = bound.print().ok()?;
        let values: Vec<String> = printed
            .values
            .iter()
            .map(|(_, value)| {
                let mut text = Vec::new();
                json::value_to_json(value, &mut text);
                String::from_utf8(text).ok()
            })
            .collect::<Option<_>>()?;
        let (select, limit, is_forward, segment) = match self.asking {
            Asking::Query(query) => {
                (query.select, query.limit, query.scan_index_forward != Some(false), None)
            }
            Asking::Scan(scan) => (scan.select, scan.limit, true, scan.segment.zip(scan.total_segments)),
        };
        let rest = Rest {
            filter: printed.filter,
            projection: printed.projection,
            names: printed.names,
            values: values.iter().map(String::as_str).collect(),
            select: self.selected(select).as_str(),
            limit,
            is_forward,
            segment,
        };
        serde_json::to_string(&rest).ok()
    }

    /// The canonical form of what is asked, of a table or index with such a key: equal for all that mean the
    /// same, unequal for all that do not. `None` if it is too long to be kept.
    pub(crate) fn question(&self, range: Option<&KeyRange>, start: Option<&Item>) -> Option<Vec<u8>> {
        let mut question = Vec::with_capacity(128);
        if let Some(range) = range {
            range.partition.iter().for_each(|value| encode_component(value, &mut question));
            question.push(range.sort_prefix.len() as u8);
            range.sort_prefix.iter().for_each(|value| encode_component(value, &mut question));
            write_test(range.sort.as_ref(), &mut question);
        }
        question.extend_from_slice(self.rest()?.as_bytes());
        if let Some(start) = start {
            json::item_to_json(start, &mut question);
        }
        (question.len() <= QUESTION_BYTES_MAX).then_some(question)
    }

    /// What is selected, said or not.
    ///
    /// DynamoDB: "If neither Select nor ProjectionExpression are specified, DynamoDB defaults to ALL_ATTRIBUTES
    /// when accessing a table, and ALL_PROJECTED_ATTRIBUTES when accessing an index" (API reference, Query).
    fn selected(&self, select: Option<Select>) -> Select {
        match (select, &self.projection, self.asking.index_name()) {
            (Some(select), ..) => select,
            (None, Some(_), _) => Select::SpecificAttributes,
            (None, None, Some(_)) => Select::AllProjectedAttributes,
            (None, None, None) => Select::AllAttributes,
        }
    }
}

fn write_test(test: Option<&KeyTest>, into: &mut Vec<u8>) {
    let (word, values) = match test {
        None => (0, vec![]),
        Some(KeyTest::Equal(value)) => (1, vec![value]),
        Some(KeyTest::Less(value)) => (2, vec![value]),
        Some(KeyTest::AtMost(value)) => (3, vec![value]),
        Some(KeyTest::More(value)) => (4, vec![value]),
        Some(KeyTest::AtLeast(value)) => (5, vec![value]),
        Some(KeyTest::Between(low, high)) => (6, vec![low, high]),
        Some(KeyTest::BeginsWith(prefix)) => (7, vec![prefix]),
        Some(KeyTest::NotIndexable) => (8, vec![]),
    };
    into.push(word);
    values.into_iter().for_each(|value| encode_component(value, into));
}

#[cfg(test)]
mod tests {
    use model::{KeyAttribute, KeySchema, KeyType, Operation, Target, call::Request};

    use super::*;

    fn operation(name: &str) -> &'static Operation {
        Target::of(name).known().unwrap()
    }

    /// The question of a request to a table with the keys `p` (a string) and `s` (a number).
    fn question(name: &str, members: &str) -> Option<Vec<u8>> {
        let body = format!("{{\"TableName\":\"Tab\",{members}}}");
        let request = Request::decode(operation(name), body.as_bytes()).unwrap();
        let asking = match &request {
            Request::Query(query) => Asking::Query(query),
            Request::Scan(scan) => Asking::Scan(scan),
            other => panic!("{other:?}"),
        };
        let page = Page::of(asking)?;
        let attribute = |name: &str, key_type| KeyAttribute { name: name.to_owned(), key_type };
        let key =
            KeySchema { partition: vec![attribute("p", KeyType::S)], sort: vec![attribute("s", KeyType::N)] };
        let range = match asking {
            Asking::Query(_) => Some(page.range(&key)?),
            Asking::Scan(_) => None,
        };
        page.question(range.as_ref(), asking.start())
    }

    const PLAIN: &str = r#""KeyConditionExpression":"p = :p","ExpressionAttributeValues":{":p":{"S":"x"}}"#;

    #[test]
    fn what_means_the_same_is_one_question() {
        let same = [
            PLAIN,
            r##""KeyConditionExpression":" #p=:y ","ExpressionAttributeNames":{"#p":"p"},
               "ExpressionAttributeValues":{":y":{"S":"x"}}"##,
            r#""KeyConditionExpression":"(p = :p)","ExpressionAttributeValues":{":p":{"S":"x"}},
               "ScanIndexForward":true,"Select":"ALL_ATTRIBUTES","ReturnConsumedCapacity":"TOTAL"}"#
                .trim_end_matches('}'),
            r#""KeyConditions":{"p":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"x"}]}}"#,
        ];
        for members in same {
            assert_eq!(question("Query", members), question("Query", PLAIN), "{members}");
        }
        let filtered = |names: &str, number: &str| {
            format!(
                r#""KeyConditionExpression":"s > :s AND p = :p","FilterExpression":"a = :a or contains({names}, :b)",
                "ExpressionAttributeValues":{{":p":{{"S":"x"}},":s":{{"N":"{number}"}},":a":{{"N":"{number}"}},
                ":b":{{"S":"q"}}}}"#
            )
        };
        assert!(question("Query", &filtered("b", "1")).is_some());
        assert_eq!(question("Query", &filtered("b", "1.0")), question("Query", &filtered("b", "1")));
        assert_ne!(question("Query", &filtered("b", "1")), question("Query", &filtered("c", "1")));
        let scan = |members: &str| question("Scan", members).unwrap();
        assert_eq!(scan(r#""Limit":3,"ConsistentRead":false"#), scan(r#""Limit":3"#));
    }

    #[test]
    fn what_means_something_else_is_another_question() {
        let others = [
            PLAIN.replace("\"x\"", "\"y\""),
            format!("{PLAIN},\"Limit\":1"),
            format!("{PLAIN},\"Limit\":2"),
            format!("{PLAIN},\"ScanIndexForward\":false"),
            format!("{PLAIN},\"Select\":\"COUNT\""),
            format!("{PLAIN},\"ProjectionExpression\":\"a\""),
            format!("{PLAIN},\"ProjectionExpression\":\"a,b\""),
            format!("{PLAIN},\"ExclusiveStartKey\":{{\"p\":{{\"S\":\"x\"}},\"s\":{{\"N\":\"1\"}}}}"),
            format!("{PLAIN},\"ExclusiveStartKey\":{{\"p\":{{\"S\":\"x\"}},\"s\":{{\"N\":\"2\"}}}}"),
            format!("{PLAIN},\"FilterExpression\":\"a > p\""),
            format!("{PLAIN},\"FilterExpression\":\"a < p\""),
            r#""KeyConditionExpression":"p = :p AND s = :s","ExpressionAttributeValues":{":p":{"S":"x"},":s":{"N":"1"}}"#.into(),
            r#""KeyConditionExpression":"p = :p AND s <= :s","ExpressionAttributeValues":{":p":{"S":"x"},":s":{"N":"1"}}"#.into(),
            r#""KeyConditionExpression":"p = :p AND s <= :s","ExpressionAttributeValues":{":p":{"S":"x"},":s":{"N":"2"}}"#.into(),
        ];
        let plain = question("Query", PLAIN).unwrap();
        let all: Vec<_> = others.iter().map(|members| question("Query", members).expect(members)).collect();
        let unique: std::collections::BTreeSet<_> = all.iter().chain([&plain]).collect();
        assert_eq!(unique.len(), all.len() + 1);
    }

    #[test]
    fn what_the_origin_may_refuse_is_no_question() {
        let refused = [
            format!("{PLAIN},\"QueryFilter\":{{}}"),
            format!("{PLAIN},\"FilterExpression\":\"a = :unknown\""),
            r#""KeyConditionExpression":"p = :p","ExpressionAttributeValues":{":p":{"S":"x"},":unused":{"S":"y"}}"#.into(),
            r#""KeyConditionExpression":"s = :p","ExpressionAttributeValues":{":p":{"N":"1"}}"#.into(),
            PLAIN.replace("{\"S\":\"x\"}", "{\"N\":\"1\"}"),
            PLAIN.replace("\"x\"", "\"\""),
            r#""KeyConditionExpression":"p = :p AND s > :p","ExpressionAttributeValues":{":p":{"S":"x"}}"#.into(),
            r#""KeyConditions":{"p":{"ComparisonOperator":"LIKE","AttributeValueList":[{"S":"x"}]}}"#.into(),
            format!("{PLAIN},\"Select\":\"COUNT\",\"ProjectionExpression\":\"a\""),
            format!("{PLAIN},\"ExpressionAttributeNames\":{{}}"),
            String::from("\"Limit\":1"),
        ];
        for members in refused {
            assert_eq!(question("Query", &members), None, "{members}");
        }
        let long = "y".repeat(QUESTION_BYTES_MAX);
        let members = format!(r#"{PLAIN},"ExclusiveStartKey":{{"p":{{"S":"{long}"}},"s":{{"N":"1"}}}}"#);
        assert_eq!(question("Query", &members), None);
    }
}
