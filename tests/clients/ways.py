"""Where clients connect: the three ways to a vendor's server (direct, through linac, and through linac with its cache
off), and linac's own nodes."""

import subprocess
from contextlib import ExitStack
from pathlib import Path

import boto3
from botocore.config import Config

from servers import ENVIRONMENT, PEERS, Linac, Vendor, sent_to

REGION = ENVIRONMENT["AWS_REGION"]


class Place:
    """An address, with the clients that are sent there."""

    def __init__(self, url: str, linac: Linac | None):
        self.url, self.linac = url, linac
        self.client = session().client("dynamodb", **at(url))
        self.resource = session().resource("dynamodb", **at(url))

    def cli(self, *words) -> subprocess.CompletedProcess:
        """Runs `aws dynamodb …`."""
        settings = {"AWS_DEFAULT_REGION": REGION, "AWS_MAX_ATTEMPTS": "1"}
        return subprocess.run(
            [PEERS / "venv/bin/aws", "dynamodb", *words],
            env=ENVIRONMENT | sent_to(self.url) | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def outcomes(self, word: str) -> float:
        """How many calls the cache has answered with this outcome."""
        return self.linac.counted("cache_outcomes_total", outcome=word)


class Way(Place):
    """A way to a server of the vendor's that nobody else uses: tables may have the same names on each way."""

    def __init__(self, vendor: str, name: str, stack: ExitStack, logs: Path):
        self.vendor, self.name = vendor, name
        self.origin = stack.enter_context(Vendor(vendor, logs / f"{name}-{vendor}.log"))
        linac = None
        if name != "direct":
            cache = {"cached": "on", "uncached": "off"}[name]
            linac = stack.enter_context(Linac(self.origin.url, cache, logs / f"{name}-linac.log"))
        super().__init__((linac or self.origin).url, linac)
        # Past linac: what the server itself says, or a writer that linac cannot see.
        self.origin_client = session().client("dynamodb", **at(self.origin.url))


class Node(Place):
    """linac as it is started for an application: its engine behind its cache, alone or with another node in front."""

    def __init__(self, name: str, stack: ExitStack, logs: Path):
        linac = stack.enter_context(Linac(None, "on", logs / "linac.log"))
        self.vendor = "linac"
        if name == "behind-a-node":
            linac = stack.enter_context(Linac(linac.url, "on", logs / "front.log"))
        super().__init__(linac.url, linac)


def session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )


def at(url: str) -> dict:
    # One attempt: a retry would hide an answer that the test should see.
    return {"endpoint_url": url, "config": Config(retries={"total_max_attempts": 1}, proxies={})}
