"""Consumers of a table's stream on linac with its own engine, as boto3 has them."""

import time

import pytest

from tables import ORDERS, create, order, order_key
from ways import at, session

STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}


@pytest.fixture
def streams(node):
    return session().client("dynamodbstreams", **at(node.url))


@pytest.fixture
def arn(node, streams):
    """The stream of a table of orders."""
    create(node.client, "orders", ORDERS | STREAM)
    latest = node.client.describe_table(TableName="orders")["Table"]["LatestStreamArn"]
    # The streams of tables of this name that are gone are listed for a day.
    assert latest in [stream["StreamArn"] for stream in streams.list_streams(TableName="orders")["Streams"]]
    return latest


def shards(streams, arn) -> list:
    """All shards, each after its parent, page by page."""
    found, more = [], {}
    while True:
        page = streams.describe_stream(StreamArn=arn, Limit=1, **more)["StreamDescription"]
        assert (page["StreamStatus"], page["StreamViewType"]) == ("ENABLED", "NEW_AND_OLD_IMAGES")
        found += page["Shards"]
        if "LastEvaluatedShardId" not in page:
            break
        more = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}
    ids = [shard["ShardId"] for shard in found]
    for place, shard in enumerate(found):
        assert shard.get("ParentShardId") not in ids[place:], "a child before its parent"
    return found


def read(streams, iterator: str, limit: int = 3) -> list:
    """What is in a shard now, by pages; an open one is read until a page is empty."""
    records = []
    while iterator:
        page = streams.get_records(ShardIterator=iterator, Limit=limit)
        assert len(page["Records"]) <= limit
        records += page["Records"]
        iterator = page.get("NextShardIterator") if page["Records"] else None
    return records


def everything(streams, arn) -> list:
    records = []
    for shard in shards(streams, arn):
        start = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        of_shard = read(streams, streams.get_shard_iterator(**start)["ShardIterator"])
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in of_shard]
        assert numbers == sorted(set(numbers))
        records += of_shard
    return records


def test_a_consumer_rebuilds_the_table(node, streams, arn):
    client = node.client
    for customer in ("ada", "bob", "eve", "joe"):
        puts = [{"PutRequest": {"Item": order(customer, placed)}} for placed in range(5)]
        client.batch_write_item(RequestItems={"orders": puts})
    here = {"TableName": "orders", "Key": order_key("ada", 1)}
    note = {"UpdateExpression": "SET note = :n", "ExpressionAttributeValues": {":n": {"S": "changed"}}}
    for _ in "twice":
        # The second time nothing changes, and nothing is recorded.
        client.update_item(**here, **note)
    client.put_item(TableName="orders", Item=order("bob", 2))
    client.delete_item(**here)
    client.delete_item(TableName="orders", Key=order_key("nobody", 1))
    moved = [{"Delete": {"TableName": "orders", "Key": order_key("eve", 0)}}]
    moved += [{"Put": {"TableName": "orders", "Item": order("eve", 9)}}]
    client.transact_write_items(TransactItems=moved)

    records = everything(streams, arn)
    replica, names = {}, []
    for record in records:
        change = record["dynamodb"]
        key = str(sorted(change["Keys"].items()))
        assert change.get("OldImage") == replica.get(key), "the old image is what was there"
        assert (record["eventSource"], change["StreamViewType"]) == ("aws:dynamodb", "NEW_AND_OLD_IMAGES")
        assert "userIdentity" not in record
        replica[key] = change.get("NewImage")
        if change["Keys"] == order_key("ada", 1):
            names.append(record["eventName"])
    assert names == ["INSERT", "MODIFY", "REMOVE"]
    assert len(records) == 20 + 2 + 2
    kept = [item for item in replica.values() if item]
    table = client.scan(TableName="orders")["Items"]
    assert len(table) == 19 and sorted(kept, key=repr_of) == sorted(table, key=repr_of)


def repr_of(item: dict) -> str:
    return repr(sorted(item.items()))


def test_iterators_start_where_they_are_told(node, streams, arn):
    for placed in range(6):
        node.client.put_item(TableName="orders", Item=order("ada", placed))
    latest = [
        streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST")["ShardIterator"]
        for shard in shards(streams, arn)
    ]
    node.client.put_item(TableName="orders", Item=order("ada", 6))
    [late] = [record for iterator in latest for record in read(streams, iterator)]
    assert late["dynamodb"]["Keys"] == order_key("ada", 6)

    # One customer's orders are all in one shard: in what was read, three lie before the last three.
    records = everything(streams, arn)
    fourth = records[3]["dynamodb"]["SequenceNumber"]
    for how, rest in (("AT_SEQUENCE_NUMBER", 4), ("AFTER_SEQUENCE_NUMBER", 3)):
        found = []
        for shard in shards(streams, arn):
            start = int(shard["SequenceNumberRange"]["StartingSequenceNumber"])
            end = int(shard["SequenceNumberRange"].get("EndingSequenceNumber", 10**40))
            if start <= int(fourth) <= end:
                place = {"StreamArn": arn, "ShardId": shard["ShardId"], "SequenceNumber": fourth}
                iterator = streams.get_shard_iterator(**place, ShardIteratorType=how)["ShardIterator"]
                found.append(len(read(streams, iterator)))
        assert rest in found


def test_an_expired_item_is_deleted_by_the_service(node, streams, arn):
    client = node.client
    rule = {"Enabled": True, "AttributeName": "expires"}
    client.update_time_to_live(TableName="orders", TimeToLiveSpecification=rule)
    told = client.describe_time_to_live(TableName="orders")["TimeToLiveDescription"]
    assert told == {"AttributeName": "expires", "TimeToLiveStatus": "ENABLED"}
    now = int(time.time())
    gone = order("ada", 1, expires={"N": str(now - 60)})
    kept = [
        order("ada", 2, expires={"N": str(now + 3600)}),
        order("ada", 3, expires={"S": str(now - 60)}),
        order("ada", 4, expires={"N": str(now - 6 * 365 * 24 * 3600)}),
        order("ada", 5),
    ]
    for item in [*kept, gone]:
        client.put_item(TableName="orders", Item=item)
    removed, deadline = [], time.monotonic() + 60
    while not removed and time.monotonic() < deadline:
        time.sleep(0.2)
        removed = [record for record in everything(streams, arn) if record["eventName"] == "REMOVE"]
    [record] = removed
    assert record["dynamodb"]["OldImage"] == gone and "NewImage" not in record["dynamodb"]
    assert record["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    for consistent in (True, False):
        answer = client.get_item(TableName="orders", Key=order_key("ada", 1), ConsistentRead=consistent)
        assert "Item" not in answer
    assert client.scan(TableName="orders")["Items"] == kept
