"""The three ways to a vendor's server: direct, through linac, and through linac with its cache off."""

import re
import subprocess
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import boto3
from botocore.config import Config

from servers import ENVIRONMENT, PEERS, Linac, Vendor

REGION = ENVIRONMENT["AWS_REGION"]


class Way:
    """A way to a server of the vendor's that nobody else uses: tables may have the same names on each way."""

    def __init__(self, vendor: str, name: str, stack: ExitStack, logs: Path):
        self.vendor, self.name = vendor, name
        self.origin = stack.enter_context(Vendor(vendor, logs / f"{name}-{vendor}.log"))
        self.linac = None
        if name != "direct":
            cache = {"cached": "on", "uncached": "off"}[name]
            self.linac = stack.enter_context(Linac(self.origin.url, cache, logs / f"{name}-linac.log"))
        self.url = (self.linac or self.origin).url
        self.client = session().client("dynamodb", **at(self.url))
        self.resource = session().resource("dynamodb", **at(self.url))
        # Past linac: what the server itself says, or a writer that linac cannot see.
        self.origin_client = session().client("dynamodb", **at(self.origin.url))

    def cli(self, *words) -> subprocess.CompletedProcess:
        """Runs `aws dynamodb …`."""
        settings = {"AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": REGION, "AWS_MAX_ATTEMPTS": "1"}
        return subprocess.run(
            [PEERS / "venv/bin/aws", "dynamodb", *words],
            env=ENVIRONMENT | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def outcomes(self, word: str) -> float:
        """How many calls the cache has answered with this outcome."""
        with urllib.request.urlopen(f"{self.linac.admin}/metrics") as metrics:
            lines = metrics.read().decode().splitlines()
        line = re.compile(rf'linac_cache_outcomes_total\{{(?:.*,)?outcome="{word}"(?:,.*)?\}} (\S+)')
        return sum(float(found[1]) for found in map(line.fullmatch, lines) if found)


def session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )


def at(url: str) -> dict:
    # One attempt: a retry would hide an answer that the test should see.
    return {"endpoint_url": url, "config": Config(retries={"total_max_attempts": 1}, proxies={})}
