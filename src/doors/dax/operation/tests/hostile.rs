//! Requests that are made to cost much.

use dax_wire::Writer;

use super::*;

/// What comes of a request for tables with the key `pk`, a string, all of which know the list 2 of one name: the reply,
/// and how often the stack was asked.
async fn outcome(method: Method, arguments: &[u8]) -> (String, usize) {
    let origin = Scripted::new(|call: Call| {
        let reply = match call.target().word() {
            "DescribeTable" => {
                let description = json!({ "Table": {
                    "TableName": "T", "TableStatus": "ACTIVE",
                    "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
                    "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
                }});
                origin_reply(200, description.to_string())
            }
            _ => {
                origin_reply(400, json!({ "__type": "ThrottlingException", "message": "asked" }).to_string())
            }
        };
        std::future::ready(Ok(reply)).boxed()
    });
    let lists =
        crate::attribute_lists::AttributeLists::holding([(2, Arc::from([Box::from("v")]))].into_iter());
    let lists = Arc::new(SharedLists::alone(lists));
    let operations = Operations::new(origin.clone(), lists, Clock::start(), Drain::new());
    let reply = operations.answer(asked(method, arguments)).await;
    let asked = origin.asked(method.operation().unwrap()).len();
    (String::from_utf8_lossy(&reply.message).into_owned(), asked)
}

async fn check(method: Method, arguments: &[u8], expected: &str) {
    let (message, asked) = outcome(method, arguments).await;
    assert!(message.contains(expected), "{}: {message}", method.name());
    assert_eq!(asked, usize::from(expected == "asked"), "{}", method.name());
}

fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::new();
    write(&mut out);
    out.into_bytes()
}

/// `batchWriteItem` of so many tables, each with so many deletes.
fn batch(tables: usize, deletes: usize) -> Vec<u8> {
    written(|out| {
        out.map(tables);
        for table in 0..tables {
            out.text(&format!("{table:x}"));
            out.array(2 * deletes);
            for _ in 0..deletes {
                out.bytes(b"k");
                out.null();
            }
        }
        out.null();
    })
}

/// `transactWriteItems` of so many deletes.
fn transaction(deletes: usize) -> Vec<u8> {
    written(|out| {
        out.array(deletes);
        (0..deletes).for_each(|_| out.int(7));
        for text in [b"T", b"k"] {
            out.array(deletes);
            (0..deletes).for_each(|_| out.bytes(text));
        }
        (0..6).for_each(|_| out.null());
    })
}

#[tokio::test]
async fn what_is_a_little_too_many_is_for_the_stack_to_refuse_and_what_is_absurd_is_refused_at_once() {
    for (tables, deletes) in [(26, 1), (1, 26), (101, 1), (1, 100)] {
        check(Method::BatchWriteItem, &batch(tables, deletes), "asked").await;
    }
    check(Method::TransactWriteItems, &transaction(101), "asked").await;
    // A mebibyte of nothing; that each table is another one is not found out by comparing each with each.
    check(Method::BatchWriteItem, &batch(170_000, 0), "more than 200 elements").await;
    check(Method::BatchWriteItem, &batch(1, 300_000), "more than 200 elements").await;
    check(Method::TransactWriteItems, &transaction(1_000_000), "more than 200 elements").await;
    let get = written(|out| {
        out.map(1);
        out.text("T");
        out.array(3);
        out.bool(false);
        out.null();
        out.array(1_000_000);
        (0..1_000_000).for_each(|_| out.bytes(b""));
        out.null();
    });
    check(Method::BatchGetItem, &get, "more than 200 elements").await;
}

/// A list of so many times `each`.
fn list(count: usize, each: &[u8]) -> Vec<u8> {
    [&[0x9f], &*each.repeat(count), &[0xff]].concat()
}

#[tokio::test]
async fn values_that_take_far_more_memory_than_bytes_are_refused_while_they_are_read() {
    let blob = |value: &[u8]| [&[2], value].concat();
    let put = |value: &[u8], condition: Option<&[u8]>| {
        written(|out| {
            out.bytes(b"T");
            out.bytes(b"k");
            out.bytes(&blob(value));
            out.map(condition.iter().count());
            if let Some(condition) = condition {
                out.int(4);
                out.bytes(condition);
            }
        })
    };
    check(Method::PutItem, &put(&list(200_000, b"\xf6"), None), "asked").await;
    let too_large = "Item size has exceeded the maximum allowed size";
    check(Method::PutItem, &put(&list(16_000_000, b"\xf6"), None), too_large).await;
    // `pk = :v`, with a value that no item has.
    let condition = |values: &[u8]| [b"\x83\x01\x83\x00\x82\x12\x62pk\x82\x11\x00", values].concat();
    let of_one = condition(&[&[0x81], &*list(16_000_000, b"\xf6")].concat());
    check(Method::PutItem, &put(b"\xf6", Some(&of_one)), "more values than a request can have").await;
    let many = condition(&[&[0x9a, 0, 0xe0, 0, 0], &*vec![0xf6; 0xe0_0000]].concat());
    check(Method::PutItem, &put(b"\xf6", Some(&many)), "operators and operands").await;
    let puts = written(|out| {
        out.map(1);
        out.text("T");
        out.array(200);
        for _ in 0..100 {
            out.bytes(b"k");
            out.bytes(&blob(&list(60_000, b"\xf6")));
        }
        out.null();
    });
    check(Method::BatchWriteItem, &puts, "more values than a request can have").await;
}
