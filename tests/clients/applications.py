"""How a program in each language is run, and how it says which of its tests have passed."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from servers import ENVIRONMENT, PEERS, sent_to

FOLDER = Path(__file__).parent

# How each test runner says which test has passed.
NODE = r"^ok \d+ - ([^#\n]+)$"
JUNIT = r" > (\w+)\(\) :: SUCCESSFUL$"
GO = r"^--- PASS: Test(\w+) \("
PYTEST = r"^\S+::test_(\w+) PASSED"


@dataclass
class Application:
    command: list
    passes: str
    tests: list

    def run(self, node, settings=()):
        """Each of its tests passes, and there is no other."""
        output = run(self.command, node, settings)
        passed = [plain(name) for name in re.findall(self.passes, output, re.MULTILINE)]
        assert sorted(passed) == sorted(map(plain, self.tests)), output


# These programs live for seconds: half of their time would go into compiling what is over soon.
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{PEERS}/java/classes:{PEERS}/java/lib/*"]


def java(classes: str, tests: list, *options: str) -> Application:
    console = ["org.junit.platform.console.ConsoleLauncher", "execute", "--disable-banner", "--disable-ansi-colors"]
    selected = [f"--select-class={name}" for name in classes.split()]
    command = [*JAVA, *options, *console, "--details=testfeed", *selected]
    return Application(command, JUNIT, tests)


def go(file: str, tests: list, *arguments: str) -> Application:
    """A file may have more tests than these."""
    pattern = "|".join("".join(word.capitalize() for word in test.split()) for test in tests)
    command = [PEERS / "go" / file, "-test.v", f"-test.run=^Test({pattern})$", *arguments]
    return Application(command, GO, tests)


def javascript(file: str, tests: list, *arguments: str) -> Application:
    command = ["node", "--test-reporter=tap", PEERS / "javascript" / file, *arguments]
    return Application(command, NODE, tests)


def python(file: str, tests: list) -> Application:
    """With pytest, but with nothing of this suite's own."""
    settings = ["--verbose", "--noconftest", "-p", "no:cacheprovider", "-c", FOLDER / "pytest.ini"]
    return Application([PEERS / "venv/bin/pytest", *settings, FOLDER / "python" / file], PYTEST, tests)


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
