"""Workers give results in order, and end when nobody waits for them."""

import subprocess
import sys

import psutil
import pytest

from vreid.datasets.parallel import map_blocks, useful_workers

SLEEPING = """
import time
from vreid.datasets.parallel import map_blocks

if __name__ == "__main__":
    print("began", flush=True)
    list(map_blocks(time.sleep, [600, 600], 2))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_their_blocks(workers):
    assert list(map_blocks(hex, range(20), workers)) == [hex(n) for n in range(20)]


def test_few_images_are_worth_no_process():
    assert [useful_workers(8, images) for images in (0, 1023, 2048, 100_000)] == [1, 1, 2, 8]


def test_workers_do_not_outlive_a_parent_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", SLEEPING], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "began\n"
        watched = psutil.Process(parent.pid)
        while sum("spawn_main" in " ".join(child.cmdline()) for child in watched.children()) < 2:
            assert parent.poll() is None
        workers = watched.children()
        parent.kill()
    _, left = psutil.wait_procs(workers, timeout=30)
    assert left == []
