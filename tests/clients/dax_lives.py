"""The long lives of DAX's clients, side by side: their programs, and what becomes of the node meanwhile."""

import time
from contextlib import ExitStack
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from threading import Event

from balancer import Balancer
from dax_nodes import DaxLinac
from servers import ENVIRONMENT, Linac, Server, free_port, sent_to
from tables import create_all, order_key
from ways import Place

# How long the node is down each time. Clients look after it every 5 s, and those that find it down forget all that they
# knew of it. Those that do not go on with the attribute lists that they know; and JavaScript's also with connections
# that it has closed, on each of which they wait for ever once.
PAUSES = {"short": 0, "long": 6}
SHORT_PAUSES_MAX = 8
WATCHED = 10
# Clients ask every 4 s which nodes there are.
LEAVE_TIME = 8
# Orders, until something happens again.
ENOUGH = 20
LISTS_ASKED_FOR = {"metric": "dax_requests_total", "method": "defineAttributeListId"}
READS = {"metric": "dax_requests_total", "method": "getItem"}
EVERYBODY = order_key("everybody", 0)


@dataclass
class Life:
    """What became of one client."""

    customer: str
    program: Server
    placed_last: int = -1
    # How many orders it has placed after each restart, when the next thing happened.
    placed_after: dict = field(default_factory=dict)
    exit_code: int | None = None
    orders: list = field(default_factory=list)

    @property
    def printed(self) -> str:
        return self.program.log.read_text()

    def assert_right_names(self):
        """It has placed what it should, in the beginning without a gap."""
        assert self.orders[:2] == [
            order_key(self.customer, 0) | {"state": {"S": "asleep"}},
            order_key(self.customer, 1) | {"state": {"S": "awake"}},
        ], self.printed
        for order in self.orders[2:]:
            placed = int(order["placed"]["N"])
            parity = "odd" if placed % 2 else "even"
            assert order == order_key(self.customer, placed) | {
                f"{parity} of {self.customer}": {"N": str(placed)},
                "state": {"S": parity},
            }


class Lives:
    """Goes on in the background, from when it is entered on."""

    IDLE = 35

    def __init__(self, programs: dict, directory: Path):
        self.programs, self.directory = programs, directory
        self.of = {}
        self.begun = Event()
        self.watch = {}
        # How many lists of attributes clients asked for after each restart.
        self.lists_asked_for = {}

    def __enter__(self):
        self.pool = ThreadPoolExecutor(1)
        self.future = self.pool.submit(self.live)
        # What is begun at the same time takes longer to begin.
        self.future.add_done_callback(lambda _: self.begun.set())
        self.begun.wait()
        return self

    def __exit__(self, *_):
        self.pool.shutdown()

    def over(self):
        """Once all is over."""
        self.future.result()
        return self

    def live(self):
        with ExitStack() as stack:
            node = stack.enter_context(DaxLinac(self.directory, in_memory=False))
            place = Place(node.url, node)
            self.begin(stack, place, node.for_clients("dax"))
            # The second read is the last thing that a client does before it sleeps.
            is_asleep = self.wait_until(place, lambda _: node.counted(**READS) >= 2 * len(self.of), 60)
            self.begun.set()
            if is_asleep:
                self.watch = self.watched(place)
            self.wait_until(place, lambda life: life.placed_last >= ENOUGH, 60)
            # A client may look just when the node is down for a moment.
            for _ in range(SHORT_PAUSES_MAX):
                self.restart(place, "short")
                if self.lists_asked_for["short"] == 0:
                    break
            self.restart(place, "long")
            self.end(place)

    def begin(self, stack: ExitStack, place: Place, *endpoints: dict):
        """Clients are given the endpoints in turn."""
        create_all(place.client)
        for (customer, command), endpoint in zip(self.programs.items(), cycle(endpoints)):
            env = ENVIRONMENT | sent_to(place.url) | endpoint | {"IDLE": str(self.IDLE)}
            program = Server([*command, customer], self.directory / f"{customer}.log", env=env)
            self.of[customer] = Life(customer, stack.enter_context(program))

    def end(self, place: Place):
        place.client.put_item(TableName="orders", Item=EVERYBODY)
        for life in self.of.values():
            life.exit_code = life.program.exit_code(10)
            life.orders = all_orders(place, life.customer)

    def restart(self, place: Place, name: str):
        node = place.linac
        node.stop()
        time.sleep(PAUSES[name])
        node.start_again()
        self.go_on(place, name)
        self.lists_asked_for[name] = node.counted(**LISTS_ASKED_FOR)

    def go_on(self, place: Place, name: str):
        """Clients place enough orders after this, or not."""
        self.look(place)
        before = {life.customer: life.placed_last for life in self.of.values()}
        self.wait_until(place, lambda life: life.placed_last >= before[life.customer] + ENOUGH, 40)
        for life in self.of.values():
            life.placed_after[name] = life.placed_last - before[life.customer]

    def wait_until(self, place: Place, is_so, seconds: float) -> bool:
        """Until it is so with all clients that are still there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look(place)
            if all(is_so(life) for life in self.of.values() if life.program.process.poll() is None):
                return True
            time.sleep(0.2)
        return False

    def look(self, place: Place):
        """Which order is the last of each client's."""
        newest = {"TableName": "orders", "ConsistentRead": True, "ScanIndexForward": False, "Limit": 1}
        for life in self.of.values():
            orders = place.client.query(**newest, **of(life.customer))["Items"]
            life.placed_last = next((int(order["placed"]["N"]) for order in orders), -1)

    def watched(self, place: Place) -> dict:
        """What the node counts while all clients are idle, and somebody else reads over HTTP."""
        customer = next(iter(self.of))
        read = lambda: place.client.get_item(TableName="orders", Key=order_key(customer, 0))
        read()
        before, reads = counts(place.linac), 0
        deadline = time.monotonic() + WATCHED
        while time.monotonic() < deadline:
            read()
            reads += 1
            time.sleep(0.2)
        return {"reads": reads} | {name: count - before[name] for name, count in counts(place.linac).items()}


class Moves(Lives):
    """The same with two nodes, the first of which leaves while clients write. Each is the endpoint of half of them."""

    IDLE = 0
    NAMES = ("leader", "replica")

    def live(self):
        with ExitStack() as stack:
            origin = stack.enter_context(Linac(None, "on", self.directory / "origin.log"))
            ports = {name: free_port() for name in self.NAMES}
            balancer = stack.enter_context(Balancer(list(ports.values())))
            nodes = {}
            for name, port in ports.items():
                directory = self.directory / name
                directory.mkdir()
                settings = self.settings(name, ports, balancer)
                node = DaxLinac(directory, origin.url, dax_port=port, more_settings=settings)
                nodes[name] = stack.enter_context(node)
            there, left = (Place(node.url, node) for node in nodes.values())
            self.begin(stack, there, *self.endpoints(nodes, balancer))
            self.begun.set()
            self.wait_until(left, lambda life: life.placed_last >= ENOUGH, 90)
            asked_before = left.linac.counted(**LISTS_ASKED_FOR)
            there.linac.stop()
            self.go_on(left, "leaving")
            self.lists_asked_for["leaving"] = left.linac.counted(**LISTS_ASKED_FOR) - asked_before
            self.end(left)

    def settings(self, name: str, ports: dict, balancer: Balancer) -> dict:
        others = [f"127.0.0.1 {other} dax={port}" for other, port in ports.items() if other != name]
        return {"role": name, "nodes": others, "leave_time": f"{LEAVE_TIME}s"}

    def endpoints(self, nodes: dict, balancer: Balancer) -> list[dict]:
        return [node.for_clients("dax") for node in nodes.values()]


class Balanced(Moves):
    """The same behind a balancer, which all clients take for the one node that there is."""

    NAMES = ("first", "second")

    def settings(self, name: str, ports: dict, balancer: Balancer) -> dict:
        others = [f"127.0.0.1 unlisted dax={port}" for other, port in ports.items() if other != name]
        return {"advertise": f"127.0.0.1 dax={balancer.port}", "nodes": others}

    def endpoints(self, nodes: dict, balancer: Balancer) -> list[dict]:
        return [nodes["first"].for_clients("dax") | {"DAX_ENDPOINT": f"dax://127.0.0.1:{balancer.port}"}]


def counts(linac: DaxLinac) -> dict:
    return {
        "polls": linac.counted("dax_requests_total", method="endpoints"),
        "hits": linac.counted("cache_outcomes_total", outcome="hit"),
        "outcomes": linac.counted("cache_outcomes_total"),
    }


def of(customer: str) -> dict:
    return {"KeyConditionExpression": "customer = :c", "ExpressionAttributeValues": {":c": {"S": customer}}}


def all_orders(place: Place, customer: str) -> list:
    pages = place.client.get_paginator("query").paginate(TableName="orders", ConsistentRead=True, **of(customer))
    return pages.build_full_result()["Items"]
