"""What a request may begin with: bounds, one `Host`, one form of targets, over real sockets."""

from collections.abc import Generator

import pytest

from shared.hosting.host import Host
from shared.hosting.http_server.heads import LONGEST_HEADERS, LONGEST_LINE, MOST_HEADERS
from tests.support.sample_app import build_app
from tests.support.server import Address, read_all, served_app
from tests.support.storage import one_machine

pytestmark = [pytest.mark.measured, one_machine("it is about the host, over no store")]

END = b"\r\n\r\n"
LAST = b"GET /rest/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def host() -> Generator[Address]:
    with served_app(Host(build_app())) as address:
        yield address


def head(*lines: str, line: str = "GET /rest/x HTTP/1.1") -> bytes:
    return "\r\n".join([line, "Host: x", *lines]).encode() + END


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def is_refused(answer: bytes, expected: int) -> bool:
    """Say whether it is a bare answer of the host, behind which nothing is read."""
    top, _, body = answer.partition(END)
    return status(answer) == expected and body == b"" and b"\r\nconnection: close" in top


# --- Bounds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize(
    ("bound", "refusal"), [("8 KiB a line", 414), ("32 KiB of headers", 431), ("100 headers", 431)]
)
def test_a_head_has_bounds(host: Address, bound: str, refusal: int, extra: int) -> None:
    path = "x" * (LONGEST_LINE - len(b"GET /rest/ HTTP/1.1\r\n") + extra)
    around = len(b"Host: x\r\nConnection: close\r\nX-Long: \r\n")
    lines = [f"X-{number}: v" for number in range(MOST_HEADERS - 2 + extra)]
    sent = {
        "8 KiB a line": head("Connection: close", line=f"GET /rest/{path} HTTP/1.1"),
        "32 KiB of headers": head(
            "Connection: close", f"X-Long: {'x' * (LONGEST_HEADERS - around + extra)}"
        ),
        "100 headers": head("Connection: close", *lines),
    }
    assert status(host.exchange(sent[bound])) == (refusal if extra else 200)


def test_a_head_that_comes_in_pieces_has_the_same_bounds(host: Address) -> None:
    with host.connect() as connection:
        connection.sendall(b"GET /rest/x HTTP/1.1\r\nHost: x\r\n")
        for _ in range(9):
            connection.sendall(b"X-Long: " + b"x" * 3_700 + b"\r\n")
        connection.sendall(b"\r\n")
        assert is_refused(read_all(connection), 431)


def test_a_second_request_has_the_same_bounds(host: Address) -> None:
    second = head(f"X-Long: {'x' * LONGEST_HEADERS}")
    with host.connect() as connection:
        connection.sendall(head())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        connection.sendall(second)
        assert is_refused(read_all(connection), 431)


@pytest.mark.parametrize("begun", [b"GET /rest/", b"GET /rest/x HTTP/1.1\r\nHost: "])
def test_a_head_without_end_is_refused(host: Address, begun: bytes) -> None:
    answer = host.exchange(begun + b"x" * (LONGEST_LINE + LONGEST_HEADERS))
    assert is_refused(answer, 431 if b"\r\n" in begun else 414)


# --- Trailers ----------------------------------------------------------------------------------

CHUNKED = head("Transfer-Encoding: chunked", line="PUT /rest/x HTTP/1.1")


def test_trailers_are_no_headers(host: Address) -> None:
    sent = CHUNKED + b"3\r\nabc\r\n0\r\nX-Late: 1\r\nHost: evil\r\nAuthorization: x\r\n\r\n"
    answer = host.exchange(sent + LAST)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    for word in (b"x-late", b"evil", b"authorization"):
        assert word not in answer


@pytest.mark.parametrize("behind", [b"0\r\nX-Late: ", b"3;"])
def test_extensions_and_trailers_of_chunked_bodies_are_bounded_too(
    host: Address, behind: bytes
) -> None:
    with host.connect() as connection:
        connection.sendall(CHUNKED)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        connection.sendall(behind + b"x" * (LONGEST_LINE + LONGEST_HEADERS))
        assert read_all(connection) == b""  # The request is answered already.


# --- Hosts and targets -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["a.example", "a.example"],
        ["a.example", "b.example"],
        *([each] for each in ("", "a b", "a,b", "a/b", "u@a", "a:", "a:x", "a:65536", "%41", "é")),
        ["a" * 300],
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_request_without_exactly_one_valid_host_is_refused(
    host: Address, hosts: list[str], version: str
) -> None:
    lines = [f"GET /rest/x HTTP/{version}", *(f"Host: {each}" for each in hosts)]
    assert is_refused(host.exchange("\r\n".join(lines).encode() + END), 400)


@pytest.mark.parametrize(
    "target",
    ["http://evil.test/rest/x", "http://u:p@x/rest/x", "https://x:80/", "ftp://x/", "x", "http:/x"],
)
def test_a_target_is_a_path_or_names_the_same_host(host: Address, target: str) -> None:
    assert is_refused(host.exchange(head(line=f"GET {target} HTTP/1.1")), 400)


@pytest.mark.parametrize(
    ("line", "refusal"),
    [("GET /rest/x HTTP/0.9", 505), ("GET /rest/x HTTP/2.0", 505), ("BREW /rest/x HTTP/1.1", 400)],
)
def test_there_are_two_versions_and_the_methods_of_the_standards(
    host: Address, line: str, refusal: int
) -> None:
    assert is_refused(host.exchange(head(line=line)), refusal)


# --- One behind the other ----------------------------------------------------------------------


def test_behind_a_refusal_nothing_is_read(host: Address) -> None:
    answer = host.exchange(b"GET /rest/y HTTP/1.1\r\n\r\n" + LAST)
    assert is_refused(answer, 400)
    assert answer.count(b"HTTP/1.1 ") == 1
