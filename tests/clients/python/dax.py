"""An application of DAX's client for Python: low-level calls like botocore's, and boto3's resource on top of them.

The tables are there; where DAX and DynamoDB are, and the credentials, the environment says.
"""

import os
import uuid
from decimal import Decimal

import boto3
import botocore.session
import pytest
from amazondax import AmazonDaxClient
from amazondax.DaxError import DaxServiceError
from boto3.dynamodb.conditions import Attr, Key

REGION = os.environ["AWS_REGION"]
DAX = os.environ["DAX_ENDPOINT"]

dynamodb = boto3.client("dynamodb", region_name=REGION)


@pytest.fixture(scope="session")
def dax():
    with AmazonDaxClient(botocore.session.get_session(), region_name=REGION, endpoint_url=DAX) as client:
        yield client


@pytest.fixture(scope="session")
def tables():
    with AmazonDaxClient.resource(region_name=REGION, endpoint_url=DAX) as resource:
        yield resource.Table


def order_key(customer, placed):
    return {"customer": {"S": customer}, "placed": {"N": str(placed)}}


def order(customer, placed, **more):
    state = {"S": "open" if placed % 2 else "paid"}
    return order_key(customer, placed) | {"state": state, "cents": {"N": str(placed * 10)}} | more


def found(dax, table, key, **more):
    """Reads twice: the second answer comes from memory, and must be the same."""
    first = dax.get_item(TableName=table, Key=key, **more).get("Item")
    assert dax.get_item(TableName=table, Key=key, **more).get("Item") == first
    return first


def put(dax, item, **more):
    return dax.put_item(TableName="orders", Item=item, **more)


def refused(call, *words, **request):
    """The error that a call is refused with."""
    with pytest.raises(DaxServiceError) as refusal:
        call(**request)
    for word in words:
        assert word in str(refusal.value)
    return refusal.value


def code(error):
    return error.response["Error"]["Code"]


def fill(dax, customer, count):
    for start in range(0, count, 25):
        puts = [{"PutRequest": {"Item": order(customer, n)}} for n in range(start, min(count, start + 25))]
        answer = dax.batch_write_item(RequestItems={"orders": puts})
        assert not answer["UnprocessedItems"]


def test_items(dax):
    key = order_key("items", 1)
    assert found(dax, "orders", key) is None
    assert "Attributes" not in put(dax, order("items", 1))
    assert found(dax, "orders", key) == order("items", 1)
    strong = dax.get_item(TableName="orders", Key=key, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert strong["Item"] == order("items", 1)
    assert strong["ConsumedCapacity"] == {"TableName": "orders", "CapacityUnits": 1.0}

    replaced = order("items", 1, note={"S": "second"})
    old = put(dax, replaced, ReturnValues="ALL_OLD", ReturnConsumedCapacity="INDEXES")
    assert old["Attributes"] == order("items", 1)
    assert old["ConsumedCapacity"]["CapacityUnits"] == 2.0
    assert old["ConsumedCapacity"]["GlobalSecondaryIndexes"] == {"by-state": {"CapacityUnits": 1.0}}
    assert found(dax, "orders", key) == replaced

    add = {
        "UpdateExpression": "SET note = :n, tags = if_not_exists(tags, :t) ADD cents :c REMOVE nothing",
        "ExpressionAttributeValues": {":n": {"S": "third"}, ":t": {"L": [{"S": "a"}]}, ":c": {"N": "0.5"}},
    }
    changed = dax.update_item(TableName="orders", Key=key, ReturnValues="UPDATED_NEW", **add)["Attributes"]
    assert changed == {"note": {"S": "third"}, "tags": {"L": [{"S": "a"}]}, "cents": {"N": "10.5"}}
    append = {
        "UpdateExpression": "SET tags = list_append(tags, :t), #s = :s, cents = cents - :c",
        "ExpressionAttributeNames": {"#s": "state"},
        "ExpressionAttributeValues": {":t": {"L": [{"S": "b"}]}, ":s": {"S": "lost"}, ":c": {"N": "10.5"}},
    }
    before = dax.update_item(TableName="orders", Key=key, ReturnValues="UPDATED_OLD", **append)["Attributes"]
    assert before == {"tags": {"L": [{"S": "a"}]}, "state": {"S": "open"}, "cents": {"N": "10.5"}}
    whole = dax.update_item(
        TableName="orders", Key=key, ReturnValues="ALL_NEW", UpdateExpression="REMOVE tags[0]"
    )["Attributes"]
    assert whole == order_key("items", 1) | {
        "note": {"S": "third"},
        "tags": {"L": [{"S": "b"}]},
        "state": {"S": "lost"},
        "cents": {"N": "0"},
    }
    assert found(dax, "orders", key) == whole

    assert dax.delete_item(TableName="orders", Key=key, ReturnValues="ALL_OLD")["Attributes"] == whole
    assert found(dax, "orders", key) is None
    assert "Attributes" not in dax.delete_item(TableName="orders", Key=key, ReturnValues="ALL_OLD")


def test_conditions(dax):
    absent = {"ConditionExpression": "attribute_not_exists(customer)"}
    key = order_key("conditions", 1)
    put(dax, order("conditions", 1), **absent)
    error = refused(put, dax=dax, item=order("conditions", 1, note={"S": "second"}), **absent)
    assert code(error) == "ConditionalCheckFailedException"
    assert "The conditional request failed" in str(error)
    pay = {
        "TableName": "orders",
        "Key": key,
        "UpdateExpression": "SET #s = :paid",
        "ConditionExpression": "(#s = :open OR #s = :held) AND NOT cents BETWEEN :low AND :high"
        " AND cents IN (:ten, :low)",
        "ExpressionAttributeNames": {"#s": "state"},
        "ExpressionAttributeValues": {
            ":paid": {"S": "paid"},
            ":open": {"S": "open"},
            ":held": {"S": "held"},
            ":low": {"N": "0"},
            ":high": {"N": "9.5"},
            ":ten": {"N": "10"},
        },
    }
    dax.update_item(**pay)
    assert found(dax, "orders", key) == order("conditions", 1, state={"S": "paid"})
    assert code(refused(dax.update_item, **pay)) == "ConditionalCheckFailedException"
    paid = order("conditions", 1, state={"S": "paid"})

    def remove(condition, start):
        dax.delete_item(
            TableName="orders",
            Key=key,
            ConditionExpression=f"attribute_type(customer, :type) AND {condition} AND size(customer) > :five",
            ExpressionAttributeNames={"#s": "state"},
            ExpressionAttributeValues={":type": {"S": "S"}, ":start": {"S": start}, ":five": {"N": "5"}},
        )

    error = refused(remove, condition="begins_with(#s, :start)", start="lo")
    assert code(error) == "ConditionalCheckFailedException"
    assert found(dax, "orders", key) == paid
    remove("#s <> :start AND contains(customer, :start)", "cond")
    assert found(dax, "orders", key) is None


def every_page(call, **request):
    pages = []
    while True:
        pages.append(call(**request))
        if "LastEvaluatedKey" not in pages[-1]:
            return pages
        request["ExclusiveStartKey"] = pages[-1]["LastEvaluatedKey"]


def items_of(pages):
    return [item for page in pages for item in page["Items"]]


def test_queries(dax, tables):
    fill(dax, "queries", 12)
    of = {
        "TableName": "orders",
        "KeyConditionExpression": "customer = :c AND placed >= :from",
        "ExpressionAttributeValues": {":c": {"S": "queries"}, ":from": {"N": "2"}},
    }
    for _ in range(2):
        pages = every_page(dax.query, Limit=4, **of)
        assert [page["Count"] for page in pages] == [4, 4, 2]
        assert items_of(pages) == [order("queries", n) for n in range(2, 12)]
    backwards = dax.query(ScanIndexForward=False, Limit=3, ProjectionExpression="placed", **of)
    assert backwards["Items"] == [{"placed": {"N": str(n)}} for n in (11, 10, 9)]
    assert backwards["LastEvaluatedKey"] == order_key("queries", 9)
    filtered = of | {
        "FilterExpression": "#s = :open AND NOT contains(cents, :from)",
        "ExpressionAttributeNames": {"#s": "state"},
        "ExpressionAttributeValues": of["ExpressionAttributeValues"] | {":open": {"S": "open"}},
    }
    counted = dax.query(Select="COUNT", **filtered)
    assert (counted["Count"], counted["ScannedCount"]) == (5, 10)
    assert not counted.get("Items")

    for n in (50, 40, 45):
        put(dax, order("queries", n, state={"S": "lost"}))
    by_state = {
        "TableName": "orders",
        "IndexName": "by-state",
        "KeyConditionExpression": "#s = :lost AND cents < :c",
        "ExpressionAttributeNames": {"#s": "state"},
        "ExpressionAttributeValues": {":lost": {"S": "lost"}, ":c": {"N": "500"}},
    }
    for _ in range(2):
        pages = every_page(dax.query, Limit=1, **by_state)
        assert items_of(pages) == [order("queries", n, state={"S": "lost"}) for n in (40, 45)]
    assert pages[0]["LastEvaluatedKey"] == order_key("queries", 40) | {
        "state": {"S": "lost"},
        "cents": {"N": "400"},
    }
    spent = dax.query(ReturnConsumedCapacity="INDEXES", ConsistentRead=False, **by_state)["ConsumedCapacity"]
    assert spent["TableName"] == "orders"

    conditions = Key("customer").eq("queries") & Key("placed").between(3, 4)
    answer = tables("orders").query(KeyConditionExpression=conditions, FilterExpression=Attr("cents").gt(30))
    assert answer["Items"] == [{"customer": "queries", "placed": 4, "state": "paid", "cents": 40}]


def by_key(items):
    return sorted(items, key=lambda item: (item["customer"]["S"], int(item["placed"]["N"])))


def test_scans(dax):
    fill(dax, "scans-a", 15)
    fill(dax, "scans-b", 15)
    ours = {
        "TableName": "orders",
        "FilterExpression": "begins_with(customer, :ours)",
        "ExpressionAttributeValues": {":ours": {"S": "scans-"}},
    }
    pages = every_page(dax.scan, Limit=7, **ours)
    assert len(pages) > 4 and all(page["ScannedCount"] <= 7 for page in pages)
    expected = [order(f"scans-{name}", n) for name in "ab" for n in range(15)]
    assert by_key(items_of(pages)) == expected
    segments = [every_page(dax.scan, Limit=5, Segment=n, TotalSegments=3, **ours) for n in range(3)]
    assert by_key(items_of(page for pages in segments for page in pages)) == expected
    put(dax, order("scans-a", 99, state={"S": "gone"}))
    gone = ours | {
        "FilterExpression": "#s = :gone",
        "ExpressionAttributeNames": {"#s": "state"},
        "ExpressionAttributeValues": {":gone": {"S": "gone"}},
    }
    projected = every_page(dax.scan, IndexName="by-state", Limit=10, ProjectionExpression="placed, #s", **gone)
    assert items_of(projected) == [{"placed": {"N": "99"}, "state": {"S": "gone"}}]


def test_batches(dax):
    products = [{"sku": {"N": str(n)}, "name": {"S": f"product {n}"}} for n in range(3)]
    puts = {
        "orders": [{"PutRequest": {"Item": order("batches", n)}} for n in range(12)],
        "products": [{"PutRequest": {"Item": product}} for product in products],
    }
    answer = dax.batch_write_item(RequestItems=puts, ReturnConsumedCapacity="TOTAL")
    assert not answer["UnprocessedItems"]
    assert {spent["TableName"] for spent in answer["ConsumedCapacity"]} == {"orders", "products"}
    wanted = {
        "orders": {
            "Keys": [order_key("batches", n) for n in (0, 7, 11, 99)],
            "ProjectionExpression": "placed, #c",
            "ExpressionAttributeNames": {"#c": "cents"},
        },
        "products": {"Keys": [{"sku": {"N": str(n)}} for n in (2, 0, 9)]},
    }

    def read():
        answer = dax.batch_get_item(RequestItems=wanted)
        assert not answer["UnprocessedKeys"]
        orders, products = (answer["Responses"][table] for table in ("orders", "products"))
        orders.sort(key=lambda item: int(item["placed"]["N"]))
        return orders, sorted(products, key=lambda item: int(item["sku"]["N"]))

    there = [{"placed": {"N": str(n)}, "cents": {"N": str(n * 10)}} for n in (0, 7, 11)]
    for _ in range(2):
        assert read() == (there, [products[0], products[2]])
    changes = {
        "orders": [
            {"DeleteRequest": {"Key": order_key("batches", 0)}},
            {"PutRequest": {"Item": order("batches", 7, cents={"N": "1"})}},
        ],
        "products": [{"DeleteRequest": {"Key": {"sku": {"N": "2"}}}}],
    }
    assert not dax.batch_write_item(RequestItems=changes)["UnprocessedItems"]
    assert read() == ([{"placed": {"N": "7"}, "cents": {"N": "1"}}, there[2]], [products[0]])


def test_transactions(dax):
    first = order("transactions", 1)
    put(dax, first)

    def pay(placed, expected):
        return {
            "Update": {
                "TableName": "orders",
                "Key": order_key("transactions", placed),
                "UpdateExpression": "SET #s = :to ADD version :one",
                "ConditionExpression": "#s = :from",
                "ExpressionAttributeNames": {"#s": "state"},
                "ExpressionAttributeValues": {":to": {"S": "paid"}, ":from": {"S": expected}, ":one": {"N": "1"}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    product = {"sku": {"N": "77"}, "name": {"S": "bought"}}
    both = [
        pay(1, "open"),
        {"Put": {"TableName": "orders", "Item": order("transactions", 2)}},
        {"Put": {"TableName": "products", "Item": product}},
        {
            "ConditionCheck": {
                "TableName": "products",
                "Key": {"sku": {"N": "78"}},
                "ConditionExpression": "attribute_not_exists(sku)",
            }
        },
        {"Delete": {"TableName": "products", "Key": {"sku": {"N": "79"}}}},
    ]
    token = str(uuid.uuid4())
    dax.transact_write_items(TransactItems=both, ClientRequestToken=token)
    dax.transact_write_items(TransactItems=both, ClientRequestToken=token)
    paid = first | {"state": {"S": "paid"}, "version": {"N": "1"}}
    assert found(dax, "orders", order_key("transactions", 1)) == paid
    error = refused(dax.transact_write_items, TransactItems=both[:1], ClientRequestToken=token)
    assert code(error) == "IdempotentParameterMismatchException"

    again = [{"Put": {"TableName": "orders", "Item": order("transactions", 3)}}, pay(1, "open")]
    error = refused(dax.transact_write_items, "[None, ConditionalCheckFailed]", TransactItems=again)
    assert code(error) == "TransactionCanceledException"
    # This client hands on the reasons as they came: code, message and item, the last of which it does not decode.
    none, failed = error.cancellation_reasons[:3], error.cancellation_reasons[3:]
    assert none == ["None", None, None]
    assert failed[:2] == ["ConditionalCheckFailed", "The conditional request failed"]
    assert b"paid" in failed[2]

    def get(placed, **more):
        return {"Get": {"TableName": "orders", "Key": order_key("transactions", placed), **more}}

    projected = {"ProjectionExpression": "version, #s", "ExpressionAttributeNames": {"#s": "state"}}
    bought = {"Get": {"TableName": "products", "Key": {"sku": {"N": "77"}}}}
    reads = [get(1), get(3), get(2, **projected), bought]
    answer = dax.transact_get_items(TransactItems=reads, ReturnConsumedCapacity="TOTAL")
    assert [item.get("Item") for item in answer["Responses"]] == [
        paid,
        None,
        {"state": {"S": "paid"}},
        product,
    ]
    spent = {of["TableName"]: of["CapacityUnits"] for of in answer["ConsumedCapacity"]}
    assert spent == {"orders": 6.0, "products": 2.0}


DEEP = {"M": {"list": {"L": [{"M": {"sku": {"N": "1"}}}, {"L": [{"S": "x"}, {"S": "y"}]}, {"S": "last"}]}}}


def test_projections(dax):
    item = order("projections", 1, deep=DEEP, parts={"L": [{"N": str(n)} for n in range(4)]})
    item["dotted.name"] = {"M": {"in.side": {"S": "dots"}}}
    put(dax, item)

    def projected(text, **names):
        more = {"ExpressionAttributeNames": {f"#{name}": value for name, value in names.items()}} if names else {}
        return found(dax, "orders", order_key("projections", 1), ProjectionExpression=text, **more)

    assert projected("cents") == {"cents": {"N": "10"}}
    assert projected("#s, customer", s="state") == {"state": {"S": "open"}, "customer": {"S": "projections"}}
    nested = projected("deep.#l[1][0], deep.#l[0].sku, parts[2]", l="list")
    assert nested == {
        "deep": {"M": {"list": {"L": [{"M": {"sku": {"N": "1"}}}, {"L": [{"S": "x"}]}]}}},
        "parts": {"L": [{"N": "2"}]},
    }
    assert projected("#d.#i, nothing.here[3]", d="dotted.name", i="in.side") == {
        "dotted.name": {"M": {"in.side": {"S": "dots"}}}
    }
    assert not projected("nothing, parts[9]")
    queried = dax.query(
        TableName="orders",
        KeyConditionExpression="customer = :c",
        ExpressionAttributeValues={":c": {"S": "projections"}},
        ProjectionExpression="deep.#l[2], cents",
        ExpressionAttributeNames={"#l": "list"},
    )
    assert queried["Items"] == [{"deep": {"M": {"list": {"L": [{"S": "last"}]}}}, "cents": {"N": "10"}}]


NUMBERS = ["0", "-1", "1.5", "-0.001", "9007199254740993", "-12345678901234567890.12345678901234567", "100"]


def test_keys(dax):
    for number in NUMBERS:
        item = {"sku": {"N": number}, "name": {"S": f"number {number}"}}
        dax.put_item(TableName="products", Item=item)
        assert found(dax, "products", {"sku": {"N": number}}) == item
        put(dax, order_key("keys", number) | {"name": {"S": number}})
    # One key, however it is written.
    assert found(dax, "products", {"sku": {"N": "1.50"}})["name"] == {"S": "number 1.5"}
    assert found(dax, "products", {"sku": {"N": "1e2"}})["name"] == {"S": "number 100"}
    of = {"KeyConditionExpression": "customer = :c", "ExpressionAttributeValues": {":c": {"S": "keys"}}}
    pages = every_page(dax.query, TableName="orders", Limit=2, **of)
    ordered = sorted(NUMBERS, key=Decimal)
    assert [item["name"]["S"] for item in items_of(pages)] == ordered
    assert [Decimal(item["placed"]["N"]) for item in items_of(pages)] == [Decimal(n) for n in ordered]

    digest = bytes(range(256))
    paths = [b"\x00", b"\x00\xff", b"a", b"\xff"]
    for path in paths:
        item = {"digest": {"B": digest}, "path": {"B": path}, "data": {"B": path * 3}}
        dax.put_item(TableName="pieces", Item=item)
        assert found(dax, "pieces", {"digest": {"B": digest}, "path": {"B": path}}) == item
    pages = every_page(
        dax.query,
        TableName="pieces",
        Limit=1,
        KeyConditionExpression="digest = :d",
        ExpressionAttributeValues={":d": {"B": digest}},
    )
    assert [item["path"]["B"] for item in items_of(pages)] == paths


def test_item_collections(dax):
    digest = {"B": b"collections"}
    size = {"ItemCollectionKey": {"digest": digest}, "SizeEstimateRangeGB": [0.0, 1.0]}

    def piece(path, octets):
        parts = {"M": {"first": {"N": "1"}, "others": {"L": [{"S": "a"}, {"S": "b"}]}}}
        return {"digest": digest, "path": {"B": path}, "octets": {"N": str(octets)}, "parts": parts}

    three = [piece(b"\x00", 30), piece(b"\x01", 10), piece(b"\xff", 20)]
    with_size = {"ReturnItemCollectionMetrics": "SIZE"}
    assert dax.put_item(TableName="pieces", Item=three[0], **with_size)["ItemCollectionMetrics"] == size
    puts = {"pieces": [{"PutRequest": {"Item": three[1]}}]}
    assert dax.batch_write_item(RequestItems=puts, **with_size)["ItemCollectionMetrics"] == {"pieces": [size]}
    puts = [{"Put": {"TableName": "pieces", "Item": three[2]}}]
    written = dax.transact_write_items(TransactItems=puts, **with_size)
    assert written["ItemCollectionMetrics"] == {"pieces": [size]}

    def by_octets(**more):
        pages = every_page(
            dax.query,
            TableName="pieces",
            IndexName="by-octets",
            Limit=2,
            KeyConditionExpression="digest = :d AND octets > :few",
            ExpressionAttributeValues={":d": digest, ":few": {"N": "5"}},
            **more,
        )
        return items_of(pages)

    for strong in (False, False, True):
        assert by_octets(ConsistentRead=strong) == [three[1], three[2], three[0]]
    update = {
        "TableName": "pieces",
        "Key": {"digest": digest, "path": {"B": b"\x00"}},
        "UpdateExpression": "SET parts.others[1] = :c, octets = :few ADD parts.#f :few",
        "ExpressionAttributeNames": {"#f": "first"},
        "ExpressionAttributeValues": {":c": {"S": "c"}, ":few": {"N": "7"}},
        **with_size,
    }
    # Of what lies deeper, no more than the update names.
    before = dax.update_item(ReturnValues="UPDATED_OLD", **update)
    assert before["Attributes"] == {
        "octets": {"N": "30"},
        "parts": {"M": {"first": {"N": "1"}, "others": {"L": [{"S": "b"}]}}},
    }
    assert before["ItemCollectionMetrics"] == size
    after = dax.update_item(ReturnValues="UPDATED_NEW", **update)
    assert after["Attributes"] == {
        "octets": {"N": "7"},
        "parts": {"M": {"first": {"N": "15"}, "others": {"L": [{"S": "c"}]}}},
    }
    assert [item["path"]["B"] for item in by_octets()] == [b"\x00", b"\x01", b"\xff"]
    removed = dax.delete_item(TableName="pieces", Key=update["Key"], **with_size)
    assert removed["ItemCollectionMetrics"] == size


def test_attribute_types(dax, tables):
    item = order(
        "types",
        1,
        binary={"B": bytes(range(256))},
        binaries={"BS": [b"\x01", b"\xff\x00"]},
        empty={"S": ""},
        nothing={"B": b""},
        flags={"L": [{"BOOL": True}, {"BOOL": False}, {"NULL": True}]},
        letters={"SS": ["a", "ä"]},
        deep={"M": {"a.b": {"M": {"deep": {"L": [{"N": "1"}, {"L": [{"N": "2"}, {"M": {"three": {"N": "3"}}}]}]}}}}},
        hollow={"M": {"map": {"M": {}}, "list": {"L": []}}},
        numbers={"NS": ["-1", "2.5", "3"]},
        text={"S": 'quoted "ümlaut" \\ \n 🚲'},
        precise={"N": "1234567890.1234567890123456789012345678"},
        big={"N": "1208925819614629174706176"},
    )
    put(dax, item)
    there = found(dax, "orders", order_key("types", 1))
    for name in ("binaries", "letters", "numbers"):
        ((kind, members),) = there[name].items()
        there[name] = {kind: sorted(members)}
    assert there == item

    deep = {"S": "bottom"}
    for level in range(30):
        deep = {"M": {f"level {level}": deep}} if level % 2 else {"L": [deep]}
    put(dax, order("types", 2, deep=deep))
    assert found(dax, "orders", order_key("types", 2))["deep"] == deep

    # The resource, with Python's own types.
    document = {"customer": "types", "placed": 3, "set": {Decimal(1), Decimal("2.5")}, "map": {"deep": [None, True]}}
    tables("orders").put_item(Item=document)
    for _ in range(2):
        assert tables("orders").get_item(Key={"customer": "types", "placed": 3})["Item"] == document


LIMIT = 400 * 1024


def test_large_items(dax):
    # Names count as values do.
    room = LIMIT - len("customer" "large" "placed" "text") - 2
    largest = order_key("large", 1) | {"text": {"S": "x" * room}}
    put(dax, largest)
    assert found(dax, "orders", order_key("large", 1)) == largest
    error = refused(put, dax=dax, item=order_key("large", 2) | {"text": {"S": "x" * (room + 100)}})
    assert code(error) == "ValidationException"
    assert "Item size has exceeded the maximum allowed size" in str(error)
    assert found(dax, "orders", order_key("large", 2)) is None
    for n in range(3, 6):
        put(dax, order_key("large", n) | {"bytes": {"B": bytes([n]) * (room - 100)}})
    of = {"KeyConditionExpression": "customer = :c", "ExpressionAttributeValues": {":c": {"S": "large"}}}
    pages = every_page(dax.query, TableName="orders", **of)
    assert len(pages) == 2
    assert [item["placed"]["N"] for item in items_of(pages)] == ["1", "3", "4", "5"]


def test_attribute_names(dax):
    # Their order is not the same by code points as by UTF-16's units.
    names = ["ünïcode", "名前", "🚲", "ﬀ", "with space", "with.dot", "a" * 255, "#", ":"]
    item = order_key("names", 1) | {name: {"S": f"value of {name}"} for name in names}
    put(dax, item)
    assert found(dax, "orders", order_key("names", 1)) == item
    seen = dynamodb.get_item(TableName="orders", Key=order_key("names", 1))["Item"]
    assert seen == item
    item["map ｆ"] = {"M": {}}
    put(dax, item)
    changed = dax.update_item(
        TableName="orders",
        Key=order_key("names", 1),
        UpdateExpression="SET #bike = :b, #map.#inner = :b",
        ConditionExpression="attribute_not_exists(#map.#inner)",
        ExpressionAttributeNames={"#bike": "🚲", "#map": "map ｆ", "#inner": "🚲.ｆ"},
        ExpressionAttributeValues={":b": {"S": "new"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert changed == item | {"🚲": {"S": "new"}, "map ｆ": {"M": {"🚲.ｆ": {"S": "new"}}}}
    assert found(dax, "orders", order_key("names", 1)) == changed
    assert dynamodb.get_item(TableName="orders", Key=order_key("names", 1))["Item"] == changed


def test_both_doors(dax):
    """What one door wrote, the other reads at once, whatever it has read before."""
    key = order_key("doors", 1)
    of = {
        "TableName": "orders",
        "KeyConditionExpression": "customer = :c",
        "ExpressionAttributeValues": {":c": {"S": "doors"}},
    }
    for n in range(10):
        for writer, reader in ((dynamodb, dax), (dax, dynamodb)):
            written = order("doors", 1, note={"S": f"{n} by {type(writer).__name__}"}, version={"N": str(n)})
            for client in (writer, reader):
                client.get_item(TableName="orders", Key=key)
                client.query(**of)
            writer.put_item(TableName="orders", Item=written)
            for client in (reader, writer):
                assert client.get_item(TableName="orders", Key=key)["Item"] == written
                assert client.query(**of)["Items"] == [written]
        dynamodb.delete_item(TableName="orders", Key=key)
        assert "Item" not in dax.get_item(TableName="orders", Key=key)


def test_errors(dax):
    nobody = refused(dax.get_item, TableName="nobody", Key={"id": {"S": "x"}})
    assert code(nobody) == "ResourceNotFoundException"
    assert "Requested resource not found" in str(nobody)
    wrong_type = refused(dax.get_item, TableName="products", Key={"sku": {"N": "1e126"}})
    assert code(wrong_type) == "ValidationException"
    assert "Number overflow" in str(wrong_type)
    overlap = refused(
        dax.update_item,
        TableName="orders",
        Key=order_key("errors", 1),
        UpdateExpression="SET a.b = :b, a = :b",
        ExpressionAttributeValues={":b": {"N": "1"}},
    )
    assert code(overlap) == "ValidationException"
    assert "Two document paths overlap" in str(overlap)
    nowhere = refused(
        dax.update_item,
        TableName="orders",
        Key=order_key("errors", 1),
        UpdateExpression="SET a.b = :b",
        ExpressionAttributeValues={":b": {"N": "1"}},
    )
    assert "The document path provided in the update expression is invalid for update" in str(nowhere)
    # The connection goes on.
    assert found(dax, "orders", order_key("errors", 1)) is None
