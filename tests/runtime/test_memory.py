"""Ten thousand slider moves leave memory flat."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

STATM = Path("/proc/self/statm")
PAGE = 4096  # bytes, at least

# A run as a lab makes it, cut short: three workers left parked, a lease and a delay still to come,
# and closed, or not. The process tells by how many pages it has grown in each part.
RUNS = """
from mqlearn import InMemoryMessageQueue, Message, MessageProcessor, RetryPolicy, Simulation, Trace

def once(close):
    sim = Simulation()
    queue = InMemoryMessageQueue(runtime=sim, retry=RetryPolicy(), trace=Trace())
    processor = MessageProcessor(queue)
    processor.register_processor("default", lambda message: message.id == "good" or sim.sleep(100))
    processor.start_workers(3)
    queue.send(Message(id="good"))
    queue.send(Message(id="slow"))
    queue.send(Message(id="later"), delay=50)
    sim.run(until=1)
    if close:
        sim.close()

def pages():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

def grown(runs, close):
    before = pages()
    for _ in range(runs):
        once(close)
    return pages() - before

grown(500, True)  # until all is imported and the allocator has its share
print(grown(10_000, True), grown(500, False))
"""


@pytest.mark.skipif(not STATM.exists(), reason="only Linux tells a process its size in /proc")
def test_ten_thousand_closed_simulations_leave_memory_flat() -> None:
    """Less than 4 MB more after 10,000 runs with parked workers; 500 that nobody closes take more
    than that.
    """
    shown = subprocess.run(
        [sys.executable, "-c", RUNS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    closed, unclosed = (int(part) * PAGE / 2**20 for part in shown.split())
    assert closed < 4, f"{closed:.1f} MB more"
    assert unclosed > 4, "the measure sees nothing"
