//! Streams: what they record, in which order, for how long, and where readers stand.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::rig::{Refusal, Rig, definition, key_element};

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);
/// As many shards are open at a time.
const LANES: usize = 4;

async fn create(rig: &Rig, name: &str, view: &str) -> String {
    let body = json!({
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [key_element((&"pk", "HASH"))], "AttributeDefinitions": [definition("pk", "S")],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": view },
    });
    let made = rig.done("CreateTable", body).await;
    made["TableDescription"]["LatestStreamArn"].as_str().unwrap().to_owned()
}

async fn put(rig: &Rig, key: &str, n: usize) {
    let item = json!({ "pk": { "S": key }, "n": { "N": n.to_string() } });
    rig.done("PutItem", json!({ "TableName": "Tab", "Item": item })).await;
}

async fn switch(rig: &Rig, specification: Value) -> String {
    let body = json!({ "TableName": "Tab", "StreamSpecification": specification });
    let changed = rig.done("UpdateTable", body).await;
    changed["TableDescription"]["LatestStreamArn"].as_str().unwrap().to_owned()
}

async fn describe(rig: &Rig, arn: &str) -> Value {
    rig.done("DescribeStream", json!({ "StreamArn": arn })).await["StreamDescription"].take()
}

async fn shards(rig: &Rig, arn: &str) -> Vec<Value> {
    describe(rig, arn).await["Shards"].as_array().unwrap().clone()
}

fn id(shard: &Value) -> &str {
    shard["ShardId"].as_str().unwrap()
}

fn is_open(shard: &Value) -> bool {
    shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null()
}

fn number(record: &Value) -> &str {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap()
}

async fn iterator(rig: &Rig, arn: &str, shard: &Value, kind: &str, number: Option<&str>) -> String {
    rig.done("GetShardIterator", place(arn, shard, kind, number)).await["ShardIterator"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn place(arn: &str, shard: &Value, kind: &str, number: Option<&str>) -> Value {
    json!({ "StreamArn": arn, "ShardId": id(shard), "ShardIteratorType": kind, "SequenceNumber": number })
}

async fn page(rig: &Rig, iterator: &str, limit: usize) -> (Vec<Value>, Option<String>) {
    let page = rig.done("GetRecords", json!({ "ShardIterator": iterator, "Limit": limit })).await;
    let next = page["NextShardIterator"].as_str().map(str::to_owned);
    (page["Records"].as_array().unwrap().clone(), next)
}

/// Everything of a shard, `limit` records at a time; and where to go on, if there may be more.
async fn rest(rig: &Rig, iterator: String, limit: usize) -> (Vec<Value>, Option<String>) {
    let (mut records, mut at) = (Vec::new(), iterator);
    loop {
        let (found, next) = page(rig, &at, limit).await;
        let is_over = found.is_empty();
        records.extend(found);
        match next {
            Some(next) if !is_over => at = next,
            next => return (records, next),
        }
    }
}

/// Everything that can be read, shard by shard in the order of their ids.
async fn everything(rig: &Rig, arn: &str) -> Vec<Value> {
    let mut records = Vec::new();
    for shard in shards(rig, arn).await {
        let iterator = iterator(rig, arn, &shard, "TRIM_HORIZON", None).await;
        records.extend(rest(rig, iterator, 3).await.0);
    }
    records
}

/// The values of `n` in the new images, by key in the order of the records.
fn by_key(records: &[Value]) -> BTreeMap<String, Vec<usize>> {
    let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for record in records {
        let image = &record["dynamodb"]["NewImage"];
        let n = image["n"]["N"].as_str().unwrap().parse().unwrap();
        by_key.entry(image["pk"]["S"].as_str().unwrap().to_owned()).or_default().push(n);
    }
    by_key
}

fn code(refusal: &Refusal) -> (&str, &str) {
    (&refusal.code, refusal.body["message"].as_str().unwrap())
}

#[tokio::test]
async fn views_show_what_they_are_called_after() {
    for (view, shows_new, shows_old) in [
        ("KEYS_ONLY", false, false),
        ("NEW_IMAGE", true, false),
        ("OLD_IMAGE", false, true),
        ("NEW_AND_OLD_IMAGES", true, true),
    ] {
        let rig = Rig::in_memory();
        let arn = create(&rig, "Tab", view).await;
        put(&rig, "k", 1).await;
        put(&rig, "k", 22).await;
        rig.done("DeleteItem", json!({ "TableName": "Tab", "Key": { "pk": { "S": "k" } } })).await;
        let records = everything(&rig, &arn).await;
        let item = |n: &str| json!({ "pk": { "S": "k" }, "n": { "N": n } });
        let images = [
            ("INSERT", Some(item("1")), None),
            ("MODIFY", Some(item("22")), Some(item("1"))),
            ("REMOVE", None, Some(item("22"))),
        ];
        assert_eq!(records.len(), images.len(), "{view}");
        for (record, (event, new, old)) in records.iter().zip(images) {
            let (new, old) = (new.filter(|_| shows_new), old.filter(|_| shows_old));
            let change = &record["dynamodb"];
            assert_eq!(record["eventName"], event, "{view}");
            assert_eq!(change.get("NewImage"), new.as_ref(), "{view} {event}");
            assert_eq!(change.get("OldImage"), old.as_ref(), "{view} {event}");
            assert_eq!(change["Keys"], json!({ "pk": { "S": "k" } }));
            assert_eq!(change["StreamViewType"], view);
            // The key has 3 bytes; each image has that, and n with its number besides.
            let image = 3 + 1 + 2;
            let images = usize::from(new.is_some()) + usize::from(old.is_some());
            assert_eq!(change["SizeBytes"], 3 + image * images, "{view} {event}");
            assert_eq!(record["eventVersion"], "1.1");
            assert_eq!(record["eventSource"], "aws:dynamodb");
            assert_eq!(record["awsRegion"], "eu-central-1");
            assert!(record.get("userIdentity").is_none());
            assert!(change["ApproximateCreationDateTime"].is_u64());
        }
        let ids: Vec<&str> = records.iter().map(|record| record["eventID"].as_str().unwrap()).collect();
        assert!(ids.iter().all(|id| id.len() == 32) && ids[0] != ids[1] && ids[1] != ids[2]);
    }
}

#[tokio::test]
async fn what_changes_nothing_is_not_recorded() {
    let rig = Rig::in_memory();
    let arn = create(&rig, "Tab", "NEW_AND_OLD_IMAGES").await;
    put(&rig, "k", 1).await;
    put(&rig, "k", 1).await;
    let key = json!({ "pk": { "S": "k" } });
    let update = json!({
        "TableName": "Tab", "Key": key, "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": { ":n": { "N": "1.0" } },
    });
    rig.done("UpdateItem", update).await;
    rig.done("DeleteItem", json!({ "TableName": "Tab", "Key": { "pk": { "S": "none" } } })).await;
    let check = json!({ "ConditionCheck": {
        "TableName": "Tab", "Key": key, "ConditionExpression": "attribute_exists(pk)",
    } });
    rig.done("TransactWriteItems", json!({ "TransactItems": [check] })).await;
    let refused = json!({
        "TableName": "Tab", "Item": { "pk": { "S": "k" } }, "ConditionExpression": "attribute_not_exists(pk)",
    });
    rig.refused("PutItem", refused).await;
    assert_eq!(everything(&rig, &arn).await.len(), 1);
}

#[tokio::test]
async fn every_key_has_its_order_and_every_record_a_number_of_its_own() {
    const KEYS: usize = 40;
    let rig = Rig::in_memory();
    let arn = create(&rig, "Tab", "NEW_IMAGE").await;
    for round in 0..5 {
        // One transaction of the store writes many items, several of them into one shard.
        let put = |key: usize| {
            let item = json!({ "pk": { "S": key.to_string() }, "n": { "N": round.to_string() } });
            json!({ "Put": { "TableName": "Tab", "Item": item } })
        };
        let puts: Vec<Value> = (0..KEYS).map(put).collect();
        rig.done("TransactWriteItems", json!({ "TransactItems": puts })).await;
    }
    let mut used = 0;
    let mut all = Vec::new();
    for shard in shards(&rig, &arn).await {
        let iterator = iterator(&rig, &arn, &shard, "TRIM_HORIZON", None).await;
        let (records, _) = rest(&rig, iterator, 7).await;
        let numbers: Vec<u128> = records.iter().map(|record| number(record).parse().unwrap()).collect();
        assert!(numbers.is_sorted_by(|one, other| one < other));
        assert!(records.iter().all(|record| (21..=40).contains(&number(record).len())));
        used += usize::from(!records.is_empty());
        all.extend(records);
    }
    assert_eq!(used, LANES, "forty keys go to all shards");
    let expected = (0..KEYS).map(|key| (key.to_string(), (0..5).collect())).collect();
    assert_eq!(by_key(&all), expected);
}

#[tokio::test]
async fn iterators_begin_where_their_type_says() {
    let rig = Rig::in_memory();
    let arn = create(&rig, "Tab", "NEW_IMAGE").await;
    put(&rig, "k", 0).await;
    put(&rig, "k", 1).await;
    put(&rig, "k", 2).await;
    let all = everything(&rig, &arn).await;
    let mut shard = None;
    for candidate in shards(&rig, &arn).await {
        let oldest = iterator(&rig, &arn, &candidate, "TRIM_HORIZON", None).await;
        if !page(&rig, &oldest, 1).await.0.is_empty() {
            shard = Some(candidate);
        }
    }
    let shard = shard.unwrap();
    let read = async |kind: &str, number: Option<&str>| {
        let iterator = iterator(&rig, &arn, &shard, kind, number).await;
        rest(&rig, iterator, 100).await.0
    };
    let latest = iterator(&rig, &arn, &shard, "LATEST", None).await;
    assert_eq!(read("TRIM_HORIZON", None).await, all);
    assert_eq!(read("AT_SEQUENCE_NUMBER", Some(number(&all[1]))).await, all[1..]);
    assert_eq!(read("AFTER_SEQUENCE_NUMBER", Some(number(&all[1]))).await, all[2..]);
    let start = shard["SequenceNumberRange"]["StartingSequenceNumber"].as_str().unwrap();
    assert_eq!(read("AT_SEQUENCE_NUMBER", Some(start)).await, all);
    assert_eq!(read("LATEST", None).await, [] as [Value; 0]);
    put(&rig, "k", 3).await;
    let (found, next) = rest(&rig, latest, 100).await;
    assert_eq!(by_key(&found), BTreeMap::from([("k".to_owned(), vec![3])]));
    assert_eq!(rest(&rig, next.unwrap(), 100).await.0, [] as [Value; 0]);
    for wrong in ["1".repeat(21), "9".repeat(40), "9".repeat(39)] {
        let refusal =
            rig.refused("GetShardIterator", place(&arn, &shard, "AT_SEQUENCE_NUMBER", Some(&wrong))).await;
        assert_eq!(code(&refusal), ("ValidationException", "Invalid SequenceNumber"));
    }
}

#[tokio::test]
async fn shards_go_over_into_children_after_four_hours() {
    let rig = Rig::in_memory();
    let arn = create(&rig, "Tab", "NEW_IMAGE").await;
    put(&rig, "k", 0).await;
    let first = shards(&rig, &arn).await;
    assert_eq!(first.len(), LANES);
    assert!(first.iter().all(|shard| is_open(shard) && shard.get("ParentShardId").is_none()));
    let mut open = Vec::new();
    for shard in &first {
        open.push(iterator(&rig, &arn, shard, "LATEST", None).await);
    }
    rig.clock.turn_calendar(4 * HOUR + MINUTE);
    // Nobody writes: reading is enough.
    let both = shards(&rig, &arn).await;
    assert_eq!(both.len(), 2 * LANES);
    for (parent, child) in both[..LANES].iter().zip(&both[LANES..]) {
        assert!(!is_open(parent) && is_open(child));
        assert_eq!(child["ParentShardId"], parent["ShardId"]);
        let range = |shard: &Value, end: &str| -> u128 {
            shard["SequenceNumberRange"][format!("{end}SequenceNumber")].as_str().unwrap().parse().unwrap()
        };
        assert!(range(parent, "Starting") < range(parent, "Ending"));
        assert!(range(parent, "Ending") < range(child, "Starting"));
        let filter =
            json!({ "StreamArn": arn, "ShardFilter": { "Type": "CHILD_SHARDS", "ShardId": id(parent) } });
        let children = rig.done("DescribeStream", filter).await["StreamDescription"]["Shards"].take();
        assert_eq!(children, json!([child]));
    }
    put(&rig, "k", 1).await;
    // A key stays in its lane: the record of it is in the child of the shard that has the older one.
    let mut found = Vec::new();
    for (parent, child) in both[..LANES].iter().zip(&both[LANES..]) {
        let oldest = iterator(&rig, &arn, parent, "TRIM_HORIZON", None).await;
        let (records, next) = rest(&rig, oldest, 1).await;
        assert_eq!(next, None, "a closed shard ends");
        let later = iterator(&rig, &arn, child, "TRIM_HORIZON", None).await;
        let (later, next) = rest(&rig, later, 1).await;
        assert!(next.is_some(), "an open shard does not");
        found.extend((!records.is_empty()).then(|| [records, later].concat()));
    }
    assert_eq!(by_key(&found.concat())["k"], [0, 1]);
    assert_eq!(found.len(), 1);
    // What was got of an open shard ends with it. (It would have expired, so it is got again.)
    assert_eq!(open.len(), LANES);
    for shard in &both[..LANES] {
        let latest = iterator(&rig, &arn, shard, "LATEST", None).await;
        assert_eq!(page(&rig, &latest, 10).await, (vec![], None));
    }
}

#[tokio::test]
async fn records_and_shards_are_trimmed_after_a_day() {
    let rig = Rig::in_memory();
    let arn = create(&rig, "Tab", "NEW_IMAGE").await;
    put(&rig, "k", 0).await;
    let old = everything(&rig, &arn).await.remove(0);
    let mut home = None;
    for shard in shards(&rig, &arn).await {
        let oldest = iterator(&rig, &arn, &shard, "TRIM_HORIZON", None).await;
        if !page(&rig, &oldest, 1).await.0.is_empty() {
            home = Some(shard);
        }
    }
    let home = home.unwrap();
    rig.clock.turn_calendar(24 * HOUR - MINUTE);
    put(&rig, "k", 1).await;
    assert_eq!(by_key(&everything(&rig, &arn).await)["k"], [0, 1]);
    // Got in time, used too late: the record that it points at is trimmed by then.
    let at = iterator(&rig, &arn, &home, "AT_SEQUENCE_NUMBER", Some(number(&old))).await;
    let after = iterator(&rig, &arn, &home, "AFTER_SEQUENCE_NUMBER", Some(number(&old))).await;
    rig.clock.turn_calendar(2 * MINUTE);
    assert_eq!(by_key(&everything(&rig, &arn).await)["k"], [1]);
    let refusal = rig.refused("GetRecords", json!({ "ShardIterator": at })).await;
    let trimmed = ("TrimmedDataAccessException", "The data you are trying to access has been trimmed");
    assert_eq!(code(&refusal), trimmed);
    assert_eq!(page(&rig, &after, 10).await, (vec![], None), "nothing is missed behind the record");
    let place_of_old = place(&arn, &home, "AT_SEQUENCE_NUMBER", Some(number(&old)));
    assert_eq!(code(&rig.refused("GetShardIterator", place_of_old).await), trimmed);
    // The shard itself is there until a day after its end.
    let is_there = async || shards(&rig, &arn).await.iter().any(|shard| id(shard) == id(&home));
    assert!(is_there().await);
    let oldest = iterator(&rig, &arn, &home, "TRIM_HORIZON", None).await;
    rig.clock.turn_calendar(4 * HOUR);
    assert!(!is_there().await);
    let gone = rig.refused("GetShardIterator", place(&arn, &home, "TRIM_HORIZON", None)).await;
    let no_shard = ("ResourceNotFoundException", "Requested resource not found: Shard does not exist");
    assert_eq!(code(&gone), no_shard);
    let expired = rig.refused("GetRecords", json!({ "ShardIterator": oldest })).await;
    let words = "The provided iterator exceeds the maximum age allowed";
    assert_eq!(code(&expired), ("ExpiredIteratorException", words));
}

#[tokio::test]
async fn iterators_are_good_for_a_quarter_of_an_hour_and_renewed_by_reading() {
    let rig = Rig::in_memory();
    let arn = create(&rig, "Tab", "NEW_IMAGE").await;
    let shard = shards(&rig, &arn).await.remove(0);
    let first = iterator(&rig, &arn, &shard, "LATEST", None).await;
    rig.clock.turn_calendar(14 * MINUTE);
    let (_, next) = page(&rig, &first, 10).await;
    rig.clock.turn_calendar(2 * MINUTE);
    let refusal = rig.refused("GetRecords", json!({ "ShardIterator": first })).await;
    assert_eq!(refusal.code, "ExpiredIteratorException");
    page(&rig, &next.unwrap(), 10).await;
}

#[tokio::test]
async fn a_stream_that_is_switched_off_can_be_read_for_a_day() {
    let rig = Rig::in_memory();
    let arn = create(&rig, "Tab", "NEW_IMAGE").await;
    put(&rig, "k", 0).await;
    assert_eq!(switch(&rig, json!({ "StreamEnabled": false })).await, arn);
    put(&rig, "k", 1).await;
    let second = switch(&rig, json!({ "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" })).await;
    assert_ne!(second, arn);
    put(&rig, "k", 2).await;
    let description = describe(&rig, &arn).await;
    assert_eq!(description["StreamStatus"], "DISABLED");
    assert!(description["Shards"].as_array().unwrap().iter().all(|shard| !is_open(shard)));
    assert_eq!(describe(&rig, &second).await["StreamStatus"], "ENABLED");
    rig.done("DeleteTable", json!({ "TableName": "Tab" })).await;
    assert_eq!(by_key(&everything(&rig, &arn).await)["k"], [0]);
    assert_eq!(by_key(&everything(&rig, &second).await)["k"], [2]);
    assert_eq!(describe(&rig, &second).await["StreamStatus"], "DISABLED");
    let listed = rig.done("ListStreams", json!({ "TableName": "Tab" })).await;
    let arns: Vec<&str> =
        listed["Streams"].as_array().unwrap().iter().map(|of| of["StreamArn"].as_str().unwrap()).collect();
    assert_eq!(arns, [arn.as_str(), second.as_str()]);
    // A table of the same name has nothing to do with them.
    let third = create(&rig, "Tab", "NEW_IMAGE").await;
    assert!(everything(&rig, &third).await.is_empty());
    rig.clock.turn_calendar(24 * HOUR + MINUTE);
    let refusal = rig.refused("DescribeStream", json!({ "StreamArn": arn })).await;
    let message = format!("Requested resource not found: Stream: {arn} not found");
    assert_eq!(code(&refusal), ("ResourceNotFoundException", message.as_str()));
    let listed = rig.done("ListStreams", json!({})).await;
    assert_eq!(listed["Streams"].as_array().unwrap().len(), 1);
    assert_eq!(listed["Streams"][0]["StreamArn"], third.as_str());
}

#[tokio::test]
async fn pages_of_streams_and_shards_follow_each_other() {
    let rig = Rig::in_memory();
    for name in ["Tab1", "Tab2", "Tab", "Tabs"] {
        create(&rig, name, "KEYS_ONLY").await;
    }
    rig.create_plain_table("Plain", false).await;
    let mut names = Vec::new();
    let mut body = json!({ "Limit": 1 });
    loop {
        let listed = rig.done("ListStreams", body.clone()).await;
        names.extend(listed["Streams"].as_array().unwrap().iter().map(|of| of["TableName"].clone()));
        if listed["LastEvaluatedStreamArn"].is_null() {
            break;
        }
        body["ExclusiveStartStreamArn"] = listed["LastEvaluatedStreamArn"].clone();
    }
    names.sort_by_key(|name| name.as_str().unwrap().to_owned());
    assert_eq!(names, ["Tab", "Tab1", "Tab2", "Tabs"]);
    let of_one = rig.done("ListStreams", json!({ "TableName": "Tab" })).await;
    assert_eq!(of_one["Streams"].as_array().unwrap().len(), 1);
    let none = rig.done("ListStreams", json!({ "TableName": "Plain" })).await;
    assert_eq!(none, json!({ "Streams": [] }));

    let arn = of_one["Streams"][0]["StreamArn"].as_str().unwrap();
    rig.clock.turn_calendar(9 * HOUR);
    let all = shards(&rig, arn).await;
    assert_eq!(all.len(), 3 * LANES);
    let mut paged = Vec::new();
    let mut body = json!({ "StreamArn": arn, "Limit": 5 });
    loop {
        let page = rig.done("DescribeStream", body.clone()).await["StreamDescription"].take();
        paged.extend(page["Shards"].as_array().unwrap().iter().cloned());
        if page["LastEvaluatedShardId"].is_null() {
            break;
        }
        assert_eq!(page["LastEvaluatedShardId"], paged.last().unwrap()["ShardId"]);
        body["ExclusiveStartShardId"] = page["LastEvaluatedShardId"].clone();
    }
    assert_eq!(paged, all);
    body["ExclusiveStartShardId"] = all.last().unwrap()["ShardId"].clone();
    assert_eq!(rig.done("DescribeStream", body).await["StreamDescription"]["Shards"], json!([]));
}

#[tokio::test]
async fn a_page_of_records_has_at_most_a_megabyte() {
    let rig = Rig::in_memory();
    let arn = create(&rig, "Tab", "NEW_IMAGE").await;
    for n in 0..7 {
        let blob = format!("{n}").repeat(300_000);
        let item = json!({ "pk": { "S": "k" }, "n": { "N": n.to_string() }, "blob": { "S": blob } });
        rig.done("PutItem", json!({ "TableName": "Tab", "Item": item })).await;
    }
    let mut sizes = Vec::new();
    let mut all = Vec::new();
    for shard in shards(&rig, &arn).await {
        let mut at = iterator(&rig, &arn, &shard, "TRIM_HORIZON", None).await;
        loop {
            let (records, next) = page(&rig, &at, 1000).await;
            if records.is_empty() {
                break;
            }
            sizes.push(records.len());
            all.extend(records);
            at = next.unwrap();
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(by_key(&all)["k"], [0, 1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn streams_and_iterators_outlive_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let rig = Rig::in_directory(directory.path());
    let old = create(&rig, "Tab", "NEW_IMAGE").await;
    put(&rig, "k", 0).await;
    switch(&rig, json!({ "StreamEnabled": false })).await;
    let arn = switch(&rig, json!({ "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" })).await;
    put(&rig, "k", 1).await;
    let before = shards(&rig, &arn).await;
    let mut iterators = Vec::new();
    for shard in &before {
        iterators.push(iterator(&rig, &arn, shard, "TRIM_HORIZON", None).await);
    }
    rig.close().await;

    let rig = Rig::in_directory(directory.path());
    assert_eq!(shards(&rig, &arn).await, before);
    put(&rig, "k", 2).await;
    let mut records = Vec::new();
    for iterator in iterators {
        records.extend(rest(&rig, iterator, 10).await.0);
    }
    assert_eq!(by_key(&records)["k"], [1, 2]);
    assert_eq!(by_key(&everything(&rig, &old).await)["k"], [0]);
    rig.done("DeleteTable", json!({ "TableName": "Tab" })).await;
    rig.close().await;

    // Neither stream has a table any more.
    let rig = Rig::in_directory(directory.path());
    assert_eq!(by_key(&everything(&rig, &arn).await)["k"], [1, 2]);
    assert_eq!(by_key(&everything(&rig, &old).await)["k"], [0]);
    rig.close().await;
}
