"""What the benchmarks say of processor time."""

import os
import sys
import time
from threading import Thread

import pytest

from bench.support.processor_time import processor_seconds

BUSY_SECONDS = 0.05


def busy() -> None:
    until = time.thread_time() + BUSY_SECONDS
    while time.thread_time() < until:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="The benchmarks read /proc.")
def test_the_time_of_a_thread_that_has_ended_is_not_lost() -> None:
    before = processor_seconds(os.getpid(), of=b"")
    thread = Thread(target=busy)
    thread.start()
    thread.join()
    assert processor_seconds(os.getpid(), of=b"") - before >= BUSY_SECONDS
