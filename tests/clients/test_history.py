"""The history checker of tests/wire in front of other vendors' servers, behind a link that delays, cuts and refuses: what
a client was told is written, every later read through linac shows.
"""

import os
import subprocess
from pathlib import Path

import pytest

from servers import Vendor

# The checker learns from the table's stream what was written, and in what order. dynalite has no streams. moto writes in
# several steps, and answers every request in a thread of its own without a lock: of two writes of one key at the same
# time one may be lost, or the stream may have them in another order than the table, with nobody between.
ORIGINS = ["dynoxide"]

TESTS = [
    # With the cache off: the vendor keeps its word, so what the others find is linac's.
    "the_vendor_alone_keeps_what_it_acknowledged",
    "what_was_acknowledged_is_read_ever_after",
    # With DAX's coherence: the checker finds what is wrong.
    "results_that_outlive_writes_are_caught",
]


# Where nobody has built it before, that is what takes long.
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("origin", ORIGINS)
def test_of_the_history_checker(origin, test, tmp_path):
    with Vendor(origin, tmp_path / f"{origin}.log") as server:
        # With --workspace it is what `cargo test --workspace` has built, and nothing is built again.
        cargo = ["cargo", "test", "--quiet", "--locked", "--workspace", "--test", "wire"]
        ended = subprocess.run(
            [*cargo, "--", "--ignored", "--exact", "--nocapture", f"history::another_vendor::{test}"],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"LINAC_TEST_ORIGIN": server.url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    # One that is not there, or was not run, ends well too.
    assert ended.returncode == 0 and "test result: ok. 1 passed" in ended.stdout, ended.stdout
