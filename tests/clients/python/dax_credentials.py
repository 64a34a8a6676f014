"""An application of DAX's client for Python with right credentials and with wrong ones, where DAX looks at them."""

import datetime
import os
from unittest import mock

import botocore.session
import pytest
from amazondax import AmazonDaxClient
from amazondax.DaxError import DaxServiceError

RIGHT = (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
KEY = {"customer": {"S": "credentials"}, "placed": {"N": "1"}}


class AnHourAgo(datetime.datetime):
    """By this the client tells the time when it signs."""

    @classmethod
    def utcfromtimestamp(cls, timestamp):
        return super().utcfromtimestamp(timestamp - 3600)


def read(access_key_id, secret):
    session = botocore.session.get_session()
    session.set_credentials(access_key_id, secret)
    region, endpoint = os.environ["AWS_REGION"], os.environ["DAX_ENDPOINT"]
    with AmazonDaxClient(session, region_name=region, endpoint_url=endpoint) as dax:
        return dax.get_item(TableName="orders", Key=KEY)


def refused(access_key_id, secret):
    """The code and message with which a client is told off before it can ask for anything."""
    with pytest.raises(DaxServiceError) as refusal:
        read(access_key_id, secret)
    error = refusal.value.response["Error"]
    return error["Code"], error["Message"]


def test_right_credentials():
    assert "Item" not in read(*RIGHT)


def test_wrong_secret():
    code, message = refused(RIGHT[0], "wrong")
    assert code == "InvalidSignatureException" and "check the secret" in message


def test_unknown_key():
    code, message = refused("AKIDNOBODY", RIGHT[1])
    assert code == "UnrecognizedClientException" and "not known" in message


def test_expired_signature():
    with mock.patch("datetime.datetime", AnHourAgo):
        code, message = refused(*RIGHT)
    assert code == "InvalidSignatureException" and "check the clock" in message
