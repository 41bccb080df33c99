"""What a Function returns becomes what left the real host, or a 500 where it became one there.

`returned.jsonl` has responses (status, body, headers in the order in which they were added, type),
and what left the real host. A row without a status left it incomplete.
"""

import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import azure.functions as func

from shared.hosting.responses import UnusableAnswer, answer_messages, failure_answer
from tests.support.storage import one_machine

ROWS = Path(__file__).with_name("returned.jsonl")

pytestmark = one_machine("it is about the host, over no store")

Left = tuple[int, list[tuple[str, str]], str] | None


def ours(row: dict[str, Any]) -> Left:
    """Return what leaves our host; nothing if the connection is cut."""
    try:
        start, body = answer_messages(response(**row["returned"]), row["method"])
    except (UnusableAnswer, ValueError) as failure:  # The response takes no newlines in headers.
        start, body = failure_answer(row["method"], failure)
    if body.get("more_body") and start["status"] not in (204, 205, 304):
        return None
    headers = [(name.decode(), value.decode()) for name, value in start["headers"]]
    return comparable((start["status"], headers, body["body"].decode()))


def response(
    status: int = 200, headers: Sequence[tuple[str, str]] = (), **parts: Any
) -> func.HttpResponse:
    made = func.HttpResponse(status_code=status, **parts)
    for name, value in headers:
        made.headers.add(name, value)
    return made


def theirs(row: dict[str, Any]) -> Left:
    """Return what left the real host; our server adds how a body is framed when it sends it."""
    if "status" not in row:
        return None
    headers = [
        (name, value)
        for name, joined in row["headers"]
        if name != "transfer-encoding"
        for value in joined.split(" | ")
    ]
    return comparable((row["status"], headers, row["body"]))


def comparable(left: Left) -> Left:
    """Return an answer with sorted headers; a failure tells nothing but its status."""
    if left is None or left[0] == HTTPStatus.INTERNAL_SERVER_ERROR:
        return left and (left[0], [], "")
    return left[0], sorted(left[1]), left[2]


# --- Differences -------------------------------------------------------------------------------

# Where our host differs on purpose: the reason, and patterns of the names of the rows.
DIFFERENCES: dict[str, tuple[str, ...]] = {
    "a client that waits for ever, or reads no status, is no use to a test: 500 at once": (
        "status (100|101|103|199|1000) .*",
        "status (600|700|999|0|-1|99) .*",
        "header own t[e]( HEAD)?",
    ),
    "an answer that fails says so at once, and promises no length": ("status 204 with length",),
    "of two spellings the real host takes one by chance": ("header two cases HEAD",),
    "spaces around a value mean nothing": ("header spaces( HEAD)?",),
}


def is_listed(name: str) -> bool:
    """Say whether a row becomes something else on purpose."""
    return any(re.fullmatch(each, name) for patterns in DIFFERENCES.values() for each in patterns)


def test_every_response_leaves_as_it_left_the_real_host_but_for_listed_reasons() -> None:
    rows = [json.loads(line) for line in ROWS.read_text("utf-8").splitlines()]
    found = {row["name"]: (ours(row), theirs(row)) for row in rows if ours(row) != theirs(row)}
    assert {name: each for name, each in found.items() if not is_listed(name)} == {}
    patterns = [each for patterns in DIFFERENCES.values() for each in patterns]
    assert [each for each in patterns if not any(re.fullmatch(each, name) for name in found)] == []


def test_what_no_status_allows_is_a_failure() -> None:
    row: dict[str, Any] = {
        "method": "GET",
        "returned": {"status": 204, "headers": [["Content-Length", "5"]]},
    }
    for returned in (row["returned"], {**row["returned"], "body": "hello"}):
        assert ours({**row, "returned": returned}) == (500, [], "")
