"""Requests over real HTTP arrive as the Functions host hands them over."""

import json
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from shared.hosting.host import Host
from shared.hosting.request_bodies import HostLimits
from tests.support.sample_app import build_app
from tests.support.server import Address, running
from tests.support.storage import one_machine

pytestmark = one_machine("it is about the host, over no store")

LIMIT = 1000


@pytest.fixture(scope="module")
def host() -> Generator[Address]:
    with running(Host(build_app(), limits=HostLimits(body_bytes=LIMIT))) as address:
        yield address


def raw(host: Address, head: str, body: bytes = b"") -> tuple[str, str, bytes]:
    """Send a request as it stands; return the status line, the headers and the body."""
    text = f"{head}\r\nHost: registry.test\r\nConnection: close\r\n".replace("\n\n", "\n")
    answer = host.exchange(text.encode("latin-1") + b"\r\n" + body)
    top, _, content = answer.partition(b"\r\n\r\n")
    status, _, headers = top.decode("latin-1").partition("\r\n")
    return status, headers, content


def seen(host: Address, head: str, body: bytes = b"") -> Any:
    """Send a request to a Function that tells what it saw."""
    status, _, content = raw(host, head, body)
    assert status == "HTTP/1.1 200 OK"
    return json.loads(content)


def test_a_body_with_its_length_arrives_completely(host: Address) -> None:
    body = bytes(range(256))
    head = f"PUT /rest/x HTTP/1.1\r\nContent-Length: {len(body)}"
    assert seen(host, head, body)["body"] == body.decode("latin-1")


def test_a_chunked_body_arrives_empty(host: Address) -> None:
    head = "PUT /rest/x HTTP/1.1\r\nTransfer-Encoding: chunked"
    assert seen(host, head, b"3\r\nabc\r\n0\r\n\r\n")["body"] == ""


def test_a_connection_outlives_a_chunked_body_that_nobody_read(host: Address) -> None:
    chunked = b"PUT /rest/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    second = b"GET /rest/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = host.exchange(chunked + b"3\r\nabc\r\n0\r\n\r\n" + second)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert b"rest/b" in answer


def test_a_body_over_the_limit_is_announced_to_the_function_and_not_stored(host: Address) -> None:
    head = f"PUT /rest/x HTTP/1.1\r\nContent-Length: {LIMIT + 1}"
    for found in (
        seen(host, head, b"x" * (LIMIT + 1)),
        seen(host, f"{head}\r\nExpect: 100-continue"),
    ):
        assert (found["body"], found["headers"]["content-length"]) == ("", str(LIMIT + 1))


def test_a_client_that_expects_it_gets_100_continue(host: Address) -> None:
    head = b"PUT /rest/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
    with host.connect() as connection:
        connection.sendall(head + b"Connection: close\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert b'"body": "abc"' in connection.recv(65_536)


def test_headers_and_keys_sent_twice_are_joined_by_commas(host: Address) -> None:
    head = "GET /rest/x?q=1&Q=2&empty= HTTP/1.1\r\nX-One: a\r\nx-one: b"
    found = seen(host, head)
    assert found["headers"]["x-one"] == "a,b"
    assert found["params"] == {"Q": "1,2"}


@pytest.mark.parametrize(
    ("path", "segments", "url"),
    [
        ("/echo/a%2Fb/c%20d", {"org": "a%2Fb", "name": "c d"}, "/echo/a%2Fb/c%20d"),
        ("/ECHO/Acme/greet/", {"org": "Acme", "name": "greet"}, "/ECHO/Acme/greet/"),
        ("/rest/a/b/", {"path": "a/b/"}, "/rest/a/b/"),
        ("/rest", {}, "/rest"),
        ("/rest/%C3%BC/../x", {"path": "x"}, "/rest/x"),
        ("/echo_by_name", {}, "/echo_by_name"),
        ("/rest/a//b", {"path": "a//b"}, "/rest/a//b"),
        ("/rest/x?", {"path": "x"}, "/rest/x"),
        ("http://registry.test/rest/x", {"path": "x"}, "/rest/x"),
        ("HTTP://Registry.test:80", {}, "/"),
    ],
)
def test_a_path_is_decoded_once_and_the_address_stays_encoded(
    host: Address, path: str, segments: dict[str, str], url: str
) -> None:
    found = seen(host, f"GET {path} HTTP/1.1")
    assert found["route_params"] == segments
    assert found["url"] == f"http://registry.test{url}"


@pytest.mark.parametrize(
    "line", ["DELETE /echo/a/b", "GET /nowhere", "OPTIONS *", "GET //echo/a/b"]
)
def test_a_path_without_a_function_is_a_bare_404(host: Address, line: str) -> None:
    status, headers, content = raw(host, f"{line} HTTP/1.1")
    assert (status, content) == ("HTTP/1.1 404 Not Found", b"")
    assert "content-length: 0" in headers


@pytest.mark.parametrize("line", ["GET /rest/\xff", "GET /rest/%00", "BREW /rest/x"])
def test_an_invalid_request_is_refused(host: Address, line: str) -> None:
    assert raw(host, f"{line} HTTP/1.1")[0] == "HTTP/1.1 400 Bad Request"


def test_two_lengths_are_refused(host: Address) -> None:
    head = "PUT /rest/x HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked"
    assert raw(host, head, b"0\r\n\r\n")[0] == "HTTP/1.1 400 Bad Request"


def test_no_header_names_the_server(host: Address) -> None:
    assert httpx.get(f"{host.url}/").headers["server"] == "ballroom"


def test_head_has_the_length_that_its_function_names_and_no_other(host: Address) -> None:
    with httpx.Client(base_url=host.url) as client:
        assert "content-length" not in client.head("/answer/text").headers
        assert client.head("/answer/length").headers["content-length"] == "1234"


def test_a_body_whose_length_no_function_names_leaves_in_chunks(host: Address) -> None:
    answer = httpx.get(f"{host.url}/answer/text")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in answer.headers
    assert answer.text == "grüezi"


def test_an_answer_without_a_body_sends_none(host: Address) -> None:
    status, headers, content = raw(host, "POST /answer/nothing HTTP/1.1\r\nContent-Length: 0")
    assert (status, content) == ("HTTP/1.1 204 No Content", b"")
    assert "content-length" not in headers
    assert "transfer-encoding" not in headers
