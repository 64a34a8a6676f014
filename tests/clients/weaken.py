"""A shim that takes ConsistentRead out of every request on its way to a node.

Suites read strongly nearly everywhere, which says little about a cache. Through this shim the same suite reads
eventually, and has to pass all the same: a node promises that what was written is read.

    python3 tests/clients/weaken.py http://127.0.0.1:8000      prints the address to send the suite to
"""

import http.client
import http.server
import json
import sys
import urllib.parse

HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


def weakened(value):
    """The same JSON, without any ConsistentRead that is not inside of an item."""
    if isinstance(value, list):
        return [weakened(element) for element in value]
    if isinstance(value, dict):
        members = value.items()
        return {name: weakened(member) for name, member in members if (name, type(member)) != ("ConsistentRead", bool)}
    return value


class Shim(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    node = None
    # Without this an answer's head and body are two packets, the second of which waits for the first one's receipt.
    wbufsize = -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = json.dumps(weakened(json.loads(body))).encode()
        except ValueError:
            pass  # It goes on as it came.
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        connection = http.client.HTTPConnection(self.node)
        try:
            connection.request("POST", self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP | {"date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def main():
    Shim.node = urllib.parse.urlsplit(sys.argv[1]).netloc
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Shim)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
