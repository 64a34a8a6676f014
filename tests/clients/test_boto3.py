"""boto3 on linac with its own engine: the scenarios that are held against other vendors elsewhere, and what its users
reach for beyond the plain calls."""

from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

import scenarios
from script import Script
from tables import ORDERS, PATIENCE, PRODUCTS, create, order, order_key, product_key


@pytest.mark.parametrize(
    "scenario", [one for one in scenarios.ALL if one is not scenarios.command_line], ids=lambda one: one.__name__
)
def test_a_scenario_on_a_node(node, scenario):
    script = Script(node)
    scenario(script)
    assert script.answers


@pytest.fixture
def orders(node):
    """boto3's Table of 12 orders of one customer."""
    table = node.resource.create_table(TableName="orders", **ORDERS)
    table.wait_until_exists(WaiterConfig=PATIENCE)
    with table.batch_writer() as batch:
        for placed in range(12):
            batch.put_item(Item=plain_order(placed))
    yield table
    table.delete()
    table.wait_until_not_exists(WaiterConfig=PATIENCE)


def plain_order(placed: int) -> dict:
    return {"customer": "ada", "placed": placed, "state": "open" if placed % 2 else "paid", "cents": placed * 10}


def test_paginators_stop_and_go_on(node, orders):
    of_ada = {
        "TableName": "orders",
        "KeyConditionExpression": "customer = :c",
        "ExpressionAttributeValues": {":c": {"S": "ada"}},
    }
    query, scan = (node.client.get_paginator(name) for name in ("query", "scan"))
    whole = query.paginate(**of_ada, PaginationConfig={"PageSize": 5}).build_full_result()
    assert [item["placed"]["N"] for item in whole["Items"]] == [str(placed) for placed in range(12)]
    assert (whole["Count"], whole["ScannedCount"]) == (12, 12)
    places, token = [], None
    for _ in range(5):
        config = {"PageSize": 2, "MaxItems": 5, "StartingToken": token}
        pages = query.paginate(**of_ada, ScanIndexForward=False, PaginationConfig=config)
        part = pages.build_full_result()
        places.append([int(item["placed"]["N"]) for item in part["Items"]])
        token = part.get("NextToken")
        if token is None:
            break
    assert places == [[11, 10, 9, 8, 7], [6, 5, 4, 3, 2], [1, 0]]
    open_ones = {
        "TableName": "orders",
        "FilterExpression": "#s = :open",
        "ExpressionAttributeNames": {"#s": "state"},
        "ExpressionAttributeValues": {":open": {"S": "open"}},
        "PaginationConfig": {"PageSize": 1},
    }
    pages = list(scan.paginate(**open_ones))
    assert sum(page["Count"] for page in pages) == 6 and sum(page["ScannedCount"] for page in pages) == 12
    cents = scan.paginate(**open_ones).search("Items[].cents.N")
    assert sorted(map(int, cents)) == [10, 30, 50, 70, 90, 110]


def test_the_conditions_module(orders):
    orders.put_item(Item=plain_order(50) | {"tags": {"new", "red"}, "log": ["a", "b"], "note": "hello"})
    every = [
        (Attr("note").exists(), [50]),
        (Attr("note").not_exists() & Attr("cents").gte(100), [10, 11]),
        (Attr("note").begins_with("hel"), [50]),
        (Attr("note").contains("ell"), [50]),
        (Attr("tags").contains("red") & Attr("log").contains("b"), [50]),
        (Attr("log").size().eq(2) & Attr("note").size().between(5, 6), [50]),
        (Attr("cents").is_in([20, Decimal("30.0"), 999]), [2, 3]),
        (Attr("tags").attribute_type("SS"), [50]),
        (Attr("cents").between(10, 20) | Attr("cents").eq(110), [1, 2, 11]),
        (~Attr("cents").lt(100) & Attr("state").ne("open"), [10, 50]),
        (Attr("log[1]").eq("b"), [50]),
    ]
    for condition, places in every:
        found = orders.query(KeyConditionExpression=Key("customer").eq("ada"), FilterExpression=condition)
        assert [int(item["placed"]) for item in found["Items"]] == places
    for key, places in [
        (Key("placed").lt(2), [0, 1]),
        (Key("placed").lte(1), [0, 1]),
        (Key("placed").gt(10), [11, 50]),
        (Key("placed").gte(11), [11, 50]),
        (Key("placed").between(3, 4), [3, 4]),
    ]:
        found = orders.query(KeyConditionExpression=Key("customer").eq("ada") & key)
        assert [int(item["placed"]) for item in found["Items"]] == places
    by_state = Key("state").eq("open") & Key("cents").gt(80)
    found = orders.query(IndexName="by-state", KeyConditionExpression=by_state, Select="COUNT")
    assert found["Count"] == 2 and "Items" not in found


def test_python_types_come_back_as_they_went(node, orders):
    item = plain_order(1) | {
        "binary": Binary(bytes(range(256))),
        "binaries": {Binary(b"\x00"), Binary(b"\xff\x00")},
        "exact": Decimal("1234567890.1234567890123456789012345678"),
        # boto3 reads nothing with more than 38 digits, be they zeros.
        "large": Decimal("-1E+37"),
        "small": Decimal("-1E-130"),
        "flags": [True, False, None],
        "numbers": {Decimal("1.5"), Decimal(-2)},
        "nested": {"a.b": [{"deep": [Decimal(0)]}], "": "an empty name", "empty": ""},
        "texts": {"ä", "🚲"},
    }
    orders.put_item(Item=item)
    for consistent in (False, False, True):
        answer = orders.get_item(Key={"customer": "ada", "placed": 1}, ConsistentRead=consistent)
        assert answer["Item"] == item
    raw = node.client.get_item(TableName="orders", Key=order_key("ada", 1))["Item"]
    there, back = TypeDeserializer(), TypeSerializer()
    assert {name: there.deserialize(value) for name, value in raw.items()} == item
    assert back.serialize(item["exact"]) == raw["exact"]
    added = orders.update_item(
        Key={"customer": "ada", "placed": 1},
        UpdateExpression="ADD exact :small, numbers :more SET nested.#e = :e",
        ExpressionAttributeNames={"#e": "empty"},
        ExpressionAttributeValues={":small": Decimal("1E-28"), ":more": {Decimal(7)}, ":e": Binary(b"")},
        ReturnValues="UPDATED_NEW",
    )["Attributes"]
    assert added["exact"] == Decimal("1234567890.1234567890123456789012345679")
    assert added["numbers"] == {Decimal("1.5"), Decimal(-2), Decimal(7)}
    assert added["nested"] == {"empty": Binary(b"")}


def test_a_batch_writer_sends_everything_once(orders):
    with orders.batch_writer(overwrite_by_pkeys=["customer", "placed"]) as batch:
        for round_ in range(3):
            for placed in range(20, 50):
                batch.put_item(Item=plain_order(placed) | {"round": round_})
        for placed in range(20, 30):
            batch.delete_item(Key={"customer": "ada", "placed": placed})
    late = Key("customer").eq("ada") & Key("placed").gte(20)
    found = orders.query(KeyConditionExpression=late)["Items"]
    assert [(int(item["placed"]), int(item["round"])) for item in found] == [(placed, 2) for placed in range(30, 50)]


def test_failures_are_classes_with_what_they_carry(node, orders):
    client = node.client
    unpaid = {
        "ConditionExpression": "cents > :much",
        "ExpressionAttributeValues": {":much": {"N": "1000"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    here = {"TableName": "orders", "Key": order_key("ada", 3)}
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as failed:
        client.delete_item(**here, **unpaid)
    assert failed.value.response["Item"] == order("ada", 3)
    metadata = failed.value.response["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == 400 and len(metadata["RequestId"]) == 52
    # The client inside of a Table takes Python's types.
    plain = orders.meta.client
    put = {"TableName": "orders", "Item": plain_order(99)}
    delete = here | unpaid
    delete |= {"Key": {"customer": "ada", "placed": 3}, "ExpressionAttributeValues": {":much": 1000}}
    with pytest.raises(plain.exceptions.TransactionCanceledException) as cancelled:
        plain.transact_write_items(TransactItems=[{"Put": put}, {"Delete": delete}])
    reasons = cancelled.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert "Item" not in client.get_item(TableName="orders", Key=order_key("ada", 99))


def test_tables_and_waiters(node):
    for name in ("a", "b", "c"):
        create(node.client, name * 3, PRODUCTS)
    assert [table.name for table in node.resource.tables.all()] == ["aaa", "bbb", "ccc"]
    assert [table.name for table in node.resource.tables.limit(2)] == ["aaa", "bbb"]
    table = node.resource.Table("bbb")
    node.client.put_item(TableName="bbb", Item=product_key(1))
    table.reload()
    assert (table.item_count, table.table_status, table.key_schema) == (1, "ACTIVE", PRODUCTS["KeySchema"])
    assert table.billing_mode_summary["BillingMode"] == "PAY_PER_REQUEST"
    table.update(DeletionProtectionEnabled=True)
    table.wait_until_exists(WaiterConfig=PATIENCE)
    with pytest.raises(node.client.exceptions.ClientError, match="protect"):
        table.delete()
    table.update(DeletionProtectionEnabled=False)
    for table in node.resource.tables.all():
        table.delete()
        table.wait_until_not_exists(WaiterConfig=PATIENCE)
    assert list(node.resource.tables.all()) == []
