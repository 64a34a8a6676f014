//! How clients write a query: in any of the ways that mean the same.

use base::Chance;
use serde_json::{Value, json};

use super::{Direction, KeyTest, Query, Select, Test};
use crate::{
    indexes::INDEXES,
    keys::{TABLES, arn_of, pick},
};

/// A request as it is being written.
struct Writing<'a> {
    chance: &'a Chance,
    request: Value,
    placeholders: u64,
}

impl Query {
    /// The operation that it is sent as.
    pub(crate) fn operation(&self) -> &'static str {
        if self.is_scan() { "Scan" } else { "Query" }
    }

    /// Writes it in some spelling.
    pub(crate) fn ask(&self, chance: &Chance) -> Value {
        let name = if chance.happens(0.2) { arn_of(self.table) } else { TABLES[self.table].name.to_owned() };
        let placeholders = chance.below(3);
        let mut writing = Writing { chance, request: json!({ "TableName": name }), placeholders };
        if !self.is_scan() {
            let mut tests: Vec<String> = self.keys.iter().map(|test| writing.test(test)).collect();
            if chance.happens(0.3) {
                tests.reverse();
            }
            let and = *pick(chance, &[" AND ", " and ", "  AND\n"]);
            writing.request["KeyConditionExpression"] = json!(tests.join(and));
        }
        if let Some(least) = &self.above {
            let (name, least) = (writing.name("v"), writing.value(least));
            writing.request["FilterExpression"] = json!(format!("{name} > {least}"));
        }
        match &self.select {
            Select::Whole => {}
            Select::Count => writing.request["Select"] = json!("COUNT"),
            Select::Attributes(names) => {
                let names: Vec<String> = names.iter().map(|name| writing.name(name)).collect();
                let comma = *pick(chance, &[",", ", ", " , "]);
                writing.request["ProjectionExpression"] = json!(names.join(comma));
            }
        }
        self.write_the_rest(writing)
    }

    fn write_the_rest(&self, writing: Writing<'_>) -> Value {
        let Writing { chance, mut request, .. } = writing;
        if let Some(index) = self.index {
            request["IndexName"] = json!(INDEXES[index].name);
        }
        if self.select == Select::Whole && chance.happens(0.1) {
            let all = if self.index.is_some() { "ALL_PROJECTED_ATTRIBUTES" } else { "ALL_ATTRIBUTES" };
            request["Select"] = json!(all);
        }
        if let Some(limit) = self.limit {
            request["Limit"] = json!(limit);
        }
        if let Some(start) = &self.start {
            let key = start.iter().map(|(name, value)| (name.clone(), respelled(value, chance)));
            request["ExclusiveStartKey"] = Value::Object(key.collect());
        }
        if !self.is_scan() && (self.direction == Direction::Backward || chance.happens(0.1)) {
            request["ScanIndexForward"] = json!(self.direction == Direction::Forward);
        }
        if self.is_strong || chance.happens(0.1) {
            request["ConsistentRead"] = json!(self.is_strong);
        }
        if let Some((segment, total)) = self.segment {
            request["Segment"] = json!(segment);
            request["TotalSegments"] = json!(total);
        }
        if self.capacity.is_some() || chance.happens(0.05) {
            request["ReturnConsumedCapacity"] = json!(self.capacity.unwrap_or("NONE"));
        }
        request
    }
}

impl Writing<'_> {
    fn test(&mut self, KeyTest { name, test }: &KeyTest) -> String {
        let name = self.name(name);
        let space = *pick(self.chance, &["", " ", "  "]);
        let text = match test {
            Test::Is(value) => format!("{name}{space}={space}{}", self.value(value)),
            Test::Below(bound) => format!("{name}{space}<{space}{}", self.value(bound)),
            Test::Between(low, high) => {
                let (low, high) = (self.value(low), self.value(high));
                let (between, and) = *pick(self.chance, &[("BETWEEN", "AND"), ("between", "and")]);
                format!("{name} {between}{space} {low} {and} {high}")
            }
        };
        if self.chance.happens(0.1) { format!("({space}{text})") } else { text }
    }

    /// The name itself, or a placeholder of any name.
    fn name(&mut self, name: &str) -> String {
        if self.chance.happens(0.6) {
            return name.to_owned();
        }
        self.placeholders += 1;
        let placeholder = format!("#n{}", self.placeholders);
        self.request["ExpressionAttributeNames"][&placeholder] = json!(name);
        placeholder
    }

    fn value(&mut self, value: &Value) -> String {
        self.placeholders += 1;
        let placeholder = format!(":{}{}", pick(self.chance, &["v", "value_"]), self.placeholders);
        self.request["ExpressionAttributeValues"][&placeholder] = respelled(value, self.chance);
        placeholder
    }
}

/// An equal value: numbers have many spellings.
fn respelled(value: &Value, chance: &Chance) -> Value {
    let Some(number) = value["N"].as_str() else { return value.clone() };
    let is_plain = number.bytes().all(|digit| digit.is_ascii_digit());
    json!({ "N": match chance.below(8) {
        0 if is_plain => format!("{number}.0"),
        1 if is_plain => format!("0{number}"),
        2 => format!("{number}e0"),
        _ => number.to_owned(),
    } })
}
