"""The AWS CLI's own way with pages: it splits, joins and continues what a server answers."""

import json

import pytest

from tables import ORDERS, PRODUCTS, create, order, order_key

COUNT = 7
OF_ADA = (
    *("query", "--table-name", "orders", "--key-condition-expression", "customer = :c"),
    *("--expression-attribute-values", '{":c": {"S": "ada"}}'),
)
SCAN = ("scan", "--table-name", "orders")


@pytest.fixture
def shop(node):
    """A node with one customer's orders, so that a scan has them in order too."""
    create(node.client, "orders", ORDERS)
    puts = [{"PutRequest": {"Item": order("ada", placed)}} for placed in range(COUNT)]
    node.client.batch_write_item(RequestItems={"orders": puts})
    return node


def text(node, *words) -> str:
    run = node.cli(*words)
    assert run.returncode == 0, run.stderr
    return run.stdout


def answer(node, *words) -> dict:
    return json.loads(text(node, *words, "--output", "json"))


def placed(items) -> list:
    return [int(item["placed"]["N"]) for item in items]


def chain(node, member: str, *words) -> list:
    """The parts that `--max-items` cuts an answer into, each continued by `--starting-token`."""
    parts, token = [], ()
    while True:
        part = answer(node, *words, *token)
        parts.append(part[member])
        if "NextToken" not in part:
            return parts
        token = ("--starting-token", part["NextToken"])
        assert len(parts) < 20, "goes on for ever"


@pytest.mark.parametrize("command", [OF_ADA, SCAN], ids=["query", "scan"])
def test_pages_of_one_are_joined_to_the_whole(shop, command):
    whole = answer(shop, *command)
    assert (whole["Count"], whole["ScannedCount"], placed(whole["Items"])) == (COUNT, COUNT, list(range(COUNT)))
    assert answer(shop, *command, "--page-size", "1") == whole
    assert answer(shop, *command, "--page-size", "3") == whole


@pytest.mark.parametrize("command", [OF_ADA, SCAN], ids=["query", "scan"])
@pytest.mark.parametrize("page", [(), ("--page-size", "2")], ids=["one-page", "pages-of-two"])
def test_a_starting_token_goes_on_where_max_items_stopped(shop, command, page):
    parts = chain(shop, "Items", *command, "--max-items", "3", *page)
    assert [placed(items) for items in parts] == [[0, 1, 2], [3, 4, 5], [6]]


def test_no_paginate_is_one_call(shop):
    first = answer(shop, *OF_ADA, "--no-paginate", "--limit", "4")
    assert (first["Count"], placed(first["Items"])) == (4, [0, 1, 2, 3])
    assert first["LastEvaluatedKey"] == order_key("ada", 3)
    key = ("--exclusive-start-key", json.dumps(first["LastEvaluatedKey"]))
    rest = answer(shop, *OF_ADA, "--no-paginate", *key)
    assert placed(rest["Items"]) == [4, 5, 6] and "LastEvaluatedKey" not in rest
    # Every item is looked at, page by page, and most are filtered out: empty pages do not end the walk.
    last = ("--filter-expression", "cents = :last", "--page-size", "2")
    values = ("--expression-attribute-values", '{":c": {"S": "ada"}, ":last": {"N": "60"}}')
    found = answer(shop, *OF_ADA[:-2], *values, *last)
    assert (found["Count"], found["ScannedCount"], placed(found["Items"])) == (1, COUNT, [6])


def test_an_index_and_an_order_are_paged_like_the_table(shop):
    by_state = (
        *("query", "--table-name", "orders", "--index-name", "by-state", "--no-scan-index-forward"),
        *("--key-condition-expression", "#s = :open", "--expression-attribute-names", '{"#s": "state"}'),
        *("--expression-attribute-values", '{":open": {"S": "open"}}'),
    )
    parts = chain(shop, "Items", *by_state, "--max-items", "2", "--page-size", "1")
    assert [placed(items) for items in parts] == [[5, 3], [1]]


def test_output_and_query(shop):
    of_text = ("--output", "text", "--query")
    assert text(shop, *OF_ADA, *of_text, "Items[?to_number(cents.N) > `30`].placed.N | [0]").split() == ["4"]
    # With text the CLI prints page by page, whatever it is asked for.
    assert text(shop, *OF_ADA, *of_text, "Count", "--page-size", "3").split() == ["3", "3", "1"]
    assert text(shop, *SCAN, "--select", "COUNT", *of_text, "[Count,ScannedCount]").split() == ["7", "7"]
    table = text(shop, "describe-table", "--table-name", "orders", "--output", "table", "--query", "Table.KeySchema")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line]
    assert ["customer", "HASH"] in cells and ["placed", "RANGE"] in cells
    assert answer(shop, *OF_ADA, "--query", "Items[-1]") == order("ada", COUNT - 1)


def test_tables_are_listed_by_pages(node):
    names = [f"table-{number}" for number in range(5)]
    for name in names:
        create(node.client, name, PRODUCTS)
    assert answer(node, "list-tables", "--page-size", "1") == {"TableNames": names}
    assert chain(node, "TableNames", "list-tables", "--max-items", "2") == [names[:2], names[2:4], names[4:]]
    assert chain(node, "TableNames", "list-tables", "--max-items", "3", "--page-size", "2") == [names[:3], names[3:]]
    one = answer(node, "list-tables", "--no-paginate", "--limit", "2")
    assert one == {"TableNames": names[:2], "LastEvaluatedTableName": names[1]}


def test_tags_are_listed_by_pages(shop):
    arn = shop.client.describe_table(TableName="orders")["Table"]["TableArn"]
    tags = [{"Key": f"key-{number:02}", "Value": str(number)} for number in range(15)]
    text(shop, "tag-resource", "--resource-arn", arn, "--tags", json.dumps(tags))
    listing = ("list-tags-of-resource", "--resource-arn", arn)
    parts = chain(shop, "Tags", *listing, "--max-items", "6")
    assert [len(part) for part in parts] == [6, 6, 3]
    assert sorted(sum(parts, []), key=lambda tag: tag["Key"]) == tags
    text(shop, "untag-resource", "--resource-arn", arn, "--tag-keys", *[tag["Key"] for tag in tags[1:]])
    assert answer(shop, *listing) == {"Tags": tags[:1]}


def test_partiql_goes_on_with_its_own_token(shop):
    select = ("execute-statement", "--statement", "SELECT placed FROM orders WHERE customer = 'ada'", "--limit", "3")
    parts, token = [], ()
    for _ in range(4):
        part = answer(shop, *select, *token)
        parts.append(placed(part["Items"]))
        if "NextToken" not in part:
            break
        token = ("--next-token", part["NextToken"])
    assert sum(parts, []) == list(range(COUNT)) and parts[:2] == [[0, 1, 2], [3, 4, 5]]
