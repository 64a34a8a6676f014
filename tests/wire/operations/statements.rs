//! PartiQL: `ExecuteStatement`, `BatchExecuteStatement` and `ExecuteTransaction`.

use serde_json::{Value, json};

use super::{Way, n, on_every_way, order, order_key, s, with};

const NO_KEY: &str = "Where clause does not contain a mandatory equality on all key attributes";

fn statement(text: &str) -> Value {
    json!({ "Statement": text })
}

impl Way {
    async fn execute(&self, text: &str) -> Vec<Value> {
        let answer = self.ok("ExecuteStatement", statement(text)).await;
        answer["Items"].as_array().expect("there is a list, if an empty one").clone()
    }

    /// The numbers of the orders that a statement finds, in their order.
    async fn numbers(&self, condition: &str) -> Vec<String> {
        let items = self.execute(&format!("SELECT number FROM Orders WHERE {condition}")).await;
        items.iter().map(|item| item["number"]["N"].as_str().unwrap().to_owned()).collect()
    }

    async fn not_executed(&self, text: &str, message: &str) {
        self.invalid("ExecuteStatement", statement(text), message).await;
    }
}

/// Six orders of ada's, one of bob's, all of them read and perhaps in a cache.
async fn with_six_orders(way: &Way) {
    way.with_orders().await;
    for number in 1..=6 {
        way.ok("PutItem", json!({ "TableName": "Orders", "Item": order("ada", number) })).await;
        way.item("Orders", order_key("ada", number)).await;
    }
    way.ok("PutItem", json!({ "TableName": "Orders", "Item": order("bob", 1) })).await;
}

#[tokio::test]
async fn a_select_reads_what_its_condition_names() {
    on_every_way(async |way| {
        with_six_orders(way).await;
        let cases: [(&str, &[&str]); 14] = [
            ("customer = 'ada'", &["1", "2", "3", "4", "5", "6"]),
            ("customer = 'ada' AND number > 2 AND number <= 4", &["3", "4"]),
            ("customer = 'ada' AND number BETWEEN 5 AND 9", &["5", "6"]),
            ("customer = 'ada' AND number IN [6, 1]", &["1", "6"]),
            ("customer = 'ada' AND (number = 2 OR number = 5)", &["2", "5"]),
            (
                "customer = 'ada' AND NOT number = 1 OR customer = 'ada' AND number = 2",
                &["2", "3", "4", "5", "6"],
            ),
            ("customer = 'ada' AND state = 'paid'", &["2", "4", "6"]),
            ("customer = 'ada' AND number > 4 AND number < 3", &[]),
            ("customer = 'ada' AND customer = 'bob'", &[]),
            ("customer = 'eve'", &[]),
            ("state = 'open' AND customer <> 'bob' AND number > 1e0", &["3", "5"]),
            ("customer = 'ada' ORDER BY number DESC", &["6", "5", "4", "3", "2", "1"]),
            ("customer IN ['bob', 'ada'] AND number = 1 ORDER BY customer", &["1", "1"]),
            // What nobody asks to be in order, is the other way round.
            ("customer = 'ada' AND number < 3 ORDER BY customer ASC", &["2", "1"]),
        ];
        for (condition, expected) in cases {
            assert_eq!(way.numbers(condition).await, expected, "{condition}");
        }
        let shown = way
            .execute("SELECT note, note.x FROM \"Orders\".\"by-state\" WHERE state = 'paid' AND number >= 4")
            .await;
        assert_eq!(shown, [json!({ "note": s("-") }), json!({ "note": s("-") })]);
        // `size` is a keyword of PartiQL's: a name only in quotes.
        let fetched = way
            .execute("SELECT \"size\" FROM \"Orders\".\"by-cost\" WHERE customer = 'bob' AND cost = 999")
            .await;
        assert_eq!(fetched, [json!({ "size": n(1) })]);
        let keys = way.execute("SELECT * FROM \"Orders\".\"by-cost\" WHERE customer = 'bob'").await;
        assert_eq!(keys, [with(&order_key("bob", 1), json!({ "cost": n(999) }))]);
    })
    .await;
}

#[tokio::test]
async fn a_select_comes_page_by_page() {
    on_every_way(async |way| {
        with_six_orders(way).await;
        for (condition, expected) in [
            ("customer = 'ada'", vec!["1", "2", "3", "4", "5", "6"]),
            ("customer IN ['ada', 'bob'] AND number IN [1, 2] ORDER BY customer DESC, number ASC", vec!["1", "1", "2"]),
            ("customer = 'ada' AND state = 'open'", vec!["1", "3", "5"]),
        ] {
            let select = statement(&format!("SELECT number FROM Orders WHERE {condition}"));
            let mut asked = with(&select, json!({ "Limit": 1 }));
            let mut found = Vec::new();
            for page in 0.. {
                assert!(page < 20, "{condition} never ends");
                let answer = way.ok("ExecuteStatement", asked.clone()).await;
                let items = answer["Items"].as_array().unwrap();
                found.extend(items.iter().map(|item| item["number"]["N"].as_str().unwrap().to_owned()));
                let Some(token) = answer["NextToken"].as_str() else { break };
                // How much is read at once is another matter from what is read.
                asked = with(&select, json!({ "Limit": 2, "NextToken": token }));
                let other = with(&statement("SELECT * FROM Orders"), json!({ "NextToken": token }));
                way.invalid("ExecuteStatement", other, "NextToken does not match request").await;
            }
            assert_eq!(found, expected, "{condition}");
        }
        let garbage = with(&statement("SELECT * FROM Orders"), json!({ "NextToken": "garbage" }));
        way.invalid("ExecuteStatement", garbage, "Invalid NextToken").await;
        let none = with(&statement("SELECT * FROM Orders"), json!({ "Limit": 0 }));
        let message = "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must \
                       have value greater than or equal to 1";
        way.invalid("ExecuteStatement", none, message).await;
        // An IN of many values has many pages.
        let many: Vec<String> = (0..25).map(|number| format!("'c{number}'")).collect();
        let many = format!("SELECT * FROM Orders WHERE customer IN [{}]", many.join(", "));
        let first = way.ok("ExecuteStatement", statement(&many)).await;
        assert_eq!(first["Items"], json!([]));
        assert!(first["NextToken"].is_string());
    })
    .await;
}

#[tokio::test]
async fn writes_do_what_they_say_and_are_read_at_once() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let read = async || way.item("Music", json!({ "p": s("a") })).await;
        assert_eq!(read().await, Value::Null);
        assert!(way.execute("INSERT INTO Music VALUE {'p': 'a', 'plays': 1, 'tags': <<'x'>>}").await.is_empty());
        assert_eq!(read().await, json!({ "p": s("a"), "plays": n(1), "tags": { "SS": ["x"] } }));
        let twice = statement("INSERT INTO Music VALUE {'p': 'a'}");
        way.refused("ExecuteStatement", twice, "DuplicateItemException", "Duplicate primary key exists in table").await;
        let modified = "UPDATE Music SET plays = plays + 1 SET tags = set_add(tags, <<'y'>>) WHERE p = 'a' RETURNING MODIFIED NEW *";
        assert_eq!(way.execute(modified).await, [json!({ "plays": n(2), "tags": { "SS": ["x", "y"] } })]);
        assert_eq!(read().await["plays"], n(2));
        let old = "FROM Music WHERE p = 'a' AND plays = 2 REMOVE tags SET plays = 7 RETURNING ALL OLD *";
        assert_eq!(way.execute(old).await[0]["plays"], n(2));
        assert_eq!(read().await, json!({ "p": s("a"), "plays": n(7) }));
        let failed = "The conditional request failed";
        for unmet in [
            "UPDATE Music SET plays = 0 WHERE p = 'a' AND plays < 7",
            "UPDATE Music SET plays = 0 WHERE p = 'nobody'",
            "DELETE FROM Music WHERE p = 'a' AND attribute_exists(tags)",
        ] {
            way.refused("ExecuteStatement", statement(unmet), "ConditionalCheckFailedException", failed).await;
        }
        let shown = with(
            &statement("DELETE FROM Music WHERE p = 'a' AND plays = 0"),
            json!({ "ReturnValuesOnConditionCheckFailure": "ALL_OLD" }),
        );
        let refusal = way.refused("ExecuteStatement", shown, "ConditionalCheckFailedException", failed).await;
        assert_eq!(refusal["Item"]["plays"], n(7));
        assert!(way.execute("DELETE FROM Music WHERE p = 'nobody' AND plays = 0 RETURNING ALL OLD *").await.is_empty());
        assert_eq!(way.execute("DELETE FROM Music WHERE p = 'a' RETURNING ALL OLD *").await[0]["plays"], n(7));
        assert_eq!(read().await, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn what_the_keys_do_not_allow_is_refused() {
    on_every_way(async |way| {
        with_six_orders(way).await;
        let cases = [
            ("UPDATE Orders SET a = 1 WHERE customer = 'ada'", NO_KEY),
            ("UPDATE Orders SET a = 1", NO_KEY),
            ("DELETE FROM Orders WHERE customer = 'ada' AND number IN [1]", NO_KEY),
            ("DELETE FROM Orders WHERE customer = 'ada' AND number = 1 OR customer = 'ada' AND number = 2", NO_KEY),
            (
                "DELETE FROM Orders WHERE customer = 'ada' AND number = 1 AND number = 2",
                "Multiple conditions on same key number. Only single item Update/Insert/Delete are supported",
            ),
            (
                "UPDATE Orders SET number = 2 WHERE customer = 'ada' AND number = 1",
                "One or more parameter values were invalid: Cannot update attribute number. This attribute is part of \
                 the key",
            ),
            (
                "INSERT INTO Orders VALUE {'customer': 'eve'}",
                "Key attribute should be present in the item: Key number",
            ),
            (
                "INSERT INTO Orders VALUE {'customer': 'eve', 'number': '1'}",
                "Key attribute's data type should match its data type in table's schema: Key number",
            ),
            (
                "SELECT * FROM Orders WHERE customer = 1",
                "Key attribute's data type should match its data type in table's schema: Key customer",
            ),
            (
                "SELECT * FROM Orders WHERE customer = TRUE",
                "Key value must be of type S, N, or B. Key name: customer, Key type: BOOL",
            ),
            (
                "SELECT * FROM Orders WHERE customer = 'ada' AND state = 'x' OR customer = 'ada' AND number = 1",
                "Overlapping conditions with range keys are not supported in where clause",
            ),
            (
                "SELECT * FROM Orders WHERE customer IN ['ada', 'ada']",
                "Overlapping conditions with range keys are not supported in where clause",
            ),
            (
                "SELECT * FROM Orders ORDER BY number",
                "Must have WHERE clause in the statement when using ORDER BY clause.",
            ),
            (
                "SELECT * FROM Orders WHERE number = 1 ORDER BY number",
                "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
            ),
            (
                "SELECT * FROM Orders WHERE customer = 'ada' ORDER BY cost",
                "Attribute cost in ORDER BY clause must be part of the primary key",
            ),
            (
                "SELECT * FROM Orders WHERE customer IN ['ada', 'bob'] ORDER BY number",
                "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.",
            ),
            ("SELECT * FROM \"Orders\".\"none\"", "The table does not have the specified index"),
            (
                "SELECT cost FROM \"Orders\".\"by-state\"",
                "One or more parameter values were invalid: Global secondary index by-state does not project [cost]",
            ),
            (
                "SELECT number FROM \"Orders\".\"by-cost\" WHERE customer = 'ada' AND note = 'x'",
                "One or more parameter values were invalid: Secondary index by-cost does not project one or more \
                 filter attributes: [note]",
            ),
            ("EXISTS(SELECT * FROM Orders)", "EXISTS can only be used in ExecuteTransaction write requests."),
            ("SELECT * FROM Orders WHERE customer = ?", "Number of parameters in request and statement don't match."),
        ];
        for (text, message) in cases {
            way.not_executed(text, message).await;
        }
        let strong = with(&statement("SELECT * FROM \"Orders\".\"by-state\""), json!({ "ConsistentRead": true }));
        let message = "Strongly consistent read is not supported on Global Secondary Indexes";
        way.invalid("ExecuteStatement", strong, message).await;
        let many: Vec<String> = (0..51).map(|number| format!("'c{number}'")).collect();
        let many = format!("SELECT * FROM Orders WHERE customer IN [{}]", many.join(", "));
        way.not_executed(&many, "Too many decomposed read operations for a given query.").await;
        let nowhere = statement("SELECT * FROM Nowhere WHERE p = 'a'");
        way.refused("ExecuteStatement", nowhere, "ResourceNotFoundException", "Requested resource not found").await;
        // Nothing of all that did anything.
        assert_eq!(way.numbers("customer = 'ada'").await.len(), 6);
    })
    .await;
}

#[tokio::test]
async fn statements_consume_what_the_other_calls_do() {
    on_every_way(async |way| {
        with_six_orders(way).await;
        let consumed = async |text: &str| {
            let asked = with(&statement(text), json!({ "ReturnConsumedCapacity": "INDEXES" }));
            let answer = way.ok("ExecuteStatement", asked).await;
            let consumed = &answer["ConsumedCapacity"];
            let of =
                |indexes: &str, name: &str| consumed[indexes][name]["CapacityUnits"].as_f64().unwrap_or(0.0);
            (
                consumed["Table"]["CapacityUnits"].as_f64().unwrap(),
                of("LocalSecondaryIndexes", "by-cost"),
                of("GlobalSecondaryIndexes", "by-state"),
            )
        };
        assert_eq!(consumed("SELECT * FROM Orders WHERE customer = 'ada'").await, (0.5, 0.0, 0.0));
        assert_eq!(consumed("SELECT * FROM Orders WHERE customer IN ['ada', 'bob']").await, (1.0, 0.0, 0.0));
        assert_eq!(
            consumed("SELECT note FROM \"Orders\".\"by-cost\" WHERE customer = 'ada'").await,
            (3.0, 0.5, 0.0)
        );
        assert_eq!(
            consumed("SELECT * FROM \"Orders\".\"by-state\" WHERE state = 'open'").await,
            (0.0, 0.0, 0.5)
        );
        let insert = "INSERT INTO Orders VALUE {'customer': 'eve', 'number': 1, 'cost': 5, 'state': 'open'}";
        assert_eq!(consumed(insert).await, (1.0, 1.0, 1.0));
        assert_eq!(
            consumed("UPDATE Orders SET x = 1 WHERE customer = 'eve' AND number = 1").await,
            (1.0, 0.0, 0.0)
        );
        assert_eq!(
            consumed("DELETE FROM Orders WHERE customer = 'eve' AND number = 9").await,
            (1.0, 0.0, 0.0)
        );
    })
    .await;
}

#[tokio::test]
async fn each_statement_of_a_batch_ends_by_itself() {
    on_every_way(async |way| {
        with_six_orders(way).await;
        let batch = |texts: &[&str]| {
            json!({ "Statements": texts.iter().map(|text| statement(text)).collect::<Vec<_>>() })
        };
        let read = batch(&[
            "SELECT number FROM Orders WHERE customer = 'ada' AND number = 1",
            "SELECT * FROM Orders WHERE customer = 'ada' AND number = 99",
            "SELECT * FROM Orders WHERE customer = 'ada'",
            "SELECT * FROM Orders WHERE customer = 'ada' AND number = 2 AND attribute_exists(cost)",
            "SELECT * FROM Nowhere WHERE p = 'a'",
            "SELECT * FROM Orders WHERE",
        ]);
        let no_key = "Select statements within BatchExecuteStatement must specify the primary key in the where clause.";
        let invalid = |message: &str| json!({ "Error": { "Code": "ValidationError", "Message": message } });
        assert_eq!(
            way.ok("BatchExecuteStatement", read).await["Responses"],
            json!([
                { "TableName": "Orders", "Item": { "number": n(1) } },
                { "TableName": "Orders" },
                invalid(no_key),
                invalid(no_key),
                {
                    "Error": { "Code": "ResourceNotFound", "Message": "Requested resource not found" },
                    "TableName": "Nowhere",
                },
                invalid("Statement wasn't well formed, can't be processed: Unexpected term"),
            ])
        );
        let mut write = batch(&[
            "INSERT INTO Orders VALUE {'customer': 'ada', 'number': 1}",
            "UPDATE Orders SET note = 'new' WHERE customer = 'ada' AND number = 2",
            "DELETE FROM Orders WHERE customer = 'ada' AND number = 3 AND state = 'paid'",
            "DELETE FROM Orders WHERE customer = 'ada' AND number = 4 RETURNING ALL OLD *",
            "UPDATE Orders SET note = ? WHERE customer = 'ada' AND number = 5",
        ]);
        write["Statements"][4]["Parameters"] = json!([n("abc")]);
        write["Statements"][2]["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
        let answer = way.ok("BatchExecuteStatement", write).await;
        assert_eq!(
            answer["Responses"],
            json!([
                {
                    "Error": { "Code": "DuplicateItem", "Message": "Duplicate primary key exists in table" },
                    "TableName": "Orders",
                },
                { "TableName": "Orders" },
                {
                    "Error": {
                        "Code": "ConditionalCheckFailed",
                        "Message": "The conditional request failed",
                        "Item": order("ada", 3),
                    },
                    "TableName": "Orders",
                },
                { "TableName": "Orders", "Item": order("ada", 4) },
                invalid("The parameter cannot be converted to a numeric value: abc"),
            ])
        );
        assert_eq!(way.item("Orders", order_key("ada", 2)).await["note"], s("new"));
        assert_eq!(way.item("Orders", order_key("ada", 4)).await, Value::Null);
        let select = "SELECT * FROM Orders WHERE customer = 'ada' AND number = 1";
        let delete = "DELETE FROM Orders WHERE customer = 'ada' AND number = 1";
        let mixed = "Read and write requests together in the same batch is not supported.";
        way.invalid("BatchExecuteStatement", batch(&[select, delete]), mixed).await;
        let twice = "Provided list of item keys contains duplicates";
        way.invalid("BatchExecuteStatement", batch(&[delete, delete]), twice).await;
        assert_eq!(way.numbers("customer = 'ada' AND number = 1").await, ["1"]);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    on_every_way(async |way| {
        with_six_orders(way).await;
        let transaction = |texts: &[&str]| {
            json!({ "TransactStatements": texts.iter().map(|text| statement(text)).collect::<Vec<_>>() })
        };
        let read = transaction(&[
            "SELECT number FROM Orders WHERE customer = 'ada' AND number = 1",
            "SELECT * FROM Orders WHERE customer = 'ada' AND number = 99",
        ]);
        let answer = way.ok("ExecuteTransaction", with(&read, json!({ "ReturnConsumedCapacity": "TOTAL" }))).await;
        assert_eq!(answer["Responses"], json!([{ "Item": { "number": n(1) } }, {}]));
        assert_eq!(answer["ConsumedCapacity"][0]["ReadCapacityUnits"], 4.0);
        let write = transaction(&[
            "EXISTS(SELECT * FROM Orders WHERE customer = 'ada' AND number = 1 AND state = 'open')",
            "INSERT INTO Orders VALUE {'customer': 'eve', 'number': 1}",
            "UPDATE Orders SET note = 'new' WHERE customer = 'ada' AND number = 2",
            "DELETE FROM Orders WHERE customer = 'ada' AND number = 3",
        ]);
        assert_eq!(way.ok("ExecuteTransaction", write.clone()).await, json!({ "Responses": [] }));
        assert_eq!(way.item("Orders", order_key("ada", 2)).await["note"], s("new"));
        assert_eq!(way.item("Orders", order_key("ada", 3)).await, Value::Null);
        let refusal = way
            .refused(
                "ExecuteTransaction",
                transaction(&[
                    "UPDATE Orders SET note = 'newer' WHERE customer = 'ada' AND number = 2",
                    "INSERT INTO Orders VALUE {'customer': 'eve', 'number': 1}",
                    "EXISTS(SELECT * FROM Orders WHERE customer = 'ada' AND number = 1 AND state = 'paid')",
                ]),
                "TransactionCanceledException",
                "Transaction cancelled, please refer cancellation reasons for specific reasons [None, DuplicateItem, \
                 ConditionalCheckFailed]",
            )
            .await;
        assert_eq!(refusal["CancellationReasons"][1]["Message"], "Duplicate primary key exists in table");
        assert_eq!(way.item("Orders", order_key("ada", 2)).await["note"], s("new"));

        let add = transaction(&["UPDATE Orders SET cost = cost + 1 WHERE customer = 'ada' AND number = 5"]);
        let add = with(&add, json!({ "ClientRequestToken": "once", "ReturnConsumedCapacity": "TOTAL" }));
        let first = way.ok("ExecuteTransaction", add.clone()).await;
        assert!(first["ConsumedCapacity"][0]["WriteCapacityUnits"].is_number());
        let again = way.ok("ExecuteTransaction", add.clone()).await;
        assert_eq!(again["ConsumedCapacity"][0]["ReadCapacityUnits"], 2.0);
        assert_eq!(way.item("Orders", order_key("ada", 5)).await["cost"], n(996));
        let other = with(&write, json!({ "ClientRequestToken": "once" }));
        let message = "Another transaction with the same token was already processed with different parameters";
        way.refused("ExecuteTransaction", other, "IdempotentParameterMismatchException", message).await;

        let select = "SELECT * FROM Orders WHERE customer = 'ada' AND number = 1";
        let update = "UPDATE Orders SET x = 1 WHERE customer = 'ada' AND number = 1";
        let within = |message: &str| format!("Validation failed in TransactStatements[0]: {message}");
        let cases = [
            (
                vec![select, update],
                "ExecuteTransaction API does not support both read and write operations in the same request.".to_owned(),
            ),
            (
                vec![update, update],
                "Transaction request cannot include multiple operations on one item".to_owned(),
            ),
            (
                vec!["SELECT * FROM \"Orders\".\"by-state\" WHERE state = 'open'"],
                within("Reads on indices are not supported within transactions."),
            ),
            (
                vec!["SELECT * FROM Orders WHERE customer = 'ada'"],
                within("Select statements within ExecuteTransaction must specify the primary key in the where clause."),
            ),
            (
                vec!["EXISTS(SELECT * FROM Orders WHERE customer = 'ada' AND number = 1)", update],
                within("EXISTS() must contain a single item read with additional condition"),
            ),
            (
                vec!["UPDATE Orders SET x = 1 WHERE customer = 'ada' AND number = 1 RETURNING ALL NEW *"],
                within("RETURNING clause is not supported in ExecuteTransaction."),
            ),
            (vec!["SELECT"], within("Statement wasn't well formed, can't be processed: Unexpected term")),
        ];
        for (texts, message) in cases {
            way.invalid("ExecuteTransaction", transaction(&texts), &message).await;
        }
    })
    .await;
}
