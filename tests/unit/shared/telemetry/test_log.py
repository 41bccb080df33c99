"""Events are JSON lines of at least the level that was asked for last. A share of the requests that
only read has a line, chosen as Application Insights chooses.
"""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime

import pytest

from shared.telemetry.log import LINES_AT_ONCE
from tests.paths import ROOT


def run(
    program: str, *arguments: str, error_stream: int = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    """Return what a program printed, which has ended well."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=error_stream,
        check=True,
        timeout=60,
    )


LOG_AN_EXCEPTION = """
from shared.telemetry.log import configure, log

def tell():
    secret = "a value"
    try:
        raise KeyError("first")
    except KeyError as first:
        raise ExceptionGroup("told", [ValueError("inner")]) from first

configure("error")
log.warning("unheard")
configure("warning")
log.info("unheard")
log.warning("heard", package="acme/greet")
try:
    tell()
except ExceptionGroup:
    log.exception("broken", part=1)
"""


def test_the_level_can_be_changed_and_exceptions_have_their_causes_without_variables() -> None:
    ended = run(LOG_AN_EXCEPTION)
    heard, broken = (json.loads(line) for line in ended.stderr.splitlines())
    assert (heard["event"], heard["level"], heard["package"]) == ("heard", "warning", "acme/greet")
    assert (broken["event"], broken["level"], broken["part"]) == ("broken", "error", 1)
    assert "exc_info" not in broken
    group, cause = broken["exception"]
    assert (group["exc_type"], group["exc_value"]) == ("ExceptionGroup", "told (1 sub-exception)")
    assert [each["name"] for each in group["frames"]] == ["<module>", "tell"]
    assert group["exceptions"][0][0]["exc_value"] == "inner"
    assert (cause["exc_type"], cause["exc_value"]) == ("KeyError", "'first'")
    assert "a value" not in ended.stderr.decode()


LOG_AN_ERROR = """
from shared.telemetry.log import configure, log
from shared.telemetry.metrics import set_backend

class Backend:
    def record(self, instrument, value, attributes):
        print(instrument.name, value, attributes["event"])

configure("warning")
set_backend(Backend())
log.warning("mail.undelivered")
log.error("archive.lost")
"""


def test_lines_of_level_error_are_counted_by_their_event() -> None:
    assert run(LOG_AN_ERROR).stdout.decode() == "ballroom.log.errors 1 archive.lost\n"


LOG_IN_A_LOOP = """
import asyncio
from shared.telemetry.log import configure, log

async def main():
    configure("info")
    log.info("first")
    log.info("second")
    log.warning("third")
    log.info("fourth")

asyncio.run(main())
"""


def test_lines_of_a_loop_are_written_together_in_order_and_none_is_lost_at_the_end() -> None:
    ended = run(LOG_IN_A_LOOP)
    events = [json.loads(line)["event"] for line in ended.stderr.splitlines()]
    assert events == ["first", "second", "third", "fourth"]


LOG_REQUESTS = """
import asyncio
from shared.telemetry.log import LINES_AT_ONCE, configure, log, log_request

async def main():
    configure("info")
    for number in range(LINES_AT_ONCE + 5):
        log_request(operation="read", number=number)
    log.info("last")
    configure("warning")
    log_request(operation="unheard")

asyncio.run(main())
"""


def test_the_lines_of_requests_are_as_other_lines_and_in_their_order() -> None:
    ended = run(LOG_REQUESTS)
    *requests, last = (json.loads(line) for line in ended.stderr.splitlines())
    assert [each["number"] for each in requests] == [*range(len(requests))]
    assert {(each["event"], each["level"]) for each in requests} == {("request", "info")}
    assert len(requests) > LINES_AT_ONCE
    assert last["event"] == "last"
    times = [datetime.fromisoformat(each["timestamp"]) for each in (*requests, last)]
    assert times == sorted(times)
    assert {len(each["timestamp"]) for each in requests} == {len("2026-11-20T00:00:00.000000Z")}


LOG_WITHOUT_READER = """
import asyncio, os
from shared.telemetry.log import LINES_AT_ONCE, configure, log, log_request

async def main():
    configure("info")
    for number in range(LINES_AT_ONCE):
        log_request(operation="read", number=number)
    log.warning("unheard")
    print("answered", flush=True)
    os.dup2(1, 2)
    log.warning("heard")
    log.warning("heard again")

asyncio.run(main())
"""


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def pipe_without_reader() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("open_error_stream", [full_disk, pipe_without_reader])
def test_lines_that_cannot_be_written_fail_nothing_and_are_counted_later(
    open_error_stream: Callable[[], int],
) -> None:
    broken = open_error_stream()
    ended = run(LOG_WITHOUT_READER, error_stream=broken)
    os.close(broken)
    said, *lines = ended.stdout.splitlines()
    assert said == b"answered"
    events = [json.loads(line) for line in lines]
    [lost] = [each for each in events if each["event"] == "log.lines_lost"]
    assert lost["count"] == LINES_AT_ONCE + 1
    assert [each["event"] for each in events][-3:] == ["heard", "log.lines_lost", "heard again"]


LOG_UNUSUAL_VALUES = """
import asyncio
from shared.telemetry.log import configure, log, log_request

async def main():
    configure("info")
    log_request(operation="first", status=200)
    log_request(operation="\\ud800", status=200)
    log_request(operation="third", status=200)
    log.warning("told", size=2**64, name="\\ud800")

asyncio.run(main())
"""


def test_values_that_json_has_not_are_written_as_text_and_lose_no_other_line() -> None:
    ended = run(LOG_UNUSUAL_VALUES)
    first, second, third, told = (json.loads(line) for line in ended.stderr.splitlines())
    assert (first["operation"], third["operation"]) == ("first", "third")
    assert second["fields"] == r"{'operation': '\ud800', 'status': 200}"
    assert (told["event"], told["level"]) == ("told", "warning")
    assert told["fields"] == r"{'size': 18446744073709551616, 'name': '\ud800'}"


LOG_TO_A_TERMINAL = """
import sys
from shared.telemetry.log import configure, log, log_request

configure(sys.argv[1])
served = {"principal": "kim", "outcome": "pulled", "request_id": "r1"}
log_request(operation="central_pull", status=200, seconds=0.0042, **served)
log_request(operation="central_push", status=401, seconds=0.0001, **served)
log_request(operation="central_push", status=503, seconds=0.0001, **served)
log.warning("pulls.delayed", reason="The disk\\x1b[2J is full.", count=2, store="pulls")
"""


FAILED = "503  central_push  1 ms  pulled  request r1"
DELAYED = 'warning  pulls.delayed  reason="The disk\\u001b[2J is full."  count=2  store=pulls'


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("info", [FAILED, DELAYED]),
        (
            "debug",
            [
                "200  central_pull  4 ms",
                "401  central_push  1 ms  pulled  request r1",
                FAILED,
                DELAYED,
            ],
        ),
    ],
)
def test_a_terminal_gets_short_lines_and_only_those_of_failed_requests(
    level: str, shown: list[str]
) -> None:
    ours, theirs = pty.openpty()
    run(LOG_TO_A_TERMINAL, level, error_stream=theirs)
    os.close(theirs)
    lines = os.read(ours, 1 << 16).decode().splitlines()
    os.close(ours)
    assert all(re.match(r"\d\d:\d\d:\d\d  ", each) for each in lines)
    assert [each[10:] for each in lines] == shown
