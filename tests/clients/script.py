"""Records what a way answers, in a form in which two ways can be compared."""

import json

import pytest
from botocore.exceptions import ClientError

# Differs from server to server, or from second to second.
VOLATILE = {
    "CreationDateTime",
    "LastUpdateToPayPerRequestDateTime",
    "TableId",
    "LastIncreaseDateTime",
    "LastDecreaseDateTime",
}


class Script:
    """One run of a scenario: asks, and notes every answer, errors included."""

    def __init__(self, way):
        self.way = way
        self.client, self.resource = way.client, way.resource
        self.answers = []

    def note(self, what: str, answer):
        self.answers.append((what, normalised(answer)))

    def ask(self, operation, **request):
        """Calls a method of a client or resource."""
        what = f"{len(self.answers)}: {operation.__name__}"
        try:
            answer = operation(**request)
        except ClientError as refusal:
            self.note(what, refusal.response)
            raise
        if "ReturnConsumedCapacity" not in request:
            # moto tells it unasked.
            answer = {name: value for name, value in (answer or {}).items() if name != "ConsumedCapacity"}
        self.note(what, answer)
        return answer

    def ask_twice(self, operation, **request):
        """Calls again what was just answered: the second time it is in the cache, if it ever is."""
        self.ask(operation, **request)
        return self.ask(operation, **request)

    def refused(self, code: str, operation, **request) -> dict:
        """Calls what the server must refuse with this code."""
        with pytest.raises(ClientError) as refusal:
            self.ask(operation, **request)
        assert refusal.value.response["Error"]["Code"] == code
        return refusal.value.response

    def cli(self, *words, fails: str = "") -> dict:
        """Runs the AWS CLI; `fails` is a part of what it must complain of."""
        run = self.way.cli(*words)
        answer = json.loads(run.stdout) if run.stdout.strip() else {}
        self.note(
            f"{len(self.answers)}: aws {words[0]}", {"code": run.returncode, "err": run.stderr, "out": answer}
        )
        assert (run.returncode != 0) == bool(fails) and fails in run.stderr, run.stderr
        return answer


def normalised(value, name: str = ""):
    """The answer without what is volatile, and with what DynamoDB leaves unordered in one order."""
    match value:
        case dict() if name == "ResponseMetadata":
            return value["HTTPStatusCode"]
        case dict() if name == "Responses":
            return {table: in_order(items) for table, items in value.items()}
        case dict():
            return {key: normalised(value[key], key) for key in sorted(value) if key not in VOLATILE}
        case set():
            return in_order(value)
        case list() if name in ("SS", "NS", "BS"):
            return in_order(value)
        case list():
            return [normalised(element) for element in value]
        case _:
            return value


def in_order(values) -> list:
    return sorted((normalised(value) for value in values), key=repr)
