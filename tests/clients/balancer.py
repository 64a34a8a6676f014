"""A load balancer, as one that stands between DAX's clients and nodes."""

import socket
from contextlib import suppress
from threading import Thread


class Balancer:
    """Passes each connection on to the first of some ports of this machine that takes it."""

    def __init__(self, ports: list[int]):
        self.ports = ports
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        # A thread that waits in accept() would keep the port.
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client: socket.socket):
        with client:
            for port in self.ports:
                with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)) as node:
                    there = Thread(target=pump, args=(client, node), daemon=True)
                    there.start()
                    pump(node, client)
                    # The node has nothing more to say, so nor has the client.
                    with suppress(OSError):
                        client.shutdown(socket.SHUT_RDWR)
                    there.join()
                    return


def pump(source: socket.socket, sink: socket.socket):
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
