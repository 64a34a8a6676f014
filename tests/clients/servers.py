"""The servers under test: linac's own engine, other vendors' DynamoDBs, and linac in front of one of them."""

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

PEERS = Path(os.environ["PEERS"])
LINAC = Path(os.environ.get("LINAC", Path(__file__).parents[2] / "target/release/linac")).resolve()

# All that a child process may know of its surroundings: nobody finds credentials or a proxy of the machine's.
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": os.devnull,
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def sent_to(url: str) -> dict:
    """What sends an unmodified application to `url`: the two variables that `linac env` prints."""
    return {f"AWS_ENDPOINT_URL_{service}": url for service in ("DYNAMODB", "DYNAMODB_STREAMS")}


VENDORS = {
    # The bundled engine with nothing before it; the ways through linac are then a linac in front of another.
    "linac": lambda port: [
        *[LINAC, "serve", "--in-memory", "--cache", "off"],
        *["--listen", f"127.0.0.1:{port}", "--admin", "127.0.0.1:0"],
    ],
    "dynoxide": lambda port: [PEERS / "dynoxide/bin/dynoxide", "serve", "--port", port],
    "moto": lambda port: [PEERS / "venv/bin/moto_server", "-H", "127.0.0.1", "-p", port],
    # A table's life is slow enough to be waited for, and no slower.
    "dynalite": lambda port: [
        *[shutil.which("node"), PEERS / "dynalite/node_modules/.bin/dynalite"],
        *["--host", "127.0.0.1", "--port", port, "--createTableMs", "50", "--deleteTableMs", "50"],
    ],
}


class Server:
    """A child process; leaving the context stops it, by its own pid, and shows how it ended."""

    def __init__(self, command, log: Path, stdout=None, env=ENVIRONMENT):
        self.log = log
        with log.open("w") as written:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=stdout or written,
                stderr=written,
                env=env,
                text=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        finally:
            self.process.kill()

    def exit_code(self, seconds: float) -> int | None:
        """Once it has ended by itself."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def fail(self, what):
        self.process.kill()
        raise RuntimeError(f"{self.process.args[0]} {what}; its log:\n{self.log.read_text()}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Vendor(Server):
    """A vendor's server, answering on a port of its own."""

    def __init__(self, name: str, log: Path):
        port = free_port()
        super().__init__(VENDORS[name](port), log)
        self.url = f"http://127.0.0.1:{port}"
        self.await_listening(port)

    def await_listening(self, port):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.fail("does not listen")


class Linac(Server):
    """linac in front of `upstream`, or else of its own engine; it must obey SIGTERM and exit 0."""

    def __init__(self, upstream: str | None, cache: str, log: Path):
        origin = ["--upstream", upstream] if upstream else ["--in-memory"]
        self.start([*origin, "--cache", cache, "--listen", "127.0.0.1:0"], log)

    def start(self, options, log: Path, doors=("listen", "admin")):
        command = [LINAC, "serve", *options, "--admin", "127.0.0.1:0", "--print-address"]
        super().__init__(command, log, stdout=subprocess.PIPE)
        self.addresses = dict(self.address_line() for _ in doors)
        self.url, self.admin = self.addresses["listen"], self.addresses["admin"]

    def address_line(self):
        line = self.process.stdout.readline().split()
        return line if len(line) == 2 else self.fail(f"printed {line} for an address")

    def counted(self, metric: str, **labels) -> float:
        """The sum of a metric's lines that have these labels."""
        with urllib.request.urlopen(f"{self.admin}/metrics") as metrics:
            lines = metrics.read().decode().splitlines()
        found = [re.fullmatch(rf"linac_{metric}(?:\{{(.*)\}})? (\S+)", line) for line in lines]
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        return sum(float(line[2]) for line in found if line and wanted <= set((line[1] or "").split(",")))

    def __exit__(self, *why):
        super().__exit__(*why)
        if self.process.returncode != 0:
            self.fail(f"exited {self.process.returncode} on SIGTERM")
