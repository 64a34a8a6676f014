"""Applications of the SDKs in other languages, unmodified, on linac with its own engine.

Each folder has programs in one language, which know nothing of linac: the environment tells them where to go. Every SDK
tries the same BEHAVIOURS, as far as it has them, with what its users like to use; a mapper has tests of its own.
"""

import re
import subprocess
from dataclasses import dataclass, field

import pytest

from servers import ENVIRONMENT, PEERS, sent_to

BEHAVIOURS = [
    *["tables", "attribute types", "conditions", "updates", "queries", "scans"],
    *["batches", "transactions", "errors"],
]

# How each test runner says which test has passed.
NODE = r"^ok \d+ - ([^#\n]+)$"
JUNIT = r" > (\w+)\(\) :: SUCCESSFUL$"
GO = r"^--- PASS: Test(\w+) \("


@dataclass
class Application:
    command: list
    passes: str
    tests: list = field(default_factory=lambda: BEHAVIOURS)


def java(test: str, *tests: str) -> Application:
    console = ["org.junit.platform.console.ConsoleLauncher", "execute", "--disable-banner", "--disable-ansi-colors"]
    classes = ["-cp", f"{PEERS}/java/classes:{PEERS}/java/lib/*"]
    command = ["java", *classes, *console, "--details=testfeed", f"--select-class={test}"]
    return Application(command, JUNIT, tests or BEHAVIOURS)


def javascript(file: str, *tests: str) -> Application:
    command = ["node", "--test", "--test-reporter=tap", PEERS / "javascript" / file]
    return Application(command, NODE, tests or BEHAVIOURS)


APPLICATIONS = {
    "javascript-sdk": javascript("sdk.test.mjs"),
    "electrodb": javascript("electrodb.test.mjs", "an entity's life", "queries and collections", "transactions"),
    "dynamodb-toolbox": javascript("toolbox.test.mjs", "an entity's life", "queries and batches", "transactions"),
    "rust-sdk": Application([PEERS / "rust/debug/linac-clients-rust"], r"^ok (\w+)$"),
    "java-sdk": java("SdkTest"),
    "java-enhanced": java("EnhancedTest", "item life", "conditions", "updates", "queries", "batches", "transactions"),
    "go-sdk": Application([PEERS / "go/sdk.test", "-test.v"], GO),
}


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_runs_unmodified(application, node):
    application = APPLICATIONS[application]
    hits = node.outcomes("hit")
    output = run(application.command, node)
    passed = [plain(name) for name in re.findall(application.passes, output, re.MULTILINE)]
    assert sorted(passed) == sorted(map(plain, application.tests)), output
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


def run(command, node, settings=()) -> str:
    """All that a program prints; it must end well."""
    ended = subprocess.run(
        [str(word) for word in command],
        env=ENVIRONMENT | sent_to(node.url) | dict(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def plain(name: str) -> str:
    """A test's name as it is in every language."""
    return re.sub("[^a-z]", "", name.lower())
