//! Indexes whose keys have several attributes in either part.

use serde_json::{Value, json};

use super::{Way, n, on_every_way, s};

/// Orders by customer and state; in each state by cost and number.
fn index() -> Value {
    let key = [("customer", "HASH"), ("state", "HASH"), ("cost", "RANGE"), ("number", "RANGE")];
    let key = key.map(|(name, role)| json!({ "AttributeName": name, "KeyType": role }));
    json!({ "IndexName": "long", "KeySchema": key, "Projection": { "ProjectionType": "ALL" } })
}

fn definitions() -> Value {
    let types = [("customer", "S"), ("number", "N"), ("state", "S"), ("cost", "N")];
    json!(types.map(|(name, key_type)| json!({ "AttributeName": name, "AttributeType": key_type })))
}

async fn filled(way: &Way) {
    let key = [("customer", "HASH"), ("number", "RANGE")];
    let key = key.map(|(name, role)| json!({ "AttributeName": name, "KeyType": role }));
    let table = json!({
        "TableName": "Orders", "BillingMode": "PAY_PER_REQUEST", "KeySchema": key,
        "AttributeDefinitions": definitions(), "GlobalSecondaryIndexes": [index()],
    });
    let created = way.ok("CreateTable", table).await;
    assert_eq!(created["TableDescription"]["GlobalSecondaryIndexes"][0]["KeySchema"], index()["KeySchema"]);
    way.active("Orders").await;
    for (customer, number, state, cost) in [
        ("ada", 1, "open", Some(30)),
        ("ada", 2, "open", Some(4)),
        ("ada", 3, "open", Some(4)),
        ("ada", 4, "sent", Some(4)),
        ("ada", 5, "open", None),
        ("adao", 6, "pen", Some(4)),
    ] {
        let mut item = json!({ "customer": s(customer), "number": n(number), "state": s(state) });
        if let Some(cost) = cost {
            item["cost"] = n(cost);
        }
        way.ok("PutItem", json!({ "TableName": "Orders", "Item": item })).await;
    }
}

/// Of what is open of ada's.
fn query(more: &str, value: Option<Value>) -> Value {
    let mut values = json!({ ":c": s("ada"), ":s": s("open") });
    if let Some(value) = value {
        values[":v"] = value;
    }
    json!({
        "TableName": "Orders", "IndexName": "long", "ExpressionAttributeNames": { "#s": "state" },
        "KeyConditionExpression": format!("customer = :c AND #s = :s{more}"), "ExpressionAttributeValues": values,
    })
}

fn numbers(page: &Value) -> Vec<&str> {
    page["Items"].as_array().unwrap().iter().map(|item| item["number"]["N"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_index_may_have_several_attributes_in_either_part_of_its_key() {
    on_every_way(async |way| {
        filled(way).await;
        for (more, value, expected) in [
            ("", None, vec!["2", "3", "1"]),
            (" AND cost = :v", Some(n(4)), vec!["2", "3"]),
            (" AND cost > :v", Some(n(4)), vec!["1"]),
        ] {
            assert_eq!(numbers(&way.ok("Query", query(more, value)).await), expected, "{more}");
        }
        let mut paged = query("", None);
        paged["Limit"] = json!(2);
        let page = way.ok("Query", paged.clone()).await;
        let last = json!({ "customer": s("ada"), "number": n(3), "state": s("open"), "cost": n(4) });
        assert_eq!(page["LastEvaluatedKey"], last);
        paged["ExclusiveStartKey"] = last;
        assert_eq!(numbers(&way.ok("Query", paged).await), ["1"]);
        let mut gap = query(" AND #n = :v", Some(n(3)));
        gap["ExpressionAttributeNames"]["#n"] = json!("number");
        let message = "RANGE key attributes cost must have equality conditions specified in the query because a \
                       condition is present on key attribute number";
        way.invalid("Query", gap, message).await;
    })
    .await;
}
