//! Bodies that are not what they should be, in requests that are fine otherwise.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Case, Expected, http};
use crate::manners::{BODY_BYTES_MAX, gzip};

/// Levels of nesting that overflow the stack of whoever follows them.
const DEEP: usize = 100_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = wrong_types();
    cases.extend(no_json());
    cases.extend(attribute_values());
    cases.extend(deep());
    cases.extend(expressions());
    cases.extend(many());
    cases.extend(codings());
    cases
}

/// A request of each data operation, with every member that it may have.
fn examples() -> Vec<(&'static str, Value)> {
    let key = json!({ "p": { "S": "a" } });
    let item = json!({ "p": { "S": "a" }, "v": { "N": "1" } });
    let names = json!({ "#v": "v" });
    let values = json!({ ":v": { "N": "2" } });
    let keyed = json!({ "TableName": "Bad", "Key": key });
    let with = |base: &Value, more: Value| {
        let mut whole = base.clone();
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    let condition = json!({
        "ConditionExpression": "#v < :v",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ReturnConsumedCapacity": "TOTAL",
        "ReturnItemCollectionMetrics": "SIZE",
        "ReturnValues": "NONE",
    });
    let keys = json!({
        "Keys": [key], "ConsistentRead": false, "ProjectionExpression": "#v", "ExpressionAttributeNames": names
    });
    let statement = json!({ "Statement": "UPDATE Bad SET v=2 WHERE p=?", "Parameters": [{ "S": "a" }] });
    vec![
        (
            "GetItem",
            with(
                &keyed,
                json!({
                    "ConsistentRead": false, "ProjectionExpression": "#v", "ExpressionAttributeNames": names,
                    "ReturnConsumedCapacity": "TOTAL",
                }),
            ),
        ),
        ("GetItem", with(&keyed, json!({ "AttributesToGet": ["v"] }))),
        ("BatchGetItem", json!({ "RequestItems": { "Bad": keys }, "ReturnConsumedCapacity": "NONE" })),
        ("PutItem", with(&json!({ "TableName": "Bad", "Item": item }), condition.clone())),
        ("UpdateItem", with(&with(&keyed, condition.clone()), json!({ "UpdateExpression": "SET #v = :v" }))),
        ("DeleteItem", with(&keyed, condition)),
        (
            "BatchWriteItem",
            json!({ "RequestItems": { "Bad": [
                { "PutRequest": { "Item": item } }, { "DeleteRequest": { "Key": key } },
            ] } }),
        ),
        (
            "TransactWriteItems",
            json!({
                "TransactItems": [
                    { "Put": { "TableName": "Bad", "Item": item } },
                    { "Delete": keyed },
                    { "Update": with(&keyed, json!({ "UpdateExpression": "SET #v = :v" })) },
                    { "ConditionCheck": with(&keyed, json!({ "ConditionExpression": "#v < :v" })) },
                ],
                "ClientRequestToken": "token",
            }),
        ),
        ("TransactGetItems", json!({ "TransactItems": [{ "Get": keyed }] })),
        (
            "Query",
            json!({
                "TableName": "Bad", "KeyConditionExpression": "p = :v", "ExpressionAttributeValues": values,
                "Limit": 5, "ScanIndexForward": true, "ExclusiveStartKey": key,
            }),
        ),
        ("Scan", json!({ "TableName": "Bad", "Segment": 0, "TotalSegments": 2, "Select": "COUNT" })),
        ("ExecuteStatement", statement.clone()),
        ("BatchExecuteStatement", json!({ "Statements": [statement] })),
        ("ExecuteTransaction", json!({ "TransactStatements": [statement] })),
    ]
}

/// Every member of every data operation, given a value of the wrong type.
fn wrong_types() -> Vec<Case> {
    let wrongs = [json!(7), json!("text"), json!([]), json!({ "Surprise": [1] }), json!(true)];
    let mut cases = Vec::new();
    for (place, (operation, example)) in examples().into_iter().enumerate() {
        for pointer in members(&example) {
            // Two wrong types for each: enough to meet each type often, few enough to be quick.
            let right = example.pointer(&pointer).unwrap();
            let differing = wrongs.iter().filter(|wrong| kind(wrong) != kind(right));
            for wrong in differing.cycle().skip(cases.len() % 3).take(2) {
                let mut request = example.clone();
                *request.pointer_mut(&pointer).unwrap() = wrong.clone();
                let name = format!("{operation} {place} with {wrong} as {pointer}");
                cases.push(Case::of(name, operation, request.to_string()));
            }
        }
    }
    cases
}

/// Pointers to the members of a request, not going into items and keys.
fn members(example: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, into: &mut Vec<String>) {
        let inner: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(elements) => {
                elements.iter().enumerate().map(|(place, value)| (place.to_string(), value)).collect()
            }
            _ => Vec::new(),
        };
        for (name, value) in inner {
            let at = format!("{at}/{name}");
            let is_item = ["Item", "Key", "Keys", "ExclusiveStartKey", "Parameters"].contains(&name.as_str());
            if !is_item {
                walk(value, &at, into);
            }
            into.push(at);
        }
    }
    let mut pointers = Vec::new();
    walk(example, "", &mut pointers);
    pointers
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// What is not JSON, or not one object of it.
fn no_json() -> Vec<Case> {
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", b"".to_vec()),
        ("white space", b" \t\r\n ".to_vec()),
        ("an open brace", b"{".to_vec()),
        ("a closing brace", b"}".to_vec()),
        ("half a key", br#"{"TableName":"Bad","Key":{"p":{"S":"#.to_vec()),
        ("an open string", br#"{"TableName":"Bad"#.to_vec()),
        ("a comma too many", br#"{"TableName":"Bad",}"#.to_vec()),
        ("a comma too few", br#"{"TableName":"Bad" "Key":{}}"#.to_vec()),
        ("two commas", br#"{"TableName":"Bad",,"Key":{}}"#.to_vec()),
        ("single quotes", br"{'TableName':'Bad'}".to_vec()),
        ("no quotes", br"{TableName:Bad}".to_vec()),
        ("a comment", br#"{"TableName":"Bad"/* really */}"#.to_vec()),
        ("two documents", br#"{"TableName":"Bad"}{"TableName":"Bad"}"#.to_vec()),
        ("something behind it", br#"{"TableName":"Bad"} x"#.to_vec()),
        ("an array", br#"["TableName","Bad"]"#.to_vec()),
        ("a string", br#""TableName""#.to_vec()),
        ("a number", b"17".to_vec()),
        ("null", b"null".to_vec()),
        ("true", b"true".to_vec()),
        ("NaN", br#"{"TableName":"Bad","Limit":NaN}"#.to_vec()),
        ("Infinity", br#"{"TableName":"Bad","Limit":Infinity}"#.to_vec()),
        ("minus Infinity", br#"{"TableName":"Bad","Limit":-Infinity}"#.to_vec()),
        ("a leading zero", br#"{"TableName":"Bad","Limit":01}"#.to_vec()),
        ("a plus", br#"{"TableName":"Bad","Limit":+1}"#.to_vec()),
        ("hexadecimal", br#"{"TableName":"Bad","Limit":0x10}"#.to_vec()),
        ("a huge exponent", br#"{"TableName":"Bad","Limit":1e999999999999}"#.to_vec()),
        ("a tiny exponent", br#"{"TableName":"Bad","Limit":1e-999999999999}"#.to_vec()),
        ("a million digits", format!("{{\"TableName\":\"Bad\",\"Limit\":{}}}", "9".repeat(1_000_000)).into()),
        ("an odd escape", br#"{"TableName":"B\ad"}"#.to_vec()),
        ("half a surrogate", br#"{"TableName":"\ud800"}"#.to_vec()),
        ("the wrong surrogates", br#"{"TableName":"\udc00\ud800"}"#.to_vec()),
        ("an escaped zero", br#"{"TableName":"Bad\u0000"}"#.to_vec()),
        ("a raw zero", b"{\"TableName\":\"Bad\0\"}".to_vec()),
        ("a raw newline", b"{\"TableName\":\"Bad\n\"}".to_vec()),
        ("no UTF-8", b"{\"TableName\":\"\xff\xfe\"}".to_vec()),
        ("an overlong slash", b"{\"TableName\":\"\xc0\xaf\"}".to_vec()),
        ("half a character", b"{\"TableName\":\"\xe2\x82\"}".to_vec()),
        ("a byte order mark", b"\xef\xbb\xbf{\"TableName\":\"Bad\"}".to_vec()),
        ("UTF-16", "{\"TableName\":\"Bad\"}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("bytes of all kinds", (0..=255).collect()),
        ("a name given twice", br#"{"TableName":"Good","TableName":"Bad","Key":{"p":{"S":"a"}}}"#.to_vec()),
        ("a name given twice, once escaped", br#"{"TableName":"Good","T\u0061bleName":"Bad"}"#.to_vec()),
        ("a key given twice", br#"{"TableName":"Good","Key":{"p":{"S":"a"},"p":{"S":"b"}}}"#.to_vec()),
        ("a type given twice", br#"{"TableName":"Good","Key":{"p":{"S":"a","S":"b"}}}"#.to_vec()),
        ("an empty object", b"{}".to_vec()),
        ("a form", b"TableName=Good&Key=a".to_vec()),
        ("XML", b"<TableName>Good</TableName>".to_vec()),
        ("CBOR", b"\xa1\x69TableName\x64Good".to_vec()),
    ];
    let of = |operation: &'static str| {
        let bodies = bodies.clone().into_iter();
        bodies.map(move |(name, body)| Case::of(format!("{operation} of {name}"), operation, body))
    };
    of("GetItem").chain(of("PutItem")).chain(of("BatchWriteItem")).chain(of("Frobnicate")).collect()
}

/// Items and keys that are none.
fn attribute_values() -> Vec<Case> {
    let digits = |count| "9".repeat(count);
    let long = |length| "x".repeat(length);
    let values = [
        json!({}),
        json!({ "S": "a", "N": "1" }),
        json!({ "X": "a" }),
        json!({ "s": "a" }),
        json!("a"),
        json!(1),
        json!(null),
        json!([]),
        json!({ "S": 1 }),
        json!({ "S": null }),
        json!({ "S": "" }),
        json!({ "S": long(2049) }),
        json!({ "S": long(1 << 20) }),
        json!({ "N": 1 }),
        json!({ "N": "" }),
        json!({ "N": "NaN" }),
        json!({ "N": "Infinity" }),
        json!({ "N": "0x10" }),
        json!({ "N": "1e126" }),
        json!({ "N": "1e-131" }),
        json!({ "N": digits(39) }),
        json!({ "N": digits(1_000_000) }),
        json!({ "N": format!("1e{}", digits(1000)) }),
        json!({ "N": format!("0.{}1", "0".repeat(1_000_000)) }),
        json!({ "N": "--1" }),
        json!({ "B": "not base64" }),
        json!({ "B": "YQ" }),
        json!({ "B": 7 }),
        json!({ "BOOL": "true" }),
        json!({ "BOOL": 1 }),
        json!({ "NULL": false }),
        json!({ "SS": [] }),
        json!({ "SS": ["a", "a"] }),
        json!({ "SS": [1, 2] }),
        json!({ "SS": "a" }),
        json!({ "NS": ["1", "1.0"] }),
        json!({ "NS": ["one"] }),
        json!({ "BS": ["YQ==", "YQ=="] }),
        json!({ "L": {} }),
        json!({ "L": ["a"] }),
        json!({ "M": [] }),
        json!({ "M": { "a": "b" } }),
    ];
    let mut cases = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let shown = value.to_string();
        let shown = &shown[..shown.len().min(40)];
        let mut case = |operation: &str, request: Value| {
            let name = format!("{operation} of value {number}, {shown}");
            cases.push(Case::of(name, operation, request.to_string()));
        };
        case("GetItem", json!({ "TableName": "Good", "Key": { "p": value } }));
        match number % 3 {
            0 => case("PutItem", json!({ "TableName": "Good", "Item": { "p": { "S": "a" }, "v": value } })),
            1 => case("UpdateItem", json!({ "TableName": "Good", "Key": { "p": value } })),
            _ => {
                let put = json!([{ "PutRequest": { "Item": { "p": value } } }]);
                case("BatchWriteItem", json!({ "RequestItems": { "Good": put } }));
            }
        }
    }
    for (name, key) in [
        ("no key", json!({})),
        ("another key", json!({ "q": { "S": "a" } })),
        ("a key too many", json!({ "p": { "S": "a" }, "q": { "S": "a" } })),
        ("a key of another type", json!({ "p": { "N": "1" } })),
    ] {
        for operation in ["GetItem", "DeleteItem"] {
            let request = json!({ "TableName": "Good", "Key": key });
            cases.push(Case::of(format!("{operation} of {name}"), operation, request.to_string()));
        }
    }
    for table in
        ["", "x", "a b", "Good/..", "arn:aws:dynamodb:us-east-1:1:table/", &long(256), &long(100_000)]
    {
        let request = json!({ "TableName": table, "Key": { "p": { "S": "a" } } });
        let shown = &table[..table.len().min(40)];
        cases.push(Case::of(format!("GetItem of table {shown:?}"), "GetItem", request.to_string()));
    }
    cases
}

/// Nesting that nobody must follow to its end.
fn deep() -> Vec<Case> {
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(DEEP), close.repeat(DEEP));
    let (arrays, objects) = (nested("[", "]"), nested("{\"a\":", "}").replace(":}", ":1}"));
    let lists = format!("{}{{\"S\":\"a\"}}{}", "{\"L\":[".repeat(DEEP), "]}".repeat(DEEP));
    let maps = format!("{}{{\"S\":\"a\"}}{}", "{\"M\":{\"a\":".repeat(DEEP), "}}".repeat(DEEP));
    let only_open = "[".repeat(DEEP);
    let shallow = format!("{}{{\"S\":\"a\"}}{}", "{\"L\":[".repeat(40), "]}".repeat(40));
    let mut cases = Vec::new();
    for (name, value) in [
        ("arrays", &arrays),
        ("objects", &objects),
        ("lists", &lists),
        ("maps", &maps),
        ("open arrays", &only_open),
        ("forty lists", &shallow),
    ] {
        for (operation, body) in [
            ("GetItem", value.clone()),
            ("GetItem", format!("{{\"TableName\":\"Good\",\"Key\":{{\"p\":{value}}}}}")),
            (
                "GetItem",
                format!("{{\"TableName\":\"Good\",\"Key\":{{\"p\":{{\"S\":\"a\"}}}},\"X\":{value}}}"),
            ),
            (
                "PutItem",
                format!("{{\"TableName\":\"Good\",\"Item\":{{\"p\":{{\"S\":\"a\"}},\"v\":{value}}}}}"),
            ),
            (
                "UpdateItem",
                format!(
                    "{{\"TableName\":\"Good\",\"Key\":{{\"p\":{{\"S\":\"a\"}}}},\
                     \"ExpressionAttributeValues\":{{\":v\":{value}}}}}"
                ),
            ),
            ("BatchWriteItem", format!("{{\"RequestItems\":{value}}}")),
            ("TransactWriteItems", format!("{{\"TransactItems\":{value}}}")),
            ("ExecuteStatement", format!("{{\"Statement\":\"UPDATE Good\",\"Parameters\":[{value}]}}")),
            ("Frobnicate", format!("{{\"TableName\":{value}}}")),
        ] {
            cases.push(Case::of(format!("{operation} of deep {name}"), operation, body));
        }
    }
    cases
}

/// Expressions that are long, deep or undefined.
fn expressions() -> Vec<Case> {
    let key = json!({ "p": { "S": "a" } });
    let names: serde_json::Map<String, Value> =
        (0..100_000).map(|n| (format!("#n{n}"), json!(format!("name{n}")))).collect();
    let projections = [
        ("a megabyte", "a".repeat(1 << 20)),
        ("a megabyte of commas", ",".repeat(1 << 20)),
        ("ten thousand elements", vec!["a"; 10_000].join(".")),
        ("ten thousand indexes", format!("a{}", "[0]".repeat(10_000))),
        ("a hundred thousand paths", vec!["a"; 100_000].join(",")),
        ("a large index", "a[99999999999999999999]".to_owned()),
        ("an open bracket", "a[".to_owned()),
        ("nothing", String::new()),
        ("an undefined name", "#undefined".to_owned()),
        ("deep parentheses", format!("{}a{}", "(".repeat(DEEP), ")".repeat(DEEP))),
        ("other letters", "\u{1f4a3}, \u{0}".to_owned()),
        ("overlapping paths", "a, a.b".to_owned()),
    ];
    let mut cases: Vec<Case> = projections
        .into_iter()
        .map(|(name, text)| {
            let request = json!({ "TableName": "Good", "Key": key, "ProjectionExpression": text });
            Case::of(format!("projection of {name}"), "GetItem", request.to_string())
        })
        .collect();
    let mut get = json!({ "TableName": "Good", "Key": key, "ProjectionExpression": "#n1" });
    get["ExpressionAttributeNames"] = Value::Object(names);
    cases.push(Case::of("projection of a hundred thousand names", "GetItem", get.to_string()));
    let attributes = json!({ "TableName": "Good", "Key": key, "AttributesToGet": vec!["v"; 300_000] });
    cases.push(Case::of("three hundred thousand attributes to get", "GetItem", attributes.to_string()));
    for (name, text) in [
        ("deep parentheses", format!("{}a = :a{}", "(".repeat(DEEP), ")".repeat(DEEP))),
        ("many NOTs", format!("{} a = :a", "NOT ".repeat(DEEP))),
        ("a megabyte of ANDs", vec!["a = :a"; 100_000].join(" AND ")),
    ] {
        let request = json!({ "TableName": "Good", "Key": key, "ConditionExpression": text });
        cases.push(Case::of(format!("condition of {name}"), "DeleteItem", request.to_string()));
        let query = json!({ "TableName": "Good", "FilterExpression": text });
        cases.push(Case::of(format!("filter of {name}"), "Query", query.to_string()));
    }
    for (name, text) in [
        ("a megabyte", "x".repeat(1 << 20)),
        ("an open quote", "UPDATE \"Good SET v=1".to_owned()),
        ("nothing", String::new()),
        ("a million spaces", " ".repeat(1_000_000)),
        ("deep parentheses", "(".repeat(DEEP)),
    ] {
        let request = json!({ "Statement": text }).to_string();
        cases.push(Case::of(format!("statement of {name}"), "ExecuteStatement", request));
    }
    cases
}

/// More of everything than anybody takes.
fn many() -> Vec<Case> {
    let keys = |count: usize| -> Vec<Value> {
        (0..count).map(|n| json!({ "p": { "S": format!("k{n}") } })).collect()
    };
    let batch_get = json!({ "RequestItems": { "Good": { "Keys": keys(50_000) } } });
    let same = json!({ "RequestItems": { "Good": { "Keys": vec![json!({ "p": { "S": "a" } }); 50_000] } } });
    let puts: Vec<Value> =
        keys(20_000).into_iter().map(|item| json!({ "PutRequest": { "Item": item } })).collect();
    let batch_write = json!({ "RequestItems": { "Good": puts } });
    let transact: Vec<Value> =
        keys(5_000).into_iter().map(|key| json!({ "Delete": { "TableName": "Good", "Key": key } })).collect();
    let item: serde_json::Map<String, Value> =
        (0..100_000).map(|n| (format!("a{n}"), json!({ "N": n.to_string() }))).collect();
    let list = json!({ "L": vec![json!({ "NULL": true }); 300_000] });
    let put = |value: Value| json!({ "TableName": "Good", "Item": { "p": { "S": "a" }, "v": value } });
    vec![
        Case::of("fifty thousand keys", "BatchGetItem", batch_get.to_string()),
        Case::of("one key fifty thousand times", "BatchGetItem", same.to_string()),
        Case::of("no keys", "BatchGetItem", r#"{"RequestItems":{"Good":{"Keys":[]}}}"#),
        Case::of("no tables", "BatchGetItem", r#"{"RequestItems":{}}"#),
        Case::of("twenty thousand puts", "BatchWriteItem", batch_write.to_string()),
        Case::of(
            "five thousand deletes",
            "TransactWriteItems",
            json!({ "TransactItems": transact }).to_string(),
        ),
        Case::of("a hundred thousand attributes", "PutItem", put(json!({ "M": item })).to_string()),
        Case::of("three hundred thousand elements", "PutItem", put(list).to_string()),
        Case::of("a large item", "PutItem", put(json!({ "S": "x".repeat(15 << 20) })).to_string()),
        Case::of(
            "ten megabytes of escapes",
            "PutItem",
            put(json!({ "S": "\u{1}".repeat(2 << 20) })).to_string(),
        ),
        Case::of("ten megabytes of brackets", "Frobnicate", "[],".repeat(3 << 20)),
        Case::of("twenty megabytes", "PutItem", vec![b' '; 20 << 20]).ours(413, ""),
        Case::of("a byte too many", "PutItem", vec![b' '; BODY_BYTES_MAX + 1]).ours(413, ""),
    ]
}

/// Content codings that are none, or too much.
fn codings() -> Vec<Case> {
    let coded = |name: &str, coding: &str, body: Vec<u8>| {
        let headers = format!("Content-Type: application/x-amz-json-1.0\r\nContent-Encoding: {coding}\r\n");
        let bytes = http("PutItem", &headers, &body);
        Case::raw(name, bytes, Expected::Upstream { body: body.into() })
    };
    let undecodable = |name, coding, body: &[u8]| {
        coded(name, coding, body.to_vec()).expecting(Expected::Undecodable { body: body.to_vec().into() })
    };
    let bomb = gzip(&vec![b' '; 256 << 20]);
    let twice = gzip(&bomb);
    let just_too_large = gzip(&vec![b' '; BODY_BYTES_MAX + 1]);
    let nothing = gzip(b"");
    // Members that hold nothing: each costs its reader a fresh start.
    let members = nothing.repeat((4 << 20) / nothing.len());
    let deep = gzip("[".repeat(10 << 20).as_bytes());
    let good = gzip(br#"{"TableName":"Bad"}"#);
    let with_rest = [&good[..], b"and more"].concat();
    let mut wrong_sum = good.clone();
    let place = wrong_sum.len() - 8;
    wrong_sum[place] ^= 0xff;
    let plain = |text: &'static str| Expected::Upstream { body: Bytes::from_static(text.as_bytes()) };
    vec![
        coded("a bomb", "gzip", bomb).ours(413, ""),
        coded("a bomb in a bomb", "gzip", twice.clone())
            .expecting(Expected::Upstream { body: gunzipped(&twice) }),
        coded("a byte too many inside", "gzip", just_too_large).ours(413, ""),
        coded("empty members", "gzip", members).ours(500, "InternalServerError"),
        coded("nothing inside", "gzip", nothing).expecting(plain("")),
        coded("deep inside", "gzip", deep.clone()).expecting(Expected::Upstream { body: gunzipped(&deep) }),
        coded("something behind", "gzip", with_rest).ours(500, "InternalServerError"),
        coded("a wrong sum", "gzip", wrong_sum).ours(500, "InternalServerError"),
        coded("half of it", "gzip", good[..good.len() / 2].to_vec()).ours(500, "InternalServerError"),
        coded("only its head", "gzip", good[..10].to_vec()).ours(500, "InternalServerError"),
        coded("no gzip", "gzip", b"{}".to_vec()).ours(500, "InternalServerError"),
        coded("zeros", "gzip", vec![0; 1 << 20]).ours(500, "InternalServerError"),
        undecodable("another coding", "br", b"{}"),
        undecodable("two codings", "gzip, gzip", &good),
        undecodable("an odd coding", "\u{fffd}", b"{}"),
        coded("no coding", "", b"{}".to_vec()),
        coded("no coding by its name", "identity", b"{}".to_vec()),
    ]
}

fn gunzipped(body: &[u8]) -> Bytes {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(body), &mut plain).unwrap();
    plain.into()
}
