"""An application of PynamoDB: a forum's threads, with indexes, versions, typed attributes and transactions."""

from datetime import datetime, timedelta, timezone

import pytest
from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    NumberSetAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection, LocalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

from script import normalised
from servers import ENVIRONMENT


class Author(MapAttribute):
    name = UnicodeAttribute()
    age = NumberAttribute(null=True)


class ByViews(LocalSecondaryIndex):
    class Meta:
        projection = KeysOnlyProjection()

    forum = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class ByTag(GlobalSecondaryIndex):
    class Meta:
        index_name = "by-tag"
        projection = AllProjection()

    tag = UnicodeAttribute(hash_key=True)
    subject = UnicodeAttribute(range_key=True)


class Thread(Model):
    class Meta:
        table_name = "threads"
        billing_mode = "PAY_PER_REQUEST"
        max_retry_attempts = 0

    forum = UnicodeAttribute(hash_key=True)
    subject = UnicodeAttribute(range_key=True)
    views = NumberAttribute(default=0)
    tag = UnicodeAttribute(null=True)
    author = Author(null=True)
    replies = ListAttribute(default=list)
    labels = UnicodeSetAttribute(null=True)
    scores = NumberSetAttribute(null=True)
    closed = BooleanAttribute(default=False)
    picture = BinaryAttribute(null=True, legacy_encoding=False)
    extra = JSONAttribute(null=True)
    opened = UTCDateTimeAttribute(null=True)
    version = VersionAttribute()
    by_views = ByViews()
    by_tag = ByTag()


@pytest.fixture
def threads(node):
    """The model, sent to the node as an application is: by its settings."""
    settings = {
        "host": node.url,
        "region": ENVIRONMENT["AWS_REGION"],
        "aws_access_key_id": ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    }
    for name, value in settings.items():
        setattr(Thread.Meta, name, value)
    # A model keeps its connection; this one is for another node.
    Thread._connection = None
    Thread.create_table(wait=True)
    yield Thread
    Thread.delete_table()


@pytest.fixture
def connection(threads):
    meta = threads.Meta
    connection = Connection(region=meta.region, host=meta.host, max_retry_attempts=0)
    credentials = (meta.aws_access_key_id, meta.aws_secret_access_key)
    connection.session.set_credentials(*credentials)
    return connection


def fill(threads, forum: str, count: int):
    with threads.batch_write() as batch:
        for number in range(count):
            tag = "odd" if number % 2 else "even"
            batch.save(threads(forum, f"t{number:03}", views=number * 10, tag=tag, version=1))


def subjects(found) -> list:
    return [int(thread.subject[1:]) for thread in found]


def test_a_table_is_what_the_model_says(node, threads):
    assert threads.exists()
    table = node.client.describe_table(TableName="threads")["Table"]
    assert table["TableStatus"] == "ACTIVE" and table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    indexes = {index["IndexName"]: index for index in table["LocalSecondaryIndexes"] + table["GlobalSecondaryIndexes"]}
    assert indexes["by_views"]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert indexes["by-tag"]["Projection"] == {"ProjectionType": "ALL"}
    assert threads.describe_table()["TableName"] == "threads"


def test_an_items_life(threads):
    with pytest.raises(DoesNotExist):
        threads.get("life", "t001")
    opened = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
    thread = threads(
        "life",
        "t001",
        author=Author(name="ada", age=36),
        replies=[Author(name="bob"), "text", 1.5, None, {"a.b": True}],
        labels={"a", "ä"},
        scores={1, 2.5},
        picture=bytes(range(256)),
        extra={"deep": [1, {"x": None}]},
        opened=opened,
    )
    thread.save(condition=Thread.forum.does_not_exist())
    for consistent in (False, False, True):
        found = threads.get("life", "t001", consistent_read=consistent)
        assert normalised(found.serialize()) == normalised(thread.serialize())
    assert (found.author.name, found.author.age, found.opened) == ("ada", 36, opened)
    assert found.picture == bytes(range(256)) and found.version == 1

    # Two readers change it; who is late is refused by the version.
    late = threads.get("life", "t001")
    found.update(
        actions=[
            Thread.views.set(Thread.views + 5),
            Thread.replies.set(Thread.replies.append(["last"])),
            Thread.labels.add({"b"}),
            Thread.author.age.remove(),
            Thread.scores.delete({1}),
        ],
        condition=(Thread.views < 1) & Thread.author.name.startswith("a") & Thread.labels.contains("a"),
    )
    assert (found.views, found.version, found.author.age) == (5, 2, None)
    assert (found.labels, found.scores) == ({"a", "ä", "b"}, {2.5})
    assert normalised(threads.get("life", "t001").serialize()) == normalised(found.serialize())
    late.closed = True
    with pytest.raises(PutError) as refused:
        late.save()
    assert refused.value.cause_response_code == "ConditionalCheckFailedException"
    with pytest.raises(UpdateError):
        found.update(actions=[Thread.closed.set(True)], condition=Thread.views > 5)
    late.refresh()
    assert (late.closed, late.version) == (False, 2)
    late.delete()
    assert threads.count("life") == 0
    with pytest.raises(DoesNotExist):
        threads.get("life", "t001")


def test_queries_go_through_pages(threads):
    fill(threads, "many", 30)
    assert threads.count("many") == 30
    found = threads.query("many", Thread.subject.between("t005", "t020"), page_size=4)
    assert subjects(found) == list(range(5, 21)) and found.total_count == 16
    assert subjects(threads.query("many", scan_index_forward=False, limit=3)) == [29, 28, 27]
    filtered = threads.query("many", filter_condition=(Thread.views >= 250) & (Thread.tag == "odd"), page_size=7)
    assert subjects(filtered) == [25, 27, 29]
    one_by_one, last = [], None
    for _ in range(3):
        page = threads.query("many", limit=12, page_size=5, last_evaluated_key=last)
        one_by_one.append(len(list(page)))
        last = page.last_evaluated_key
    assert one_by_one == [12, 12, 6] and last is None
    by_views = threads.by_views.query("many", Thread.views > 270)
    assert [thread.views for thread in by_views] == [280, 290]
    by_tag = threads.by_tag.query("odd", Thread.subject.startswith("t02"), attributes_to_get=["subject", "views"])
    assert subjects(by_tag) == [21, 23, 25, 27, 29]
    assert threads.by_tag.count("even") == 15
    assert sorted(subjects(threads.scan(Thread.forum == "many", page_size=8))) == list(range(30))
    segments = [subjects(threads.scan(segment=segment, total_segments=3)) for segment in range(3)]
    assert sorted(sum(segments, [])) == list(range(30))


def test_batches(threads):
    fill(threads, "batches", 40)
    keys = [("batches", f"t{number:03}") for number in (*range(0, 40, 2), 77)]
    for _ in "twice":
        assert sorted(subjects(threads.batch_get(keys))) == list(range(0, 40, 2))
    with threads.batch_write() as batch:
        for thread in threads.query("batches", Thread.subject < "t035"):
            batch.delete(thread)
    assert sorted(subjects(threads.batch_get(keys, attributes_to_get=["subject"]))) == [36, 38]


def test_transactions(threads, connection):
    first = threads("together", "t001", views=1)
    first.save()
    with TransactWrite(connection=connection, client_request_token="pynamo-once") as write:
        write.condition_check(Thread, "together", "t009", condition=Thread.forum.does_not_exist())
        write.update(first, actions=[Thread.views.add(2)], condition=Thread.views == 1)
        write.save(Thread("together", "t002", opened=datetime.now(timezone.utc) + timedelta(days=1)))
    with TransactGet(connection=connection) as read:
        futures = [read.get(Thread, "together", f"t00{number}") for number in (1, 2, 3)]
    assert (futures[0].get().views, futures[1].get().subject) == (3, "t002")
    with pytest.raises(DoesNotExist):
        futures[2].get()
    with pytest.raises(TransactWriteError) as cancelled, TransactWrite(connection=connection) as write:
        write.delete(Thread("together", "t002"), add_version_condition=False)
        again = threads.get("together", "t001")
        write.update(again, actions=[Thread.views.set(0)], condition=Thread.views == 1, return_values="ALL_OLD")
    reasons = cancelled.value.cancellation_reasons
    assert reasons[0] is None and reasons[1].code == "ConditionalCheckFailed"
    assert reasons[1].raw_item["views"] == {"N": "3"}
    assert threads.count("together") == 2
