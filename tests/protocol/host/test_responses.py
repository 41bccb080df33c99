"""What a Function returns leaves our host as it left the real one, byte for byte where it matters.

`answers.jsonl` has what 158 answers of a Function became. Each is returned here by a Function of
ours and read from a socket. Where the two differ on purpose, DIFFERENCES says why.
"""

import asyncio
import json
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func
import pytest

from shared.hosting.host import Host
from shared.hosting.responses import configured_headers
from tests.paths import MEASURED_HOST
from tests.support.server import Address, running
from tests.support.storage import one_machine

ANSWERS = MEASURED_HOST / "answers.jsonl"

pytestmark = one_machine("it is about the host, over no store")

_UNREACHABLE = "a client that waits for ever, or reads no status, is no use to a test: 500 at once"
_EMPTY = "a 500 without a body has no type here"
_OWN = "the server names itself and the time"
DIFFERENCES = {
    **{f"GET status:{status}": _UNREACHABLE for status in (100, 101, 102, 103, 199)},
    **{f"GET status:{status}": _UNREACHABLE for status in (600, 700, 999, 0, -1, 1000)},
    'GET headers:[["Transfer-Encoding", "chunked"]]': _UNREACHABLE,
    "GET cl:x": _EMPTY,
    "GET cl:-1": _EMPTY,
    "HEAD cl:-1": _EMPTY,
    "HEAD cl:4": "a HEAD that failed promises no length, and has no type",
    'GET headers:[["X A", "v"]]': _EMPTY,
    'GET headers:[["X-A", "\\u20ac"]]': _EMPTY,
    'GET headers:[["Server", "mine"]]': _OWN,
    'GET headers:[["Date", "Thu, 01 Jan 1970 00:00:00 GMT"]]': _OWN,
    'GET hdict:{"X-A": "1", "x-a": "2"}': "of two spellings the real host takes one by chance",
}


@dataclass(frozen=True)
class Left:
    """What left a host: nothing that can be read where the connection was cut."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass
class Returning:
    """An app whose one Function returns what the test says."""

    returned: list[str] = field(default_factory=list[str])

    def app(self) -> func.FunctionApp:
        app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

        @app.route("x", methods=["GET", "HEAD"])
        async def returning(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
            return made(self.returned[-1])

        return app


def made(returned: str) -> Any:
    """Return what the Function of the measurement did for this word."""
    kind, _, rest = returned.partition(":")
    if kind == "raise":
        raise LookupError
    return ODD[kind] if kind in ODD else response_of(kind, rest)


ODD: dict[str, Any] = {"none": None, "dict": {"a": 1}, "bytes": b"bytes", "int": 5}
ODD["str"] = "a string"
PLAIN: dict[str, dict[str, Any]] = {
    "json": {"body": "(json)", "mimetype": "application/json"},
    "small": {"body": "{}", "mimetype": "application/json"},
    "bytesbody": {"body": b"\x00\xff\x80raw", "mimetype": "application/x-thing"},
    "plain": {"body": "plain text"},
    "empty": {"body": ""},
}
PLAIN["json"]["headers"] = {"X-Function": "web_package"}


def response_of(kind: str, rest: str) -> func.HttpResponse:
    match kind:
        case "head" | "cl":
            body = "12345" if kind == "cl" else ""
            return func.HttpResponse(body, headers={"Content-Length": rest})
        case "status" | "statusbody":
            body = "some body" if kind == "statusbody" else ""
            return func.HttpResponse(body, status_code=int(rest))
        case "hdict":
            return func.HttpResponse("ok", headers=json.loads(rest))
        case "headers":
            response = func.HttpResponse("ok")
            for name, value in json.loads(rest):
                response.headers.add(name, value)
            return response
        case _:
            return func.HttpResponse(**PLAIN[kind])


@pytest.fixture(scope="module")
def returning() -> Returning:
    return Returning()


@pytest.fixture(scope="module")
def host(returning: Returning) -> Generator[Address]:
    served = Host(returning.app(), headers=configured_headers("http://registry.test"))
    with running(served) as address:
        yield address


async def test_every_answer_leaves_as_it_left_the_real_host(
    host: Address, returning: Returning
) -> None:
    wrong: list[str] = []
    for line in ANSWERS.read_text("utf-8").splitlines():
        case = json.loads(line)
        name = f"{case['method']} {case['returned']}"
        returning.returned.append(case["returned"])
        ours = await asyncio.to_thread(left, host, case["method"])
        if (ours == theirs(case)) == (name in DIFFERENCES):
            said = "agrees" if name in DIFFERENCES else f"{ours} instead of {theirs(case)}"
            wrong.append(f"{name}: {said}")
    assert not wrong, "\n".join(wrong)


def left(host: Address, method: str) -> Left:
    """Return what leaves our host, without what it says on every answer."""
    head = f"{method} /x HTTP/1.1\r\nHost: registry.test\r\n\r\n"
    with host.connect() as connection:
        connection.sendall(head.encode())
        received = connection.makefile("rb")
        status = int(received.readline().split()[1])
        headers = list(iter(lambda: received.readline().decode("latin-1").strip(), ""))
        pairs = [(name.lower(), value.strip()) for name, _, value in map(_parted, headers)]
        body = _body(received, dict(pairs), status, method)
    if body is None:
        return Left()
    usual = {name.decode(): value.decode() for name, value in configured_headers("http://x.test")}
    said = [
        pair
        for pair in pairs
        if usual.get(pair[0]) != pair[1] and pair[0] not in ("server", "date")
    ]
    return Left(status, tuple(sorted(said)), body.decode("latin-1"))


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def _body(received: Any, headers: dict[str, str], status: int, method: str) -> bytes | None:
    """Return the body, or None for one that was cut."""
    if method == "HEAD" or status in (204, 304):
        return b""
    if "chunked" in headers.get("transfer-encoding", ""):
        whole = b""
        while size := int(received.readline(), 16):
            whole += received.read(size)
            received.readline()
        return whole
    length = int(headers["content-length"])
    body = received.read(length)
    return body if len(body) == length else None


def theirs(case: dict[str, Any]) -> Left:
    """Return what left the real host."""
    if "answer" in case:
        return Left()
    headers = tuple(sorted((name.lower(), value) for name, value in case["headers"]))
    return Left(case["status"], headers, case["body"])


def test_every_difference_is_a_case() -> None:
    cases = [json.loads(line) for line in ANSWERS.read_text("utf-8").splitlines()]
    assert len(cases) == 158
    assert DIFFERENCES.keys() <= {f"{case['method']} {case['returned']}" for case in cases}


@pytest.mark.parametrize("status", [204, 304])
def test_a_body_that_no_status_allows_ends_the_connection(
    host: Address, returning: Returning, status: int
) -> None:
    returning.returned.append(f"statusbody:{status}")
    with host.connect() as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: registry.test\r\n\r\n")
        received = connection.makefile("rb").read()
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert received.endswith(b"\r\n\r\n")
