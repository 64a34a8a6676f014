//! What every application tries, as a user of this SDK would.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        RequestId,
        create_table::CreateTableError,
        describe_table::DescribeTableError,
        put_item::PutItemError,
        transact_write_items::TransactWriteItemsError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    primitives::Blob,
    types::{
        AttributeValue, DeleteRequest, Get, KeysAndAttributes, Put, PutRequest, ReturnConsumedCapacity,
        ReturnValue, ReturnValuesOnConditionCheckFailure, TableStatus, TransactGetItem, TransactWriteItem,
        Update, WriteRequest,
    },
};

use crate::shop::{BY_STATE, Item, ORDERS, Shop, item, key, keys, n, order, placed, s, with};

pub async fn tables(shop: Shop) {
    let others = ["a-first", "b-second", "z-last"];
    for table in others {
        shop.create_table(table).await;
    }
    let mut pages = shop.client.list_tables().into_paginator().page_size(1).send();
    let mut listed = Vec::new();
    while let Some(page) = pages.next().await {
        listed.push(page.unwrap().table_names.unwrap());
    }
    assert!(listed.iter().all(|names| names.len() <= 1), "{listed:?}");
    assert_eq!(listed.concat(), ["a-first", "b-second", ORDERS, "z-last"]);
    for table in others {
        shop.delete_table(table).await;
    }
    let table = shop.client.describe_table().table_name(ORDERS).send().await.unwrap().table.unwrap();
    assert_eq!(table.table_status, Some(TableStatus::Active));
    assert_eq!(table.key_schema, Some(keys("customer", "placed")));
    assert_eq!(table.global_secondary_indexes()[0].index_name(), Some(BY_STATE));
    assert_eq!(shop.client.list_tables().send().await.unwrap().table_names(), [ORDERS]);
}

pub async fn attribute_types(shop: Shop) {
    let bytes = |bytes: &[u8]| Blob::new(bytes);
    let mut kept = key("types", 1);
    kept.extend(item([
        ("binary", AttributeValue::B(bytes(&(0..=255).collect::<Vec<u8>>()))),
        ("binaries", AttributeValue::Bs(vec![bytes(&[0]), bytes(&[1, 2])])),
        ("empty", s("")),
        ("flag", AttributeValue::Bool(false)),
        ("letters", AttributeValue::Ss(vec!["a".into(), "ä".into()])),
        ("list", AttributeValue::L(vec![n(1), AttributeValue::L(vec![]), AttributeValue::Null(true)])),
        ("map", AttributeValue::M(item([("a.b", s("dotted")), ("nothing", AttributeValue::M(Item::new()))]))),
        ("numbers", AttributeValue::Ns(vec!["-1".into(), "2.5".into()])),
        ("precise", n("1234567890.1234567890123456789012345678")),
        ("text", s("quoted \"ümlaut\" \\ \n 🚲")),
    ]));
    shop.put(&kept).await;
    let mut found = shop.found("types", 1).await.unwrap();
    // Sets have no order.
    for value in found.values_mut() {
        match value {
            AttributeValue::Ss(set) | AttributeValue::Ns(set) => set.sort(),
            AttributeValue::Bs(set) => set.sort_by(|a, b| a.as_ref().cmp(b.as_ref())),
            _ => {}
        }
    }
    assert_eq!(found, kept);
}

pub async fn conditions(shop: Shop) {
    let first = order("conditions", 1);
    assert_eq!(shop.found("conditions", 1).await, None);
    let insert = shop.client.put_item().table_name(ORDERS).set_item(Some(first.clone()));
    let insert = insert.condition_expression("attribute_not_exists(customer)");
    insert.clone().send().await.unwrap();
    let refused = insert.send().await.unwrap_err();
    assert_eq!(refused.message(), Some("The conditional request failed"));
    assert!(refused.request_id().is_some_and(|id| id.len() == 52));
    let PutItemError::ConditionalCheckFailedException(failed) = refused.into_service_error() else {
        panic!("another error");
    };
    assert_eq!(failed.item, None);

    let pay = update(&shop, "conditions", "SET #s = :paid")
        .condition_expression("#s = :open AND cents BETWEEN :low AND :high")
        .expression_attribute_names("#s", "state")
        .expression_attribute_values(":paid", s("paid"))
        .expression_attribute_values(":open", s("open"))
        .expression_attribute_values(":low", n(5))
        .expression_attribute_values(":high", n(10))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    pay.clone().send().await.unwrap();
    let paid = with(first, "state", s("paid"));
    assert_eq!(shop.found("conditions", 1).await.as_ref(), Some(&paid));
    match pay.send().await.unwrap_err().into_service_error() {
        UpdateItemError::ConditionalCheckFailedException(failed) => assert_eq!(failed.item, Some(paid)),
        another => panic!("{another:?}"),
    }
}

pub async fn updates(shop: Shop) {
    let list = |texts: &[&str]| AttributeValue::L(texts.iter().map(|text| s(*text)).collect());
    let set = |texts: &[&str]| AttributeValue::Ss(texts.iter().map(|text| text.to_string()).collect());
    let grow = |text| {
        update(
            &shop,
            "updates",
            "SET #l = list_append(if_not_exists(#l, :none), :l) ADD seen :one, tags :tag",
        )
        .expression_attribute_names("#l", "log")
        .expression_attribute_values(":none", list(&[]))
        .expression_attribute_values(":l", list(&[text]))
        .expression_attribute_values(":one", n(1))
        .expression_attribute_values(":tag", set(&[text]))
    };
    let once = item([("log", list(&["x"])), ("seen", n(1)), ("tags", set(&["x"]))]);
    let new = grow("x").return_values(ReturnValue::UpdatedNew).send().await.unwrap();
    assert_eq!(new.attributes.as_ref(), Some(&once));
    assert_eq!(shop.found("updates", 1).await.unwrap()["seen"], n(1));
    let old = grow("y").return_values(ReturnValue::UpdatedOld).send().await.unwrap();
    assert_eq!(old.attributes, Some(once));
    let shrunk = update(&shop, "updates", "REMOVE #l[0] DELETE tags :tags SET seen = seen - :half")
        .expression_attribute_names("#l", "log")
        .expression_attribute_values(":tags", set(&["x", "never"]))
        .expression_attribute_values(":half", n("0.5"))
        .return_values(ReturnValue::AllNew);
    let shrunk = shrunk.send().await.unwrap().attributes.unwrap();
    let mut left = key("updates", 1);
    left.extend(item([("log", list(&["y"])), ("seen", n(1.5)), ("tags", set(&["y"]))]));
    assert_eq!(shrunk, left);
    assert_eq!(shop.found("updates", 1).await, Some(shrunk));
    let delete = shop.client.delete_item().table_name(ORDERS).set_key(Some(key("updates", 1)));
    let gone = delete.return_values(ReturnValue::AllOld).send().await.unwrap();
    assert_eq!(gone.attributes, Some(left));
    assert_eq!(shop.found("updates", 1).await, None);
}

/// An update of the customer's first order.
fn update(shop: &Shop, customer: &str, expression: &str) -> UpdateItemFluentBuilder {
    let update = shop.client.update_item().table_name(ORDERS).set_key(Some(key(customer, 1)));
    update.update_expression(expression)
}

pub async fn queries(shop: Shop) {
    let all = shop.fill("queries", 12).await;
    let ours = shop
        .client
        .query()
        .table_name(ORDERS)
        .key_condition_expression("customer = :c AND placed >= :from")
        .expression_attribute_values(":c", s("queries"))
        .expression_attribute_values(":from", n(2));
    let mut pages = ours.clone().into_paginator().page_size(4).send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.push(page.unwrap().items.unwrap());
    }
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
    assert_eq!(found.concat(), all[2..]);
    let flat = ours.clone().into_paginator().page_size(3).items().send();
    assert_eq!(flat.collect::<Result<Vec<_>, _>>().await.unwrap(), all[2..]);

    let backwards = ours
        .filter_expression("#s = :open")
        .expression_attribute_names("#s", "state")
        .expression_attribute_values(":open", s("open"))
        .projection_expression("cents")
        .scan_index_forward(false)
        .limit(3);
    let backwards = backwards.send().await.unwrap();
    assert_eq!(backwards.items(), [item([("cents", n(110))]), item([("cents", n(90))])]);
    assert_eq!((backwards.count, backwards.scanned_count), (2, 3));
    assert_eq!(backwards.last_evaluated_key, Some(key("queries", 9)));

    let lost = with(order("queries", 50), "state", s("lost"));
    shop.put(&lost).await;
    let by_state = shop
        .client
        .query()
        .table_name(ORDERS)
        .index_name(BY_STATE)
        .key_condition_expression("#s = :lost")
        .expression_attribute_names("#s", "state")
        .expression_attribute_values(":lost", s("lost"))
        .return_consumed_capacity(ReturnConsumedCapacity::Indexes);
    let by_state = by_state.send().await.unwrap();
    assert_eq!(by_state.items(), [lost]);
    let capacity = by_state.consumed_capacity.unwrap().global_secondary_indexes.unwrap();
    assert_eq!(capacity[BY_STATE].capacity_units, Some(0.5));
}

pub async fn scans(shop: Shop) {
    let mut expected = shop.fill("scans", 30).await;
    let scan = shop
        .client
        .scan()
        .table_name(ORDERS)
        .filter_expression("begins_with(customer, :ours)")
        .expression_attribute_values(":ours", s("scans"));
    expected.sort_by_key(placed);
    let mut pages = scan.clone().into_paginator().page_size(7).send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.scanned_count <= 7);
        found.extend(page.items.unwrap());
    }
    found.sort_by_key(placed);
    assert_eq!(found, expected);
    let mut found = Vec::new();
    for segment in 0..3 {
        let part =
            scan.clone().segment(segment).total_segments(3).into_paginator().page_size(5).items().send();
        found.extend(part.collect::<Result<Vec<_>, _>>().await.unwrap());
    }
    found.sort_by_key(placed);
    assert_eq!(found, expected);
}

pub async fn batches(shop: Shop) {
    let mut all = shop.fill("batches", 26).await;
    let keys = [0, 7, 25, 99].map(|placed| key("batches", placed)).to_vec();
    let read = async || {
        let keys = KeysAndAttributes::builder().set_keys(Some(keys.clone())).build().unwrap();
        let answer = shop.client.batch_get_item().request_items(ORDERS, keys).send().await.unwrap();
        assert_eq!(answer.unprocessed_keys, Some(HashMap::new()));
        let mut found = answer.responses.unwrap().remove(ORDERS).unwrap();
        found.sort_by_key(placed);
        found
    };
    for _ in 0..2 {
        assert_eq!(read().await, [all[0].clone(), all[7].clone(), all[25].clone()]);
    }
    all[7] = with(all[7].clone(), "cents", n(1));
    let delete = DeleteRequest::builder().set_key(Some(key("batches", 0))).build().unwrap();
    let put = PutRequest::builder().set_item(Some(all[7].clone())).build().unwrap();
    let requests = vec![
        WriteRequest::builder().delete_request(delete).build(),
        WriteRequest::builder().put_request(put).build(),
    ];
    shop.client.batch_write_item().request_items(ORDERS, requests).send().await.unwrap();
    assert_eq!(read().await, [all[7].clone(), all[25].clone()]);
}

pub async fn transactions(shop: Shop) {
    let (first, second) = (order("transactions", 1), order("transactions", 2));
    shop.put(&first).await;
    let pay = Update::builder()
        .table_name(ORDERS)
        .set_key(Some(key("transactions", 1)))
        .update_expression("SET #s = :paid")
        .condition_expression("#s = :open")
        .expression_attribute_names("#s", "state")
        .expression_attribute_values(":paid", s("paid"))
        .expression_attribute_values(":open", s("open"))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let pay = TransactWriteItem::builder().update(pay.build().unwrap()).build();
    let insert = Put::builder().table_name(ORDERS).set_item(Some(second.clone())).build().unwrap();
    let insert = TransactWriteItem::builder().put(insert).build();
    let write = |token: &str, items: &[TransactWriteItem]| {
        let write = shop.client.transact_write_items().set_transact_items(Some(items.to_vec()));
        write.client_request_token(token).send()
    };
    for _ in 0..2 {
        write("rust-once-only", &[pay.clone(), insert.clone()]).await.unwrap();
    }
    let paid = with(first, "state", s("paid"));
    assert_eq!(shop.found("transactions", 1).await.as_ref(), Some(&paid));
    let another =
        write("rust-once-only", std::slice::from_ref(&insert)).await.unwrap_err().into_service_error();
    assert!(another.is_idempotent_parameter_mismatch_exception(), "{another:?}");

    let cancelled = write("rust-cancelled", &[insert, pay]).await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = cancelled else {
        panic!("{cancelled:?}");
    };
    let reasons = cancelled.cancellation_reasons();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!(reasons[1].item.as_ref(), Some(&paid));

    let get = |placed| {
        let get = Get::builder().table_name(ORDERS).set_key(Some(key("transactions", placed)));
        TransactGetItem::builder().get(get.build().unwrap()).build()
    };
    let gets = shop.client.transact_get_items().set_transact_items(Some([2, 3, 1].map(get).to_vec()));
    let answers = gets.send().await.unwrap().responses.unwrap();
    let found: Vec<_> = answers.into_iter().map(|answer| answer.item).collect();
    assert_eq!(found, [Some(second), None, Some(paid)]);
}

pub async fn errors(shop: Shop) {
    let nobody = shop.client.describe_table().table_name("nobody").send().await.unwrap_err();
    assert_eq!(nobody.message(), Some("Requested resource not found: Table: nobody not found"));
    let nobody = nobody.into_service_error();
    assert!(matches!(nobody, DescribeTableError::ResourceNotFoundException(_)), "{nobody:?}");
    let again = shop.definition(ORDERS).send().await.unwrap_err().into_service_error();
    assert!(matches!(again, CreateTableError::ResourceInUseException(_)), "{again:?}");
    let wrong = with(key("errors", 1), "placed", s("not a number"));
    let refused = shop.client.get_item().table_name(ORDERS).set_key(Some(wrong)).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ValidationException"));
    assert_eq!(refused.message(), Some("The provided key element does not match the schema"));
    let SdkError::ServiceError(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.raw().status().as_u16(), 400);
}
