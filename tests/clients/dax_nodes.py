"""Nodes with the DAX door, plain and over TLS, and what its clients have to know of them."""

import json
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

from servers import ENVIRONMENT, Linac, free_port

DOORS = ("listen", "dax", "daxs")
PASSWORD = "only-public-certificates"


class Authority:
    """A certificate authority that nobody knows, and a certificate of its for nodes here."""

    def __init__(self, directory: Path):
        authority = trustme.CA()
        node = authority.issue_cert("127.0.0.1")
        self.own, self.node, self.key = (directory / name for name in ("ca.pem", "node.pem", "node-key.pem"))
        authority.cert_pem.write_to_path(self.own)
        node.cert_chain_pems[0].write_to_path(self.node)
        node.private_key_pem.write_to_path(self.key)
        self.store = directory / "ca.p12"
        trusted = [PKCS12Certificate(x509.load_pem_x509_certificate(authority.cert_pem.bytes()), b"ca")]
        self.store.write_bytes(serialize_java_truststore(trusted, BestAvailableEncryption(PASSWORD.encode())))

    def trusted(self) -> dict:
        """What has a program trust it: Python or Go, Node, and Java."""
        store = f"-Djavax.net.ssl.trustStore={self.store} -Djavax.net.ssl.trustStorePassword={PASSWORD}"
        return {
            "SSL_CERT_FILE": str(self.own),
            "NODE_EXTRA_CA_CERTS": str(self.own),
            "JAVA_TOOL_OPTIONS": store,
        }


class DaxLinac(Linac):
    """linac with all its doors, on ports and with a directory that are the same when it is started again."""

    def __init__(
        self,
        directory: Path,
        upstream: str | None = None,
        in_memory=True,
        access_keys=False,
        dax_port: int | None = None,
        more_settings=(),
    ):
        self.directory, self.starts = directory, 0
        self.authority = Authority(directory)
        data = directory / "data"
        settings = {
            "tls_certificate": self.authority.node,
            "tls_key": self.authority.key,
            # There is no other node to go to.
            "leave_time": "1s",
            **dict(more_settings),
        }
        if upstream or in_memory:
            settings["state_dir"] = data / "dax"
        if access_keys:
            settings["access_keys"] = directory / "access-keys"
            pair = ENVIRONMENT["AWS_ACCESS_KEY_ID"], ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]
            settings["access_keys"].write_text(" ".join(pair) + "\n")
        config = directory / "linac.toml"
        lines = [f"{key} = {json.dumps(value, default=str)}\n" for key, value in settings.items()]
        config.write_text("".join(["[dax]\n", *lines]))
        origin = ["--upstream", upstream] if upstream else ["--in-memory"] if in_memory else ["--data-dir", data]
        ports = {door: free_port() for door in DOORS} | ({"dax": dax_port} if dax_port else {})
        addresses = [word for door, port in ports.items() for word in (f"--{door}", f"127.0.0.1:{port}")]
        self.options = ["--config", config, *origin, *addresses]
        self.start_again()

    def start_again(self):
        self.starts += 1
        self.start(self.options, self.directory / f"linac-{self.starts}.log", doors=("admin", *DOORS))

    def stop(self):
        """As an operator does it."""
        self.__exit__()

    def for_clients(self, door: str) -> dict:
        """What a client's program is told of it."""
        return {"DAX_ENDPOINT": self.addresses[door]} | self.authority.trusted()
