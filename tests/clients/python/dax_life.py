"""A long life of DAX's client for Python, as test_dax.py asks for it. The argument is the customer of its orders."""

import os
import sys
import time

import botocore.session
from amazondax import AmazonDaxClient

CUSTOMER = sys.argv[1]


def order(placed, **more):
    return {"customer": {"S": CUSTOMER}, "placed": {"N": str(placed)}} | more


with AmazonDaxClient(
    botocore.session.get_session(), region_name=os.environ["AWS_REGION"], endpoint_url=os.environ["DAX_ENDPOINT"]
) as dax:

    def put(placed, **more):
        dax.put_item(TableName="orders", Item=order(placed, **more))

    def get(**key):
        return dax.get_item(TableName="orders", Key=key).get("Item")

    def is_over():
        return get(customer={"S": "everybody"}, placed={"N": "0"}) is not None

    put(0, state={"S": "asleep"})
    assert get(**order(0)) == order(0, state={"S": "asleep"}) and not is_over()
    time.sleep(int(os.environ["IDLE"]))
    assert get(**order(0)) == order(0, state={"S": "asleep"})
    put(1, state={"S": "awake"})

    placed, over = 2, False
    while not over:
        try:
            parity = "odd" if placed % 2 else "even"
            put(placed, **{f"{parity} of {CUSTOMER}": {"N": str(placed)}, "state": {"S": parity}})
            over = is_over()
        except Exception as error:
            print(f"order {placed}: {error!r}", flush=True)
        placed += 1
        time.sleep(0.1)
