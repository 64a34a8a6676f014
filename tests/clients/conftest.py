"""Starts each vendor's servers once, and linac in front of them; and nodes of linac alone."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext

import pytest
from botocore.exceptions import ClientError

from scenarios import BEYOND
from script import Script
from servers import VENDORS
from tables import drop_all
from ways import Node, Way


@pytest.fixture(scope="session", params=VENDORS)
def vendor(request):
    return request.param


@pytest.fixture(scope="session")
def ways(vendor, tmp_path_factory):
    """The three ways to this vendor's server, by name."""
    logs = tmp_path_factory.mktemp(vendor)
    with ExitStack() as stack:
        yield {name: Way(vendor, name, stack, logs) for name in ("direct", "cached", "uncached")}


@pytest.fixture(scope="session")
def answers(ways):
    """What a scenario was answered on one of the ways; it runs once, on all of them at the same time."""
    runs = {}

    def of(way: str, scenario) -> list:
        if scenario not in runs:
            with ThreadPoolExecutor() as pool:
                runs[scenario] = {name: pool.submit(run, way, scenario) for name, way in ways.items()}
        return runs[scenario][way].result()

    return of


def run(way: Way, scenario) -> list:
    """Runs a scenario, and leaves no table behind."""
    script = Script(way)
    try:
        with pytest.raises(ClientError) if scenario in BEYOND[way.vendor] else nullcontext():
            scenario(script)
    finally:
        drop_all(way.client)
    return script.answers


@pytest.fixture(scope="session", params=["alone", "behind-a-node"])
def a_node(request, tmp_path_factory):
    with ExitStack() as stack:
        yield Node(request.param, stack, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def node(a_node):
    """linac with its engine, alone or behind another; every test begins and ends without tables."""
    yield a_node
    drop_all(a_node.client)


@pytest.fixture
def cached(ways):
    """The way through linac with its cache on; every test begins and ends without tables."""
    yield ways["cached"]
    drop_all(ways["cached"].client)


@pytest.fixture
def uncached(ways):
    yield ways["uncached"]
    drop_all(ways["uncached"].client)
