//! Query and Scan.

use serde_json::{Value, json};

use super::{Way, n, on_every_way, order, order_key, s, with};

const CUSTOMERS: [&str; 3] = ["ada", "bob", "eve"];
const ORDERS: u32 = 12;

/// Orders 0 to 11 of three customers.
async fn filled(way: &Way) {
    way.with_orders().await;
    for customer in CUSTOMERS {
        let put = |number| json!({ "PutRequest": { "Item": order(customer, number) } });
        let puts: Vec<Value> = (0..ORDERS).map(put).collect();
        way.ok("BatchWriteItem", json!({ "RequestItems": { "Orders": puts } })).await;
    }
}

fn numbers(page: &Value) -> Vec<u32> {
    let items = page["Items"].as_array().unwrap().iter();
    items.map(|item| item["number"]["N"].as_str().unwrap().parse().unwrap()).collect()
}

/// All pages of a read, and the items of each.
async fn pages(way: &Way, operation: &str, request: &Value) -> Vec<Vec<Value>> {
    let (mut pages, mut request) = (Vec::new(), request.clone());
    for _ in 0..100 {
        let page = way.ok(operation, request.clone()).await;
        pages.push(page["Items"].as_array().unwrap().clone());
        assert_eq!(page["Count"], pages.last().unwrap().len());
        match page.get("LastEvaluatedKey") {
            Some(last) => request["ExclusiveStartKey"] = last.clone(),
            None => return pages,
        }
    }
    panic!("{}: there is no last page of {request}", way.name);
}

fn of_ada(more: Value) -> Value {
    let query = json!({
        "TableName": "Orders", "KeyConditionExpression": "customer = :c",
        "ExpressionAttributeValues": { ":c": s("ada") },
    });
    with(&query, more)
}

#[tokio::test]
async fn a_query_finds_its_range_in_its_order() {
    on_every_way(async |way| {
        filled(way).await;
        let cases: [(&str, &[u32], Vec<u32>); 7] = [
            ("", &[], (0..12).collect()),
            (" AND #n = :0", &[7], vec![7]),
            (" AND #n < :0", &[2], vec![0, 1]),
            (" AND #n <= :0", &[2], vec![0, 1, 2]),
            (" AND #n > :0", &[9], vec![10, 11]),
            (" AND #n >= :0", &[9], vec![9, 10, 11]),
            (" AND #n BETWEEN :0 AND :1", &[8, 10], vec![8, 9, 10]),
        ];
        for (condition, bounds, expected) in cases {
            let mut query = of_ada(json!({ "KeyConditionExpression": format!("customer = :c{condition}") }));
            for (place, bound) in bounds.iter().enumerate() {
                query["ExpressionAttributeNames"] = json!({ "#n": "number" });
                query["ExpressionAttributeValues"][format!(":{place}")] = n(bound);
            }
            let found = way.ok("Query", query.clone()).await;
            assert_eq!(numbers(&found), expected, "{condition}");
            assert_eq!(
                (&found["Count"], &found["ScannedCount"]),
                (&json!(expected.len()), &json!(expected.len()))
            );
            assert!(found.get("LastEvaluatedKey").is_none());
            let backward = way.ok("Query", with(&query, json!({ "ScanIndexForward": false }))).await;
            assert_eq!(numbers(&backward), expected.into_iter().rev().collect::<Vec<_>>(), "{condition}");
        }
        let nobody = of_ada(json!({ "ExpressionAttributeValues": { ":c": s("zoe") } }));
        assert_eq!(way.ok("Query", nobody).await, json!({ "Count": 0, "Items": [], "ScannedCount": 0 }));
    })
    .await;
}

#[tokio::test]
async fn pages_put_together_are_the_whole() {
    on_every_way(async |way| {
        filled(way).await;
        let by_state = json!({
            "TableName": "Orders", "IndexName": "by-state", "KeyConditionExpression": "#s = :s",
            "ExpressionAttributeNames": { "#s": "state" }, "ExpressionAttributeValues": { ":s": s("open") },
        });
        let scan = json!({ "TableName": "Orders" });
        for (operation, request, count) in [
            ("Query", of_ada(json!({})), 12),
            ("Query", of_ada(json!({ "IndexName": "by-cost" })), 12),
            // Three orders have each number, so that pages end between equals.
            ("Query", by_state, 18),
            ("Scan", scan.clone(), 36),
            ("Scan", with(&scan, json!({ "IndexName": "by-state" })), 36),
            ("Scan", with(&scan, json!({ "IndexName": "by-cost" })), 36),
        ] {
            let whole = pages(way, operation, &request).await;
            assert_eq!((whole.len(), whole[0].len()), (1, count), "{request}");
            let directions: &[bool] = if operation == "Query" { &[true, false] } else { &[true] };
            for forward in directions {
                for limit in [1, 5, 100] {
                    let mut limited = with(&request, json!({ "Limit": limit }));
                    let mut expected = whole[0].clone();
                    if !forward {
                        limited["ScanIndexForward"] = json!(false);
                        expected.reverse();
                    }
                    let limited = pages(way, operation, &limited).await;
                    assert!(limited.iter().all(|page| page.len() <= limit));
                    assert_eq!(limited.concat(), expected, "{request} by {limit}");
                }
            }
        }
        // DynamoDB: a page that its limit ended says that there may be more, even where there is no more.
        let exact = way.ok("Query", of_ada(json!({ "Limit": 12 }))).await;
        assert_eq!(exact["LastEvaluatedKey"], order_key("ada", 11));
        let after = way.ok("Query", of_ada(json!({ "ExclusiveStartKey": exact["LastEvaluatedKey"] }))).await;
        assert_eq!(after["Count"], 0);
        let mut of_index = order_key("ada", 11);
        of_index["cost"] = n(989);
        let page = way.ok("Query", of_ada(json!({ "IndexName": "by-cost", "Limit": 1 }))).await;
        assert_eq!(page["LastEvaluatedKey"], of_index, "the keys of the index and of the table");
    })
    .await;
}

#[tokio::test]
async fn segments_put_together_are_the_whole() {
    on_every_way(async |way| {
        filled(way).await;
        let sorted = |mut items: Vec<Value>| {
            items.sort_by_key(ToString::to_string);
            items
        };
        for index in [json!({}), json!({ "IndexName": "by-state" }), json!({ "IndexName": "by-cost" })] {
            let scan = with(&json!({ "TableName": "Orders" }), index);
            let whole = sorted(pages(way, "Scan", &scan).await.concat());
            for total in [1, 3, 100] {
                let mut union = Vec::new();
                for segment in 0..total {
                    let part = json!({ "Segment": segment, "TotalSegments": total, "Limit": 7 });
                    union.extend(pages(way, "Scan", &with(&scan, part)).await.concat());
                }
                assert_eq!(sorted(union), whole, "{total} segments of {scan}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_filter_and_a_projection_come_after_the_limit() {
    on_every_way(async |way| {
        filled(way).await;
        let filter = json!({
            "FilterExpression": "size(note) = :1 AND #z = :1 AND cost > :t",
            "ExpressionAttributeNames": { "#z": "size" },
            "ExpressionAttributeValues": { ":c": s("ada"), ":1": n(1), ":t": n(992) },
        });
        // Sizes of 1 have 1, 4, 7 and 10; totals over 992 have 0 to 7.
        let found = way.ok("Query", of_ada(filter.clone())).await;
        assert_eq!((numbers(&found), &found["ScannedCount"]), (vec![1, 4, 7], &json!(12)));
        let page = way.ok("Query", with(&of_ada(filter.clone()), json!({ "Limit": 4 }))).await;
        assert_eq!((numbers(&page), &page["ScannedCount"]), (vec![1], &json!(4)));
        assert_eq!(page["LastEvaluatedKey"], order_key("ada", 3));
        let counted = way.ok("Query", with(&of_ada(filter.clone()), json!({ "Select": "COUNT" }))).await;
        assert_eq!(counted, json!({ "Count": 3, "ScannedCount": 12 }));
        let projected = with(&of_ada(filter), json!({ "ProjectionExpression": "cost, #z" }));
        let first = way.ok("Query", projected).await["Items"][0].clone();
        assert_eq!(first, json!({ "cost": n(999), "size": n(1) }));

        let keys_only = way.ok("Query", of_ada(json!({ "IndexName": "by-cost", "Limit": 1 }))).await;
        assert_eq!(keys_only["Items"], json!([with(&order_key("ada", 11), json!({ "cost": n(989) }))]));
        // What a local index does not have is fetched; a global one has what it has.
        let all = of_ada(json!({ "IndexName": "by-cost", "Limit": 1, "Select": "ALL_ATTRIBUTES" }));
        assert_eq!(way.ok("Query", all).await["Items"], json!([order("ada", 11)]));
        let scan = json!({ "TableName": "Orders", "IndexName": "by-state" });
        let items = way.ok("Scan", scan.clone()).await["Items"].clone();
        assert!(items.as_array().unwrap().iter().all(|item| item.as_object().unwrap().len() == 4), "{items}");
        way.invalid(
            "Scan",
            with(&scan, json!({ "Select": "ALL_ATTRIBUTES" })),
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global \
             secondary index by-state because its projection type is not ALL",
        )
        .await;
        way.invalid(
            "Scan",
            with(&scan, json!({ "ProjectionExpression": "note, cost" })),
            "One or more parameter values were invalid: Global secondary index by-state does not project [cost]",
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn indexes_follow_their_table() {
    on_every_way(async |way| {
        way.with_orders().await;
        let of_state = async |state: &str| {
            let query = json!({
                "TableName": "Orders", "IndexName": "by-state", "KeyConditionExpression": "#s = :s",
                "ExpressionAttributeNames": { "#s": "state" }, "ExpressionAttributeValues": { ":s": s(state) },
            });
            numbers(&way.ok("Query", query).await)
        };
        let by_cost = async || numbers(&way.ok("Query", of_ada(json!({ "IndexName": "by-cost" }))).await);
        for number in [1, 3, 5] {
            way.ok("PutItem", json!({ "TableName": "Orders", "Item": order("ada", number) })).await;
        }
        assert_eq!((of_state("open").await, by_cost().await), (vec![1, 3, 5], vec![5, 3, 1]));
        let update = |number, expression: &str, values: Value| {
            json!({
                "TableName": "Orders", "Key": order_key("ada", number), "UpdateExpression": expression,
                "ExpressionAttributeNames": { "#s": "state" }, "ExpressionAttributeValues": values,
            })
        };
        let moved = update(3, "SET #s = :s, cost = :t", json!({ ":s": s("paid"), ":t": n(0) }));
        way.ok("UpdateItem", moved).await;
        assert_eq!((of_state("open").await, of_state("paid").await), (vec![1, 5], vec![3]));
        assert_eq!(by_cost().await, [3, 5, 1]);
        way.ok("UpdateItem", update(5, "SET note = :n REMOVE #s, cost", json!({ ":n": s("x") }))).await;
        assert_eq!((of_state("open").await, by_cost().await), (vec![1], vec![3, 1]));
        way.ok("DeleteItem", json!({ "TableName": "Orders", "Key": order_key("ada", 1) })).await;
        assert_eq!((of_state("open").await, by_cost().await), (vec![], vec![3]));
        assert_eq!(way.ok("Scan", json!({ "TableName": "Orders" })).await["Count"], 2);
        let table = way.ok("DescribeTable", json!({ "TableName": "Orders" })).await["Table"].clone();
        let count = |indexes: &str| table[indexes][0]["ItemCount"].as_u64().unwrap();
        assert_eq!((count("LocalSecondaryIndexes"), count("GlobalSecondaryIndexes")), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn what_reads_consume_is_told_as_asked() {
    on_every_way(async |way| {
        filled(way).await;
        let asked = |base: &Value, more: Value| {
            with(&with(base, json!({ "ReturnConsumedCapacity": "INDEXES" })), more)
        };
        let units = |units: f64| json!({ "CapacityUnits": units });
        let query = of_ada(json!({}));
        let scan = json!({ "TableName": "Orders", "IndexName": "by-state" });
        for (operation, request, expected) in [
            ("Query", asked(&query, json!({})), json!({ "CapacityUnits": 0.5, "Table": units(0.5) })),
            (
                "Query",
                asked(&query, json!({ "ConsistentRead": true })),
                json!({ "CapacityUnits": 1.0, "Table": units(1.0) }),
            ),
            (
                "Query",
                asked(&query, json!({ "IndexName": "by-cost" })),
                json!({
                    "CapacityUnits": 0.5, "Table": units(0.0),
                    "LocalSecondaryIndexes": { "by-cost": units(0.5) },
                }),
            ),
            (
                "Scan",
                asked(&scan, json!({})),
                json!({
                    "CapacityUnits": 0.5, "Table": units(0.0),
                    "GlobalSecondaryIndexes": { "by-state": units(0.5) },
                }),
            ),
        ] {
            let told = way.ok(operation, request.clone()).await["ConsumedCapacity"].clone();
            assert_eq!(told, with(&expected, json!({ "TableName": "Orders" })), "{request}");
        }
        let total = with(&query, json!({ "ReturnConsumedCapacity": "TOTAL", "Select": "COUNT" }));
        let told = way.ok("Query", total).await["ConsumedCapacity"].clone();
        assert_eq!(told, json!({ "TableName": "Orders", "CapacityUnits": 0.5 }));
    })
    .await;
}

#[tokio::test]
async fn a_page_ends_at_a_megabyte() {
    on_every_way(async |way| {
        way.with_orders().await;
        for number in 0..5 {
            let large = with(&order("ada", number), json!({ "text": s(&"x".repeat(300_000)) }));
            way.ok("PutItem", json!({ "TableName": "Orders", "Item": large })).await;
        }
        for (operation, request) in [("Query", of_ada(json!({}))), ("Scan", json!({ "TableName": "Orders" }))]
        {
            let lengths: Vec<usize> = pages(way, operation, &request).await.iter().map(Vec::len).collect();
            assert_eq!(lengths, [4, 1], "the item that goes beyond is in: {operation}");
        }
        // A filter does not make it longer.
        let filtered = of_ada(json!({
            "FilterExpression": "attribute_not_exists(#t)", "ExpressionAttributeNames": { "#t": "text" },
        }));
        let page = way.ok("Query", filtered).await;
        assert_eq!((&page["Count"], &page["ScannedCount"]), (&json!(0), &json!(4)));
        assert_eq!(page["LastEvaluatedKey"], order_key("ada", 3));
    })
    .await;
}

#[tokio::test]
async fn reads_that_make_no_sense_are_refused() {
    on_every_way(async |way| {
        filled(way).await;
        let query = async |more: Value, message: &str| {
            way.invalid("Query", of_ada(more), message).await;
        };
        let scan = async |more: Value, message: &str| {
            way.invalid("Scan", with(&json!({ "TableName": "Orders" }), more), message).await;
        };
        query(json!({ "IndexName": "nope" }), "The table does not have the specified index: nope").await;
        query(
            json!({
                "IndexName": "by-state", "ConsistentRead": true, "KeyConditionExpression": "#s = :c",
                "ExpressionAttributeNames": { "#s": "state" },
            }),
            "Consistent reads are not supported on global secondary indexes",
        )
        .await;
        query(
            json!({ "KeyConditionExpression": "note = :c" }),
            "Query condition missed key schema element: customer",
        )
        .await;
        query(json!({ "KeyConditionExpression": "customer > :c" }), "Query key condition not supported").await;
        query(
            json!({ "ExpressionAttributeValues": { ":c": n(1) } }),
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        )
        .await;
        query(
            json!({
                "FilterExpression": "#n > :n", "ExpressionAttributeNames": { "#n": "number" },
                "ExpressionAttributeValues": { ":c": s("ada"), ":n": n(1) },
            }),
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: number",
        )
        .await;
        query(
            json!({ "ExclusiveStartKey": order_key("bob", 1) }),
            "The provided starting key is outside query boundaries based on provided conditions",
        )
        .await;
        query(
            json!({ "ExclusiveStartKey": { "customer": s("ada") } }),
            "The provided starting key is invalid: The provided key element does not match the schema",
        )
        .await;
        scan(
            json!({ "Segment": 3, "TotalSegments": 3 }),
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 3 is not less \
             than TotalSegments: 3",
        )
        .await;
        scan(
            json!({ "Segment": 0 }),
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is \
             present",
        )
        .await;
        scan(
            json!({ "Limit": 0 }),
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value \
             greater than or equal to 1",
        )
        .await;
    })
    .await;
}
