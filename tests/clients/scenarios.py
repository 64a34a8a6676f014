"""What clients do. Each scenario runs on every way, and asserts only what every server must answer;
that the answers of linac are the server's own is for the test to see."""

import json
from decimal import Decimal

from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError

from script import in_order
from tables import ORDERS, PATIENCE, PRODUCTS, create, order, order_key, product_key

CUSTOMERS = ("ada", "bob", "eve")


def orders(s, count: int = 6):
    """The table of orders, with `count` orders of each customer."""
    create(s.client, "orders", ORDERS)
    for customer in CUSTOMERS:
        puts = [{"PutRequest": {"Item": order(customer, placed)}} for placed in range(count)]
        s.ask(s.client.batch_write_item, RequestItems={"orders": puts})


def tables(s):
    s.ask(s.client.create_table, TableName="orders", **ORDERS)
    s.client.get_waiter("table_exists").wait(TableName="orders", WaiterConfig=PATIENCE)
    s.ask(s.client.describe_table, TableName="orders")
    s.refused("ResourceInUseException", s.client.create_table, TableName="orders", **ORDERS)
    create(s.client, "products", PRODUCTS)
    pages = list(s.client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 1}))
    s.note("pages of tables", pages)
    assert [name for page in pages for name in page["TableNames"]] == ["orders", "products"]
    for table in ("orders", "products"):
        s.ask(s.client.delete_table, TableName=table)
        s.client.get_waiter("table_not_exists").wait(TableName=table, WaiterConfig=PATIENCE)
        s.refused("ResourceNotFoundException", s.client.describe_table, TableName=table)
        s.refused("ResourceNotFoundException", s.client.get_item, TableName=table, Key=product_key(1))


def items(s):
    create(s.client, "orders", ORDERS)
    here = {"TableName": "orders", "Key": order_key("ada", 1)}
    assert "Item" not in s.ask_twice(s.client.get_item, **here)
    s.ask(s.client.put_item, TableName="orders", Item=order("ada", 1), ReturnConsumedCapacity="INDEXES")
    assert s.ask_twice(s.client.get_item, **here)["Item"] == order("ada", 1)
    assert s.ask(s.client.get_item, **here, ConsistentRead=True)["Item"] == order("ada", 1)
    replaced = order("ada", 1, note={"S": "second"})
    old = s.ask(s.client.put_item, TableName="orders", Item=replaced, ReturnValues="ALL_OLD")
    assert old["Attributes"] == order("ada", 1)
    assert s.ask_twice(s.client.get_item, **here)["Item"] == replaced
    s.ask(s.client.delete_item, **here, ReturnValues="ALL_OLD")
    assert "Item" not in s.ask_twice(s.client.get_item, **here)
    s.ask(s.client.delete_item, **here)


def attribute_types(s):
    create(s.client, "products", PRODUCTS)
    item = product_key(1) | {
        "binary": {"B": bytes(range(256))},
        "binaries": {"BS": [b"\x00", b"\xff"]},
        "empty": {"S": ""},
        "flag": {"BOOL": False},
        "letters": {"SS": ["b", "a", "ä"]},
        "list": {"L": [{"N": "1"}, {"L": []}, {"M": {"deep": {"NULL": True}}}]},
        "map": {"M": {"a.b": {"S": "dotted"}, "nothing": {"M": {}}}},
        "numbers": {"NS": ["3", "-1", "2.5"]},
        "precise": {"N": "1234567890.1234567890123456789012345678"},
        "text": {"S": 'quoted "ümlaut" \\ \n 🚲'},
    }
    s.ask(s.client.put_item, TableName="products", Item=item)
    s.ask_twice(s.client.get_item, TableName="products", Key=product_key(1))
    for sku, number in enumerate(["0", "-0.5", "1E+20", "1e-20", "100000000000000000000", "007", "1.10"], 2):
        s.ask(s.client.put_item, TableName="products", Item=product_key(sku) | {"n": {"N": number}})
        s.ask_twice(s.client.get_item, TableName="products", Key=product_key(sku))


def large_items(s):
    create(s.client, "products", PRODUCTS)
    for sku, size in enumerate([1_000, 70_000, 200_000, 400_000]):
        item = product_key(sku) | {"text": {"S": text_of(size)}}
        s.ask(s.client.put_item, TableName="products", Item=item)
        assert s.ask_twice(s.client.get_item, TableName="products", Key=product_key(sku))["Item"] == item
    batch = [product_key(sku) | {"text": {"S": text_of(200_000 + sku)}} for sku in range(25)]
    puts = [{"PutRequest": {"Item": item}} for item in batch]
    s.ask(s.client.batch_write_item, RequestItems={"products": puts})
    s.ask(s.client.scan, TableName="products", Select="COUNT")
    for item in batch:
        found = s.ask_twice(s.client.get_item, TableName="products", Key={"sku": item["sku"]})
        assert found["Item"] == item
    # dynalite answers up to a megabyte, and leaves the rest as unprocessed in no order.
    keys = [product_key(sku) for sku in range(4)]
    s.ask_twice(s.client.batch_get_item, RequestItems={"products": {"Keys": keys}})


def text_of(size: int) -> str:
    """A text in which no part can be missing unnoticed."""
    return "".join(f"{place:>9}," for place in range(size // 10))


def projections(s):
    create(s.client, "orders", ORDERS)
    parts = {"L": [{"M": {"sku": {"N": str(sku)}, "name": {"S": f"p{sku}"}}} for sku in range(3)]}
    address = {"M": {"city": {"S": "Ulm"}, "street.name": {"S": "Am Bach"}}}
    s.ask(s.client.put_item, TableName="orders", Item=order("ada", 1, parts=parts, address=address))
    here = {"TableName": "orders", "Key": order_key("ada", 1)}
    names = {"#s": "state", "#a": "address", "#d": "street.name"}
    s.ask_twice(s.client.get_item, **here)
    for projection, used in [
        ("cents", ()),
        ("customer, #s, cents", ("#s",)),
        ("parts[1].sku", ()),
        ("parts[0], parts[2].#s", ("#s",)),
        ("#a.#d, #a.city", ("#a", "#d")),
        ("nobody.here[3].either", ()),
    ]:
        placeholders = {"ExpressionAttributeNames": {name: names[name] for name in used}} if used else {}
        s.ask_twice(s.client.get_item, **here, ProjectionExpression=projection, **placeholders)
    # moto overlooks AttributesToGet.
    if s.way.vendor != "moto":
        s.ask_twice(s.client.get_item, **here, AttributesToGet=["cents", "address", "absent"])


def conditions(s):
    create(s.client, "orders", ORDERS)
    here = {"TableName": "orders", "Key": order_key("ada", 1)}
    absent = {"ConditionExpression": "attribute_not_exists(customer)"}
    pay = {
        "UpdateExpression": "SET #s = :paid",
        "ConditionExpression": "#s = :open",
        "ExpressionAttributeNames": {"#s": "state"},
        "ExpressionAttributeValues": {":paid": {"S": "paid"}, ":open": {"S": "open"}},
    }
    failed = "ConditionalCheckFailedException"
    s.refused(failed, s.client.update_item, **here, **pay)
    s.ask(s.client.put_item, TableName="orders", Item=order("ada", 1), **absent)
    s.ask_twice(s.client.get_item, **here)
    s.refused(failed, s.client.put_item, TableName="orders", Item=order("ada", 1, note={"S": "no"}), **absent)
    assert s.ask(s.client.get_item, **here)["Item"] == order("ada", 1)
    s.ask(s.client.update_item, **here, **pay, ReturnValues="ALL_NEW")
    assert s.ask_twice(s.client.get_item, **here)["Item"]["state"] == {"S": "paid"}
    s.refused(failed, s.client.update_item, **here, **pay, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    s.refused(failed, s.client.delete_item, **here, **absent)
    assert "Item" in s.ask_twice(s.client.get_item, **here)


def updates(s):
    create(s.client, "orders", ORDERS)
    here = {"TableName": "orders", "Key": order_key("ada", 1)}
    for returned in ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"):
        s.ask(
            s.client.update_item,
            **here,
            UpdateExpression="ADD seen :one, tags :tag "
            "SET latest = :how, #l = list_append(if_not_exists(#l, :none), :l)",
            ExpressionAttributeNames={"#l": "log"},
            ExpressionAttributeValues={
                ":one": {"N": "1"},
                ":tag": {"SS": [returned]},
                ":how": {"S": returned},
                ":l": {"L": [{"S": returned}]},
                ":none": {"L": []},
            },
            ReturnValues=returned,
        )
        assert s.ask_twice(s.client.get_item, **here)["Item"]["latest"] == {"S": returned}
    s.ask(
        s.client.update_item,
        **here,
        UpdateExpression="REMOVE #l[1], latest DELETE tags :tags",
        ExpressionAttributeNames={"#l": "log"},
        ExpressionAttributeValues={":tags": {"SS": ["NONE", "ALL_NEW"]}},
    )
    item = s.ask_twice(s.client.get_item, **here)["Item"]
    assert item["seen"] == {"N": "5"} and len(item["log"]["L"]) == 4 and "latest" not in item


def queries(s):
    orders(s)
    of_ada = {
        "TableName": "orders",
        "KeyConditionExpression": "customer = :c",
        "ExpressionAttributeValues": {":c": {"S": "ada"}},
    }
    assert s.ask_twice(s.client.query, **of_ada)["Count"] == 6
    s.ask(s.client.query, **of_ada, ScanIndexForward=False, ProjectionExpression="placed, cents")
    # Strongly on both ways: linac reads strongly what was written just now, and says what that consumed.
    s.ask(s.client.query, **of_ada, Select="COUNT", ReturnConsumedCapacity="TOTAL", ConsistentRead=True)
    first = s.ask(s.client.query, **of_ada, Limit=4)
    rest = s.ask(s.client.query, **of_ada, ExclusiveStartKey=first["LastEvaluatedKey"], ConsistentRead=True)
    assert first["Count"] + rest["Count"] == 6
    between = {
        "TableName": "orders",
        "KeyConditionExpression": "customer = :c AND placed BETWEEN :from AND :to",
        "FilterExpression": "#s = :open AND cents > :cents",
        "ExpressionAttributeNames": {"#s": "state"},
        "ExpressionAttributeValues": {
            ":c": {"S": "bob"},
            ":from": {"N": "1"},
            ":to": {"N": "5"},
            ":open": {"S": "open"},
            ":cents": {"N": "20"},
        },
    }
    answer = s.ask(s.client.query, **between)
    assert (answer["Count"], answer["ScannedCount"]) == (2, 5)
    # One customer alone has several lost orders: their order in the index is certain.
    s.ask(
        s.client.update_item,
        TableName="orders",
        Key=order_key("eve", 1),
        UpdateExpression="SET #s = :lost",
        ExpressionAttributeNames={"#s": "state"},
        ExpressionAttributeValues={":lost": {"S": "lost"}},
    )
    for placed in (7, 8, 9):
        s.ask(s.client.put_item, TableName="orders", Item=order("ada", placed) | {"state": {"S": "lost"}})
    lost = {
        "TableName": "orders",
        "IndexName": "by-state",
        "KeyConditionExpression": "#s = :lost AND cents >= :least",
        "ExpressionAttributeNames": {"#s": "state"},
        "ExpressionAttributeValues": {":lost": {"S": "lost"}, ":least": {"N": "10"}},
    }
    assert s.ask(s.client.query, **lost, ScanIndexForward=False)["Count"] == 4
    pages = list(s.client.get_paginator("query").paginate(**lost, PaginationConfig={"PageSize": 3}))
    s.note("pages of the index", pages)
    assert [page["Count"] for page in pages] == [3, 1]


def scans(s):
    orders(s, count=10)
    segments = [
        page["Items"]
        for segment in range(4)
        for page in s.client.get_paginator("scan").paginate(
            TableName="orders", Segment=segment, TotalSegments=4, PaginationConfig={"PageSize": 5}
        )
    ]
    union = [item for page in segments for item in page]
    s.note("the segments together", {"Responses": {"orders": union}})
    assert len(union) == 30
    whole = s.client.scan(TableName="orders")["Items"]
    s.note("the whole", {"Responses": {"orders": whole}})
    assert in_order(union) == in_order(whole)
    s.ask(s.client.scan, TableName="orders", Select="COUNT")
    s.ask(
        s.client.scan,
        TableName="orders",
        IndexName="by-state",
        FilterExpression="cents = :t AND customer = :c",
        ExpressionAttributeValues={":t": {"N": "30"}, ":c": {"S": "eve"}},
    )


def batches(s):
    create(s.client, "products", PRODUCTS)
    orders(s)
    s.ask(
        s.client.batch_write_item,
        RequestItems={
            "products": [
                {"PutRequest": {"Item": product_key(sku) | {"name": {"S": f"p{sku}"}}}} for sku in range(5)
            ],
            "orders": [{"DeleteRequest": {"Key": order_key("ada", placed)}} for placed in (0, 2)],
        },
    )
    keys = {
        "orders": {"Keys": [order_key("ada", placed) for placed in range(4)]},
        "products": {
            "Keys": [product_key(sku) for sku in (1, 4, 77)],
            "ProjectionExpression": "#n",
            "ExpressionAttributeNames": {"#n": "name"},
        },
    }
    answer = s.ask_twice(s.client.batch_get_item, RequestItems=keys)
    assert {table: len(found) for table, found in answer["Responses"].items()} == {"orders": 2, "products": 2}
    s.ask(s.client.get_item, TableName="products", Key=product_key(2))
    keys["products"]["Keys"].append(product_key(2))
    s.ask_twice(s.client.batch_get_item, RequestItems=keys)
    keys["products"]["ConsistentRead"] = True
    s.ask(s.client.batch_get_item, RequestItems=keys)


def transactions(s):
    create(s.client, "products", PRODUCTS)
    create(s.client, "orders", ORDERS)
    sell = {
        "Update": {
            "TableName": "products",
            "Key": product_key(1),
            "UpdateExpression": "SET stock = stock - :one",
            "ConditionExpression": "stock >= :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }

    def buy(placed):
        return {"Put": {"TableName": "orders", "Item": order("ada", placed)}}

    for key in (product_key(1), product_key(2)):
        s.ask(s.client.put_item, TableName="products", Item=key | {"stock": {"N": "1"}})
    s.ask_twice(s.client.get_item, TableName="products", Key=product_key(1))
    s.ask_twice(s.client.get_item, TableName="orders", Key=order_key("ada", 1))
    s.ask(s.client.transact_write_items, TransactItems=[sell, buy(1)])
    assert s.ask_twice(s.client.get_item, TableName="products", Key=product_key(1))["Item"]["stock"] == {
        "N": "0"
    }
    assert "Item" in s.ask_twice(s.client.get_item, TableName="orders", Key=order_key("ada", 1))
    cancelled = s.refused(
        "TransactionCanceledException", s.client.transact_write_items, TransactItems=[sell, buy(2)]
    )
    assert [reason["Code"] for reason in cancelled["CancellationReasons"]] == [
        "ConditionalCheckFailed",
        "None",
    ]
    assert "Item" not in s.ask_twice(s.client.get_item, TableName="orders", Key=order_key("ada", 2))
    there = [
        {"Get": {"TableName": "orders", "Key": order_key("ada", 1), "ProjectionExpression": "cents"}},
        {"Get": {"TableName": "products", "Key": product_key(77)}},
        {"Get": {"TableName": "products", "Key": product_key(2)}},
    ]
    s.ask_twice(s.client.transact_get_items, TransactItems=there)
    s.ask(
        s.client.transact_write_items,
        TransactItems=[
            {"Delete": {"TableName": "orders", "Key": order_key("ada", 1)}},
            {
                "ConditionCheck": {
                    "TableName": "products",
                    "Key": product_key(2),
                    "ConditionExpression": "attribute_exists(sku)",
                }
            },
        ],
    )
    assert "Item" not in s.ask_twice(s.client.get_item, TableName="orders", Key=order_key("ada", 1))


def partiql(s):
    create(s.client, "orders", ORDERS)
    run = s.client.execute_statement
    here = {"TableName": "orders", "Key": order_key("ada", 1)}
    ada = [{"S": "ada"}, {"N": "1"}]
    where = "WHERE customer = ? AND placed = ?"
    s.ask_twice(s.client.get_item, **here)
    # moto fails on parameters in an INSERT.
    s.ask(run, Statement="INSERT INTO orders VALUE {'customer': 'ada', 'placed': 1, 'cents': 5}")
    assert s.ask_twice(s.client.get_item, **here)["Item"]["cents"] == {"N": "5"}
    s.ask_twice(run, Statement=f'SELECT * FROM "orders" {where}', Parameters=ada)
    s.ask(run, Statement=f'UPDATE "orders" SET cents = ? {where}', Parameters=[{"N": "6"}, *ada])
    assert s.ask_twice(s.client.get_item, **here)["Item"]["cents"] == {"N": "6"}
    many = [{"Statement": f'SELECT cents FROM "orders" {where}', "Parameters": ada}]
    s.ask(s.client.batch_execute_statement, Statements=many)


def partiql_delete(s):
    # On a table of its own: moto answers 500, and what that may have written is in doubt for a while.
    create(s.client, "receipts", ORDERS)
    here = {"TableName": "receipts", "Key": order_key("ada", 1)}
    s.ask(s.client.put_item, TableName="receipts", Item=order("ada", 1))
    s.ask_twice(s.client.get_item, **here)
    s.ask(
        s.client.execute_statement, Statement="DELETE FROM \"receipts\" WHERE customer = 'ada' AND placed = 1"
    )
    assert "Item" not in s.ask_twice(s.client.get_item, **here)


def resources(s):
    """boto3's Table, which speaks Python's own types."""
    s.resource.create_table(TableName="orders", **ORDERS)
    table = s.resource.Table("orders")
    table.wait_until_exists(WaiterConfig=PATIENCE)
    s.note(
        "attributes", [table.table_status, table.key_schema, table.global_secondary_indexes[0]["IndexName"]]
    )
    item = {
        "customer": "ada",
        "placed": 1,
        "cents": Decimal("9.90"),
        "tags": {"a", "b"},
        "blob": Binary(b"\x00"),
    }
    s.ask(table.put_item, Item=item)
    key = {"customer": "ada", "placed": 1}
    assert s.ask_twice(table.get_item, Key=key)["Item"] == item
    raise_price = {"UpdateExpression": "ADD cents :t", "ExpressionAttributeValues": {":t": Decimal("0.10")}}
    s.ask(table.update_item, Key=key, **raise_price, ReturnValues="UPDATED_NEW")
    assert s.ask_twice(table.get_item, Key=key)["Item"]["cents"] == 10
    s.refused(
        "ConditionalCheckFailedException", table.put_item, Item=item, ConditionExpression=Attr("cents").lt(10)
    )
    with table.batch_writer() as batch:
        for placed in range(2, 60):
            batch.put_item(Item={"customer": "ada", "placed": placed, "cents": placed, "state": "open"})
        batch.delete_item(Key=key)
    found = s.ask(
        table.query,
        KeyConditionExpression=Key("customer").eq("ada") & Key("placed").lte(20),
        FilterExpression=Attr("cents").between(5, 10),
    )
    assert found["Count"] == 6
    state_is_open = Key("state").eq("open")
    assert (
        s.ask(table.query, IndexName="by-state", KeyConditionExpression=state_is_open, Limit=7)["Count"] == 7
    )
    assert (
        s.ask(table.scan, FilterExpression=Attr("placed").gte(50), ProjectionExpression="cents")["Count"]
        == 10
    )
    keys = [{"customer": "ada", "placed": placed} for placed in (2, 3, 99)]
    s.ask_twice(s.resource.batch_get_item, RequestItems={"orders": {"Keys": keys}})
    s.ask(table.delete)
    table.wait_until_not_exists(WaiterConfig=PATIENCE)


def command_line(s):
    table = ("--table-name", "orders")
    definition = ORDERS | {"TableName": "orders"}
    s.cli("create-table", "--cli-input-json", json.dumps(definition))
    s.cli("wait", "table-exists", *table)
    s.cli("describe-table", *table)
    key = ("--key", json.dumps(order_key("ada", 1)))
    s.cli("put-item", *table, "--item", json.dumps(order("ada", 1)))
    for _ in "twice":
        assert s.cli("get-item", *table, *key)["Item"] == order("ada", 1)
    names = ("--expression-attribute-names", '{"#s": "state"}')
    values = ("--expression-attribute-values", '{":paid": {"S": "paid"}, ":open": {"S": "open"}}')
    pay = ("--update-expression", "SET #s = :paid", "--condition-expression", "#s = :open", *names, *values)
    s.cli("update-item", *table, *key, *pay, "--return-values", "ALL_NEW")
    s.cli("update-item", *table, *key, *pay, fails="ConditionalCheckFailedException")
    assert s.cli("get-item", *table, *key)["Item"]["state"] == {"S": "paid"}
    puts = [{"PutRequest": {"Item": order("bob", placed)}} for placed in range(5)]
    s.cli("batch-write-item", "--request-items", json.dumps({"orders": puts}))
    of_bob = (
        "--key-condition-expression",
        "customer = :c",
        "--expression-attribute-values",
        '{":c": {"S": "bob"}}',
    )
    assert s.cli("query", *table, *of_bob, "--page-size", "2")["Count"] == 5
    page = s.cli("query", *table, *of_bob, "--max-items", "3")
    s.cli("query", *table, *of_bob, "--starting-token", page["NextToken"])
    segments = [
        s.cli("scan", *table, "--segment", str(segment), "--total-segments", "2", "--select", "COUNT")[
            "Count"
        ]
        for segment in range(2)
    ]
    assert sum(segments) == 6
    s.cli("delete-item", *table, *key, "--return-values", "ALL_OLD")
    s.cli("get-item", *table, *key)
    s.cli("list-tables")
    s.cli("delete-table", *table)
    s.cli("wait", "table-not-exists", *table)
    s.cli("get-item", *table, *key, fails="ResourceNotFoundException")


def slips(s):
    """What clients get wrong. Which of it a server notices is its own affair."""
    create(s.client, "orders", ORDERS)
    s.ask(s.client.put_item, TableName="orders", Item=order("ada", 1))
    here = {"TableName": "orders", "Key": order_key("ada", 1)}
    s.ask_twice(s.client.get_item, **here)
    get, put, update = s.client.get_item, s.client.put_item, s.client.update_item
    text_for_number = {"customer": {"S": "ada"}, "placed": {"S": "1"}}
    one = {":one": {"N": "1"}}
    for operation, request in [
        (get, here | {"Key": {}}),
        (get, here | {"Key": {"customer": {"S": "ada"}}}),
        (get, here | {"Key": order_key("", 1)}),
        (get, here | {"Key": text_for_number}),
        (get, here | {"Key": order_key("ada", 1) | {"cents": {"N": "10"}}}),
        (get, here | {"Key": {"customer": {"S": "ada"}, "when": {"N": "1"}}}),
        (get, here | {"Key": {"customer": {"S": "ada"}, "placed": {"N": "one"}}}),
        (get, here | {"Key": {"customer": {"S": "ada"}, "placed": {"N": "1" * 39}}}),
        (get, here | {"Key": {"customer": {}, "placed": {"N": "1"}}}),
        (get, here | {"TableName": "nobody"}),
        (get, here | {"TableName": "no such name"}),
        (get, here | {"TableName": "a"}),
        (get, here | {"ProjectionExpression": "state"}),
        (get, here | {"ProjectionExpression": ""}),
        (get, here | {"ProjectionExpression": "cents,"}),
        (get, here | {"ProjectionExpression": "cents, cents"}),
        (get, here | {"ProjectionExpression": "parts, parts[0]"}),
        (get, here | {"ProjectionExpression": "#undefined"}),
        (get, here | {"ProjectionExpression": "cents", "ExpressionAttributeNames": {"#unused": "x"}}),
        (get, here | {"ProjectionExpression": "cents", "AttributesToGet": ["cents"]}),
        (get, here | {"ExpressionAttributeNames": {"#s": "state"}}),
        (get, here | {"AttributesToGet": ["cents", "cents"]}),
        (get, here | {"ReturnConsumedCapacity": "SOME"}),
        (put, {"TableName": "orders", "Item": {"customer": {"S": "ada"}}}),
        (put, {"TableName": "orders", "Item": text_for_number}),
        (put, {"TableName": "orders", "Item": order("ada", 1, tags={"SS": []})}),
        (put, {"TableName": "orders", "Item": order("ada", 1, tags={"SS": ["a", "a"]})}),
        (put, {"TableName": "orders", "Item": order("ada", 1, note={"S": "x" * 410_000})}),
        (put, {"TableName": "nobody", "Item": order("ada", 1)}),
        (update, here | {"UpdateExpression": "SET placed = :one", "ExpressionAttributeValues": one}),
        (update, here | {"UpdateExpression": "SET cents = :two", "ExpressionAttributeValues": one}),
        (update, here | {"UpdateExpression": "SET SET", "ExpressionAttributeValues": one}),
        (s.client.delete_item, here | {"Key": {"customer": {"S": "ada"}}}),
        (s.client.batch_get_item, {"RequestItems": {}}),
        (s.client.batch_get_item, {"RequestItems": {"nobody": {"Keys": [product_key(1)]}}}),
        (s.client.batch_get_item, {"RequestItems": {"orders": {"Keys": [order_key("ada", 1)] * 2}}}),
        (
            s.client.batch_get_item,
            {"RequestItems": {"orders": {"Keys": [order_key("a", n) for n in range(101)]}}},
        ),
        (s.client.batch_write_item, {"RequestItems": {"orders": [{"PutRequest": {"Item": product_key(1)}}]}}),
        (s.client.query, {"TableName": "orders", "KeyConditionExpression": "placed = :one"}),
        (s.client.scan, {"TableName": "orders", "Segment": 4, "TotalSegments": 4}),
    ]:
        try:
            s.ask(operation, **request)
        except ClientError:
            pass
    s.ask_twice(get, **here)


ALL = [
    *[
        tables,
        items,
        attribute_types,
        large_items,
        projections,
        conditions,
        updates,
        queries,
        scans,
        batches,
        transactions,
    ],
    *[partiql, partiql_delete, resources, command_line, slips],
]

# Scenarios that a server cannot follow to their end: it must refuse, and in the same words on each way.
BEYOND = {
    "linac": set(),
    "dynoxide": set(),
    # Its PartiQL parser takes strings alone for the key in a DELETE.
    "moto": {partiql_delete},
    "dynalite": {transactions, partiql, partiql_delete},
}
