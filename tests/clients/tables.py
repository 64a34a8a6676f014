"""The tables that everything is tried on: the first two, and a third for keys."""

# One partition for each customer, ordered by date; an index finds the orders of a state by what they cost.
ORDERS = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "customer", "AttributeType": "S"},
        {"AttributeName": "placed", "AttributeType": "N"},
        {"AttributeName": "state", "AttributeType": "S"},
        {"AttributeName": "cents", "AttributeType": "N"},
    ],
    "KeySchema": [
        {"AttributeName": "customer", "KeyType": "HASH"},
        {"AttributeName": "placed", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-state",
            "KeySchema": [
                {"AttributeName": "state", "KeyType": "HASH"},
                {"AttributeName": "cents", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}

# A partition key alone, which is a number.
PRODUCTS = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "sku", "AttributeType": "N"}],
    "KeySchema": [{"AttributeName": "sku", "KeyType": "HASH"}],
}

# Keys of bytes, and collections of the pieces of one file, which a local index has in the order of their lengths. Nothing
# but the DAX clients has a use for them, which do not send keys as they send other attributes.
PIECES = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "digest", "AttributeType": "B"},
        {"AttributeName": "path", "AttributeType": "B"},
        {"AttributeName": "octets", "AttributeType": "N"},
    ],
    "KeySchema": [
        {"AttributeName": "digest", "KeyType": "HASH"},
        {"AttributeName": "path", "KeyType": "RANGE"},
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "by-octets",
            "KeySchema": [
                {"AttributeName": "digest", "KeyType": "HASH"},
                {"AttributeName": "octets", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}

# Polls more often than the SDK would: the servers are at hand.
PATIENCE = {"Delay": 0.05, "MaxAttempts": 100}


def order_key(customer: str, placed: int) -> dict:
    return {"customer": {"S": customer}, "placed": {"N": str(placed)}}


def order(customer: str, placed: int, **more) -> dict:
    return order_key(customer, placed) | {
        "state": {"S": "open" if placed % 2 else "paid"},
        "cents": {"N": str(placed * 10)},
        **more,
    }


def product_key(sku) -> dict:
    return {"sku": {"N": str(sku)}}


def create(client, table: str, definition: dict):
    client.create_table(TableName=table, **definition)
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig=PATIENCE)


def create_all(client):
    for table, definition in {"orders": ORDERS, "products": PRODUCTS, "pieces": PIECES}.items():
        create(client, table, definition)


def drop_all(client):
    for table in client.list_tables()["TableNames"]:
        client.delete_table(TableName=table)
        client.get_waiter("table_not_exists").wait(TableName=table, WaiterConfig=PATIENCE)
