"""Applications of the SDKs in other languages, unmodified, on linac with its own engine.

Each folder has programs in one language, which know nothing of linac: the environment tells them where to go. Every SDK
tries the same BEHAVIOURS, as far as it has them, with what its users like to use; a mapper has tests of its own.
"""

import re

import pytest

from applications import Application, go, java, javascript, run
from servers import PEERS

BEHAVIOURS = [
    *["tables", "attribute types", "conditions", "updates", "queries", "scans"],
    *["batches", "transactions", "errors"],
]

APPLICATIONS = {
    "javascript-sdk": javascript("sdk.test.mjs", BEHAVIOURS),
    "electrodb": javascript("electrodb.test.mjs", ["an entity's life", "queries and collections", "transactions"]),
    "dynamodb-toolbox": javascript("toolbox.test.mjs", ["an entity's life", "queries and batches", "transactions"]),
    "rust-sdk": Application([PEERS / "rust/debug/linac-clients-rust"], r"^ok (\w+)$", BEHAVIOURS),
    "java-sdk": java("SdkTest", BEHAVIOURS),
    "java-enhanced": java(
        "EnhancedTest", ["item life", "conditions", "updates", "queries", "batches", "transactions"]
    ),
    "go-sdk": go("sdk.test", BEHAVIOURS),
}


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_runs_unmodified(application, node):
    hits = node.outcomes("hit")
    APPLICATIONS[application].run(node)
    assert node.outcomes("hit") > hits, "the cache took no part"


def test_a_mapper_passes_its_own_tests(node):
    """guregu/dynamo, whose tests want a DynamoDB, make their tables there, and are skipped without one."""
    tests = PEERS / "go/dynamo.test"
    listed = run([tests, "-test.list", "^Test"], node).splitlines()
    wanted = {"ENDPOINT": node.url, "REGION": "us-east-1", "TABLE": "TestDB-%"}
    output = run([tests, "-test.v"], node, {f"DYNAMO_TEST_{name}": value for name, value in wanted.items()})
    passed = re.findall(r"^--- PASS: (\w+) \(", output, re.MULTILINE)
    assert len(listed) > 40 and sorted(passed) == sorted(listed), output
    assert "SKIP" not in output
