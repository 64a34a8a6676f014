"""DAX's clients, unmodified, from the package registries, on linac with its own engine and on linac in front of another.

Each client has three programs, which know nothing of linac. The environment tells them where DynamoDB is, and where DAX
is: in DAX_ENDPOINT, which they hand to the client, as none reads such a variable by itself. The tables are there.

- One tries the BEHAVIOURS.
- One tries CREDENTIALS, on a node that looks at them.
- One leads a long life, for `Lives`, and writes nothing but orders of the customer whom its last argument names. It puts
  the order placed at 0 with the state "asleep", reads it, and reads the order of "everybody" placed at 0, which is not
  there. It does nothing for IDLE seconds. Then it reads its first order again, and puts one placed at 1 with the state
  "awake"; all this must succeed, each thing at its first attempt. After that it puts orders placed at 2, 3 and so on,
  about ten a second, and after each looks for the order of "everybody", until that is there. No failure stops it now,
  and where its client could wait for ever, it waits for 3 seconds. An order placed at an even number n has the
  attributes "state", which is "even", and "even of CUSTOMER", the number n; so it is with odd ones. It prints what
  fails, and exits with 0.
"""

from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from applications import FOLDER, JAVA, Application, go, java, javascript, python
from dax_lives import ENOUGH, PAUSES, Balanced, Lives, Moves
from dax_nodes import DaxLinac
from servers import PEERS, Linac
from tables import create_all, drop_all
from ways import Place

BEHAVIOURS = [
    *["items", "conditions", "queries", "scans", "batches", "transactions", "projections", "keys"],
    *["item collections", "attribute types", "large items", "attribute names", "both doors", "errors"],
]
# A signature is too old, or too new, if the application can set the client's clock; not in every language it can.
CREDENTIALS = ["right credentials", "wrong secret", "unknown key", "expired signature"]


@dataclass
class Client:
    behaviours: Application
    credentials: Application
    life: list


CLIENTS = {
    "python": Client(
        python("dax.py", BEHAVIOURS),
        python("dax_credentials.py", CREDENTIALS),
        [PEERS / "venv/bin/python", FOLDER / "python/dax_life.py"],
    ),
    **{
        f"javascript-{sdk}": Client(
            javascript("dax.test.mjs", BEHAVIOURS, sdk),
            javascript("dax-credentials.test.mjs", CREDENTIALS, sdk),
            ["node", PEERS / "javascript/dax-life.mjs", sdk],
        )
        for sdk in ("sdk2", "sdk3")
    },
    **{
        f"go-{sdk}": Client(
            go("dax.test", BEHAVIOURS, f"-sdk={sdk}"),
            go("dax.test", CREDENTIALS, f"-sdk={sdk}"),
            [PEERS / "go/dax-life", f"-sdk={sdk}"],
        )
        for sdk in ("1", "2")
    },
    **{
        f"java-{way}": Client(
            java("DaxCallsTest DaxDataTest", BEHAVIOURS, f"-Ddax.client={way}"),
            java("DaxCredentialsTest", CREDENTIALS[:-1], f"-Ddax.client={way}"),
            [*JAVA, f"-Ddax.client={way}", "DaxLife"],
        )
        for way in ("sync", "async")
    },
}


@pytest.fixture(scope="module", autouse=True)
def background(request, tmp_path_factory):
    """What takes long begins before all tests of this file, if any that were chosen look at it in the end."""
    programs = {name: client.life for name, client in CLIENTS.items()}
    with ExitStack() as stack:
        kinds = {"lives": Lives, "moves": Moves, "balanced": Balanced}
        yield {
            name: stack.enter_context(kind(programs, tmp_path_factory.mktemp(name)))
            for name, kind in kinds.items()
            if any(name in item.fixturenames for item in request.session.items)
        }


@pytest.fixture
def lives(background):
    return background["lives"].over()


@pytest.fixture
def moves(background):
    return background["moves"].over()


@pytest.fixture
def balanced(background):
    return background["balanced"].over()


@pytest.fixture(scope="module", params=["alone", "behind-a-node"])
def a_dax_node(request, tmp_path_factory):
    with ExitStack() as stack:
        directory = tmp_path_factory.mktemp(request.param)
        upstream = None
        if request.param == "behind-a-node":
            upstream = stack.enter_context(Linac(None, "on", directory / "origin.log")).url
        linac = stack.enter_context(DaxLinac(directory, upstream))
        yield Place(linac.url, linac)


@pytest.fixture(scope="module")
def a_strict_node(tmp_path_factory):
    """It wants to know who calls."""
    directory = tmp_path_factory.mktemp("strict")
    with DaxLinac(directory, access_keys=True) as linac:
        yield Place(linac.url, linac)


@pytest.fixture
def dax_node(a_dax_node):
    yield from with_tables(a_dax_node)


@pytest.fixture
def strict_node(a_strict_node):
    yield from with_tables(a_strict_node)


def with_tables(place):
    create_all(place.client)
    yield place
    drop_all(place.client)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_runs_unmodified(client, dax_node):
    hits = dax_node.outcomes("hit")
    # In front of another node over TLS: neither changes what the other does.
    is_in_front = "--upstream" in dax_node.linac.options
    CLIENTS[client].behaviours.run(dax_node, dax_node.linac.for_clients("daxs" if is_in_front else "dax"))
    assert dax_node.outcomes("hit") > hits, "the cache took no part"


@pytest.mark.parametrize("client", CLIENTS)
def test_credentials_are_looked_at_where_they_have_to_be(client, strict_node):
    CLIENTS[client].credentials.run(strict_node, strict_node.linac.for_clients("dax"))
    assert strict_node.linac.counted("dax_unauthorized_total") > 0


def test_polls_of_clients_disturb_no_hits(lives):
    """While they do nothing else, clients go on asking for nodes and looking after their connections."""
    watch = lives.watch
    assert watch, "some client was not ready in time"
    assert watch["polls"] >= 2 * len(CLIENTS)
    assert watch["reads"] == watch["hits"] > 10
    # Nothing but those reads came to the cache.
    assert watch["outcomes"] == watch["reads"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_outlives_idleness_and_restarts(client, lives):
    life = lives.of[client]
    assert life.exit_code == 0, life.printed
    life.assert_right_names()
    for name in PAUSES:
        assert life.placed_after[name] >= ENOUGH, (name, life.printed)


def test_clients_go_on_with_the_attribute_lists_that_they_know(lives):
    """None asked again after a short pause that none had noticed, and yet their attributes have the right names."""
    assert lives.lists_asked_for["short"] == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_moves_on_without_a_failure_when_a_node_leaves(client, moves):
    life = moves.of[client]
    assert life.exit_code == 0, life.printed
    life.assert_right_names()
    placed = [int(order["placed"]["N"]) for order in life.orders]
    assert placed == list(range(len(placed))) and life.placed_after["leaving"] >= ENOUGH, life.printed


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_behind_a_balancer_goes_on_when_its_node_goes(client, balanced):
    life = balanced.of[client]
    assert life.exit_code == 0, life.printed
    life.assert_right_names()
    assert life.placed_after["leaving"] >= ENOUGH, life.printed


def test_clients_behind_a_balancer_write_on_with_the_lists_that_they_know(balanced):
    """The node that they come to was told them by the one that has gone."""
    assert balanced.lists_asked_for["leaving"] < len(CLIENTS), balanced.lists_asked_for
