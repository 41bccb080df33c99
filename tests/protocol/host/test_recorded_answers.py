"""Our host against what the real Functions host did with the same routes and the same bytes."""

import json
import re
import socket
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import azure.functions as func
import pytest

from shared.hosting.host import Host
from tests.paths import MEASURED_HOST
from tests.support.sample_app import answered
from tests.support.server import Address, served_app
from tests.support.storage import one_machine

pytestmark = one_machine("it is about the host, over no store")


def rows(name: str) -> list[dict[str, Any]]:
    """Return the measurements of a file, one a line."""
    return [json.loads(line) for line in (MEASURED_HOST / name).read_text("utf-8").splitlines()]


# --- The app that was measured -----------------------------------------------------------------


def measured_app(routes: str) -> func.FunctionApp:
    """Return an app with the measured routes of a file, whose Functions tell what they saw."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for each in json.loads((MEASURED_HOST / routes).read_text("utf-8")):
        name = each["function"]
        route = app.route(each["template"] or "/", methods=each["methods"])
        app.function_name(name)(route(_telling(name)))
    return app


def _telling(name: str) -> Any:
    async def tell(req: func.HttpRequest) -> func.HttpResponse:
        seen = {
            "function": name,
            "params": dict(req.route_params),
            "url": req.url,
            "method": req.method,
            "query": dict(req.params),
            "headers": dict(req.headers),
            "length": len(req.get_body()),
        }
        # The measured app named no length, so that its answers came in chunks.
        return answered(json.dumps(seen), {"X-Function": name}, media_type="application/json")

    return tell


@pytest.fixture(scope="module")
def host() -> Generator[Address]:
    with served_app(Host(measured_app("routes.json"))) as address:
        yield address


# --- What comes back ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Received:
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection that is opened anew whenever the host closed it."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def ask(self, request: bytes, *, is_head: bool) -> Received | None:
        """Send a request; return the answer, or None where the connection ends without one."""
        if self._socket is None:
            self._socket = self._address.connect()
        try:
            self._socket.sendall(request)
            received = _read(self._socket, is_head=is_head)
        except ConnectionError:
            received = None
        if received is None or received.headers.get("connection") == "close":
            self.close()
        return received

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


def _read(connection: socket.socket, *, is_head: bool) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return None
        data = (data + piece).removeprefix(_GO_ON)
    top, _, body = data.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    length = 0 if is_head else int(headers.get("content-length", 0))
    while len(body) < length:
        body += connection.recv(65_536)
    return Received(int(first.split()[1]), headers, body)


# --- Comparing ---------------------------------------------------------------------------------

# What the front end before the real host adds was not there when it was measured.
_OF_THE_FRONT = "x-forwarded-for"
_COMPARED = ("allow", "connection", "content-type", "x-function")


def measured(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the real host did, as far as it is compared."""
    if "answer" in row:
        return {"status": None}
    headers = {name: row["headers"][name] for name in _COMPARED if name in row["headers"]}
    return {"status": row["status"], **headers, "seen": row.get("seen")}


def ours(received: Received | None) -> dict[str, Any]:
    """Return what our host did, in the same form."""
    if received is None:
        return {"status": None}
    headers = {name: received.headers[name] for name in _COMPARED if name in received.headers}
    seen = json.loads(received.body) if received.body else None
    if seen:
        del seen["headers"][_OF_THE_FRONT]
    return {"status": received.status, **headers, "seen": seen}


def differences(host: Address) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield each request of `requests.jsonl` that the two answer differently, and both answers."""
    for row in rows("requests.jsonl"):
        request = row["request"].encode("latin-1")
        is_head = row["name"].split()[:2] == ["method", "HEAD"]
        with closing(Client(host)) as client:
            received = ours(client.ask(request, is_head=is_head))
        if received != measured(row):
            yield row["name"], measured(row), received


# --- Requests ----------------------------------------------------------------------------------

_UNKNOWN_METHOD = "the parser knows the methods of the standards alone"
_STATUS_OF_VERSION = "the parser refuses the version before a status for it can be chosen"
_EMPTY_BODY = "chunks are read, and broken ones refused, where the real host never looks at them"
_CONTROLS = "the parser takes no control character"
_BARE_LF = "a line that ends in LF alone is read differently by proxies"
_HOME_PAGE = "the templates turn the home page of the real host off, which leaves a bare 204"
_ADMINISTRATION = "one machine has none of the administration that asks for a key of the real host"
_BROKEN_HOST = "the real host fails where the request is wrong"

# Where our host differs on purpose: the reason, and the requests that show it.
DIFFERENCES: dict[str, tuple[str, ...]] = {
    _HOME_PAGE: (
        *(f"method {method} /" for method in ("OPTIONS", "POST", "PUT", "DELETE", "PATCH")),
        *(f"method {method} /" for method in ("TRACE", "PROPFIND", "PURGE", "QUERY")),
        *(f"method {method} /" for method in ("LINK", "M-SEARCH")),
    ),
    _UNKNOWN_METHOD: tuple(
        f"method {method} {path}"
        for method in ("FOO", "get", "Get", "head", "pOST", "FOO-BAR", "X" * 12)
        for path in ("/", "/packages/a/b")
    ),
    "an answer of success would open a tunnel": (
        "method CONNECT /",
        "method CONNECT /packages/a/b",
    ),
    "an escaped slash is one in every form of a target": ("abs encoded",),
    _BROKEN_HOST: ("no host 1.0", "empty host", "host b'a.example:99999'"),
    _STATUS_OF_VERSION: (
        "version b'HTTP/1.2'",
        "version b'http/1.1'",
        "version b'HTTP/3.0'",
        "h2 preface",
    ),
    "no route has a K, which the real host reads the Kelvin sign as": (
        "fold /pac%E2%84%AAages/a/b",
    ),
    "a line without a version is HTTP/0.9 to the parser": ("version b''",),
    "the parser skips spaces before a target": ("two spaces",),
    _BARE_LF: ("bare LF", "header bare LF"),
    _CONTROLS: ("ctl query", "header ctl"),
    "the parser takes the names that the standard allows": ("header name odd",),
    "nobody's word is taken for host and scheme; the front ends of Azure set them there": (
        "x-forwarded-for",
    ),
    "two lengths that say different things are how requests are smuggled": ("post chunked+cl",),
    "`Connection` arrives as it was sent; it means nothing to a Function": ("upgrade h2c",),
    "a length is digits alone": ("post cl +5",),
    "a client that got no 100 Continue may send a request instead of its body": ("expect 404",),
    _EMPTY_BODY: ("post bad chunk", "post chunk LF"),
    "the Function finds an empty body and says so": ("post 1.0 no length",),
    _ADMINISTRATION: (
        "path /admin/host/status",
        "path /admin/host/ping",
        "path /admin/functions",
        "path /admin/vfs/",
        "path /runtime/webhooks/x",
    ),
}


def test_every_measured_request_is_answered_as_measured_but_for_listed_reasons(
    host: Address,
) -> None:
    found = {name: answers for name, *answers in differences(host)}
    listed = {name for names in DIFFERENCES.values() for name in names}
    assert {name: found[name] for name in found.keys() - listed} == {}
    assert listed - found.keys() == set(), "these are listed, but the two hosts agree"


# --- Targets -----------------------------------------------------------------------------------


def reason_to_differ(row: dict[str, Any]) -> str | None:
    """Return why our host answers a measured target differently, or None."""
    if row["status"] == 200 and row["function"] is None:
        return _HOME_PAGE
    if row["status"] == 405 and row["target"] != "*":
        return "the parser refuses a target that is no path before a status can be chosen"
    if row["status"] != 400 and re.search(r"[\x00-\x1f\x7f]", row["target"]):
        return _CONTROLS
    return None


@pytest.mark.parametrize(
    ("routes", "targets"),
    [
        ("routes.json", "targets.jsonl"),
        # About the routes that were new a week later, and near misses.
        ("routes-2026-11.json", "targets-2026-11.jsonl"),
    ],
)
def test_every_measured_target_leads_to_the_same_function_with_the_same_parameters(
    routes: str, targets: str
) -> None:
    wrong: list[object] = []
    with served_app(Host(measured_app(routes))) as host, closing(Client(host)) as client:
        for row in rows(targets):
            head = f"{row['method']} {row['target']} HTTP/1.1\r\nHost: registry.example\r\n\r\n"
            received = client.ask(head.encode("latin-1"), is_head=row["method"] == "HEAD")
            expected = row["status"], row["function"], row["params"]
            if (_led(received) == expected) != (reason_to_differ(row) is None):
                wrong.append((row, _led(received)))
    assert wrong == []


def _led(received: Received | None) -> tuple[int, str | None, dict[str, str] | None] | None:
    if received is None:
        return None
    seen = json.loads(received.body) if received.body else {"params": None}
    return received.status, received.headers.get("x-function"), seen["params"]
