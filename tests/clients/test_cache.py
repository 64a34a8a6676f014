"""What is answered from memory, what is not, and that a write is seen by the next read."""

import itertools

import pytest

from scenarios import BEYOND, partiql, partiql_delete, transactions
from tables import ORDERS, PRODUCTS, create, order, order_key, product_key

HERE = {"TableName": "orders", "Key": order_key("ada", 1)}


@pytest.fixture
def orders(cached):
    """A client through linac, with one order in the table."""
    create(cached.client, "orders", ORDERS)
    cached.client.put_item(TableName="orders", Item=order("ada", 1))
    return cached.client


def status(answer: dict) -> str:
    """What this node's cache did: caches nearer to the origin come before it in the header."""
    return answer["ResponseMetadata"]["HTTPHeaders"]["cache-status"].split(", ")[-1]


def is_hit(answer: dict) -> bool:
    return status(answer).startswith("linac; hit; ttl=")


def need(vendor: str, scenario):
    if scenario in BEYOND[vendor]:
        pytest.skip(f"{vendor} has no {scenario.__name__}")


def behind_linac_back(way, note: str):
    """Another program writes, past linac."""
    way.origin_client.put_item(TableName="orders", Item=order("ada", 1, note={"S": note}))


def note_of(answer: dict) -> str:
    return answer["Item"]["note"]["S"]


def test_the_second_identical_get_is_a_hit_by_header_and_by_metric(cached, orders):
    # Written past linac, so that no write has left an image in the cache.
    cached.origin_client.put_item(TableName="orders", Item=order("eve", 1))
    here = {"TableName": "orders", "Key": order_key("eve", 1)}
    hits, misses = cached.outcomes("hit"), cached.outcomes("miss")
    first = orders.get_item(**here)
    assert status(first).startswith("linac; fwd=miss"), status(first)
    second = orders.get_item(**here)
    assert is_hit(second), status(second)
    assert second["Item"] == first["Item"] == order("eve", 1)
    assert cached.outcomes("hit") == hits + 1
    assert cached.outcomes("miss") == misses + 1


def test_a_hit_comes_from_memory_and_a_strong_read_from_the_origin(cached, orders):
    orders.put_item(TableName="orders", Item=order("ada", 1, note={"S": "mine"}))
    assert note_of(orders.get_item(**HERE)) == "mine"
    behind_linac_back(cached, "theirs")
    assert note_of(orders.get_item(**HERE)) == "mine"
    strong = orders.get_item(**HERE, ConsistentRead=True)
    assert status(strong) == "linac; fwd=bypass; detail=strong-read"
    assert note_of(strong) == "theirs"
    # What a strong read has shown is not unsaid by the cache.
    assert note_of(orders.get_item(**HERE)) == "theirs"


def test_an_absent_item_is_remembered_as_absent(orders):
    absent = {"TableName": "orders", "Key": order_key("nobody", 1)}
    assert "Item" not in orders.get_item(**absent)
    again = orders.get_item(**absent)
    assert is_hit(again) and "Item" not in again
    orders.put_item(TableName="orders", Item=order("nobody", 1))
    assert orders.get_item(**absent)["Item"] == order("nobody", 1)


def test_a_hit_consumes_no_capacity_and_says_so(orders):
    asked = HERE | {"ReturnConsumedCapacity": "TOTAL"}
    orders.get_item(**asked)
    hit = orders.get_item(**asked)
    assert is_hit(hit)
    assert hit["ConsumedCapacity"] == {"TableName": "orders", "CapacityUnits": 0}
    assert "ConsumedCapacity" not in orders.get_item(**HERE)


def test_with_the_cache_off_every_read_goes_up(uncached):
    create(uncached.client, "orders", ORDERS)
    uncached.client.put_item(TableName="orders", Item=order("ada", 1))
    for note in ("one", "two"):
        behind_linac_back(uncached, note)
        answer = uncached.client.get_item(**HERE)
        assert note_of(answer) == note
        assert status(answer) == "linac; fwd=bypass; detail=cache-off"


OF_ADA = {"KeyConditionExpression": "customer = :c", "ExpressionAttributeValues": {":c": {"S": "ada"}}}


def test_a_query_is_answered_from_memory_until_its_partition_is_written(orders):
    def notes():
        answer = orders.query(TableName="orders", **OF_ADA)
        return is_hit(answer), [item.get("note", {}).get("S") for item in answer["Items"]]

    put(orders, "one")
    assert notes() == (False, ["one"])
    assert notes() == (True, ["one"])
    orders.put_item(TableName="orders", Item=order("bob", 1))
    assert notes() == (True, ["one"])
    put(orders, "two")
    assert notes() == (False, ["two"])


def test_other_reads_say_why_they_bypass(orders):
    strong = orders.query(TableName="orders", ConsistentRead=True, **OF_ADA)
    assert status(strong) == "linac; fwd=bypass; detail=strong-read"
    assert status(orders.scan(TableName="orders")) == "linac; fwd=bypass; detail=table-cache-off"


def test_a_transactional_read_bypasses(vendor, orders):
    need(vendor, transactions)
    answer = orders.transact_get_items(TransactItems=[{"Get": HERE}])
    assert status(answer) == "linac; fwd=bypass; detail=transactional-read"


NOTE = itertools.count()


def put(client, note):
    client.put_item(TableName="orders", Item=order("ada", 1, note={"S": note}))


def update(client, note):
    client.update_item(
        **HERE, UpdateExpression="SET note = :n", ExpressionAttributeValues={":n": {"S": note}}
    )


def update_answered_with_all_new(client, note):
    answer = client.update_item(
        **HERE,
        UpdateExpression="SET note = :n",
        ExpressionAttributeValues={":n": {"S": note}},
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"]["note"] == {"S": note}


def update_in_the_old_style(client, note):
    client.update_item(**HERE, AttributeUpdates={"note": {"Action": "PUT", "Value": {"S": note}}})


def batch_put(client, note):
    puts = [{"PutRequest": {"Item": order("ada", placed, note={"S": note})}} for placed in (1, 2)]
    client.batch_write_item(RequestItems={"orders": puts})


def transact_put(client, note):
    put = {"Put": {"TableName": "orders", "Item": order("ada", 1, note={"S": note})}}
    client.transact_write_items(TransactItems=[put])


def transact_update(client, note):
    values = {":n": {"S": note}}
    update = HERE | {"UpdateExpression": "SET note = :n", "ExpressionAttributeValues": values}
    client.transact_write_items(TransactItems=[{"Update": update}])


def execute_update(client, note):
    client.execute_statement(
        Statement='UPDATE "orders" SET note = ? WHERE customer = ? AND placed = ?',
        Parameters=[{"S": note}, {"S": "ada"}, {"N": "1"}],
    )


def delete(client, _):
    client.delete_item(**HERE)


def batch_delete(client, _):
    client.batch_write_item(RequestItems={"orders": [{"DeleteRequest": {"Key": HERE["Key"]}}]})


def transact_delete(client, _):
    client.transact_write_items(TransactItems=[{"Delete": HERE}])


def execute_delete(client, _):
    client.execute_statement(Statement="DELETE FROM \"orders\" WHERE customer = 'ada' AND placed = 1")


# Each way to write, with what the server must be able to do for it.
WRITES = {
    **dict.fromkeys([put, update, update_answered_with_all_new, update_in_the_old_style, batch_put]),
    **dict.fromkeys([delete, batch_delete]),
    **dict.fromkeys([transact_put, transact_update, transact_delete], transactions),
    **{execute_update: partiql, execute_delete: partiql_delete},
}


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_a_write_makes_the_next_read_fresh(vendor, cached, orders, write):
    need(vendor, WRITES[write])
    for _ in range(10):
        put(orders, "before")
        orders.get_item(**HERE)
        assert is_hit(orders.get_item(**HERE))
        note = f"note {next(NOTE)}"
        write(orders, note)
        fresh = orders.get_item(**HERE)
        truth = cached.origin_client.get_item(**HERE, ConsistentRead=True)
        assert fresh.get("Item") == truth.get("Item")
        assert fresh.get("Item", {}).get("note") == (None if "delete" in write.__name__ else {"S": note})
        assert is_hit(orders.get_item(**HERE))


def test_a_refused_write_leaves_the_item_as_it_is(cached, orders):
    put(orders, "kept")
    for _ in range(2):
        with pytest.raises(orders.exceptions.ConditionalCheckFailedException):
            orders.put_item(
                TableName="orders", Item=order("ada", 1), ConditionExpression="attribute_not_exists(customer)"
            )
        assert note_of(orders.get_item(**HERE)) == "kept"


def test_a_table_made_again_does_not_remember_the_old_items(cached, orders):
    orders.get_item(**HERE)
    assert is_hit(orders.get_item(**HERE))
    orders.delete_table(TableName="orders")
    orders.get_waiter("table_not_exists").wait(TableName="orders", WaiterConfig={"Delay": 0.05})
    with pytest.raises(orders.exceptions.ResourceNotFoundException):
        orders.get_item(**HERE)
    create(orders, "orders", ORDERS)
    assert "Item" not in orders.get_item(**HERE)


PROJECTIONS = [
    {"ProjectionExpression": "cents"},
    {"ProjectionExpression": "#s, customer", "ExpressionAttributeNames": {"#s": "state"}},
    {"ProjectionExpression": "parts[1].sku, parts[0]"},
    {"ProjectionExpression": "parts[0].sku, parts[0].label, parts[2]"},
    {"ProjectionExpression": "parts[7], nobody.here[3].either"},
    {"ProjectionExpression": "address.city, address.#d", "ExpressionAttributeNames": {"#d": "street.name"}},
    {"ProjectionExpression": "#all", "ExpressionAttributeNames": {"#all": "placed"}},
    {"AttributesToGet": ["address", "cents", "nothing"]},
]


# moto overlooks AttributesToGet, and loses a list's element when two are asked for.
MOTO_GETS_WRONG = [PROJECTIONS[2], PROJECTIONS[3], PROJECTIONS[-1]]


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: str([*projection.values()][0]))
def test_a_projection_of_the_cached_item_equals_the_direct_answer(vendor, cached, orders, projection):
    parts = {"L": [{"M": {"sku": {"N": str(sku)}, "label": {"S": f"p{sku}"}}} for sku in range(3)]}
    address = {"M": {"city": {"S": "Ulm"}, "street.name": {"S": "Am Bach"}}}
    orders.put_item(TableName="orders", Item=order("ada", 1, parts=parts, address=address))
    orders.get_item(**HERE)
    answer = orders.get_item(**HERE, **projection)
    assert is_hit(answer), status(answer)
    if vendor == "moto" and projection in MOTO_GETS_WRONG:
        pytest.skip("moto answers otherwise than DynamoDB")
    assert answer.get("Item") == cached.origin_client.get_item(**HERE, **projection).get("Item")


def test_a_batch_asks_only_for_the_keys_that_are_not_in_memory(cached):
    client = cached.client
    create(client, "products", PRODUCTS)
    skus = ("1", "2", "3")
    for sku in skus:
        cached.origin_client.put_item(TableName="products", Item=product_key(sku) | {"label": {"S": "old"}})
    for sku in ("1", "404"):
        client.get_item(TableName="products", Key=product_key(sku))
    for sku in skus:
        cached.origin_client.put_item(TableName="products", Item=product_key(sku) | {"label": {"S": "new"}})

    def batch(*skus):
        answer = client.batch_get_item(
            RequestItems={"products": {"Keys": [product_key(sku) for sku in skus]}}
        )
        assert answer["UnprocessedKeys"] == {}
        return status(answer), {
            item["sku"]["N"]: item["label"]["S"] for item in answer["Responses"]["products"]
        }

    assert batch("1", "2", "3", "404") == ("linac; fwd=partial", {"1": "old", "2": "new", "3": "new"})
    again, found = batch("3", "1", "2", "404")
    assert again.startswith("linac; hit")
    assert found == {"1": "old", "2": "new", "3": "new"}
    # What the batch brought is there for the single read, too.
    assert is_hit(client.get_item(TableName="products", Key=product_key("2")))


def test_a_number_is_one_key_however_it_is_written(cached):
    client = cached.client
    create(client, "products", PRODUCTS)
    client.put_item(TableName="products", Item=product_key("1") | {"label": {"S": "one"}})
    client.get_item(TableName="products", Key=product_key("1"))
    for one in ("1", "1.0", "1e0", "0.1E1", "01"):
        answer = client.get_item(TableName="products", Key=product_key(one))
        assert is_hit(answer), one
        assert answer["Item"]["label"] == {"S": "one"}


def test_a_table_and_its_arn_are_one(vendor, orders):
    if vendor != "moto":
        pytest.skip(f"{vendor} takes no ARN for a table's name")
    arn = orders.describe_table(TableName="orders")["Table"]["TableArn"]
    by_arn = HERE | {"TableName": arn}
    orders.get_item(**HERE)
    assert is_hit(orders.get_item(**by_arn))
    orders.update_item(
        **by_arn, UpdateExpression="SET note = :n", ExpressionAttributeValues={":n": {"S": "by ARN"}}
    )
    assert note_of(orders.get_item(**HERE)) == "by ARN"
