"""A request that asks for another protocol is read like any other, whichever way it is written."""

import pytest

from shared.hosting.request_bodies import read_body
from shared.hosting.requests import Receive, Scope, Send
from shared.hosting.responses import send_answer
from tests.unit.shared.hosting.noting_transport import answers_to

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what was asked, and the protocols and the length of the body."""
    asked = b" ".join(value for name, value in scope["headers"] if name == b"upgrade")
    body = await read_body(receive)
    said = b"<%b %b (%b) %d>" % (scope["method"].encode(), scope["raw_path"], asked, len(body))
    start = {"type": "http.response.start", "status": 200, "headers": []}
    start["headers"] = [(b"content-length", b"%d" % len(said))]
    await send_answer((start, {"type": "http.response.body", "body": said}), send)


async def said(*pieces: bytes) -> list[str]:
    """Return what each answer says."""
    whole = (await answers_to(app, *pieces)).decode()
    return [each.partition(">")[0] for each in whole.split("<")[1:]]


def request(*lines: str, line: str = "PUT /x HTTP/1.1", body: bytes = b"") -> bytes:
    head = "\r\n".join([line, "Host: x", *lines])
    return head.encode() + b"\r\n\r\n" + body


LENGTH = f"Content-Length: {len(SMUGGLED)}"
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")


@pytest.mark.parametrize(
    "lines",
    [
        UPGRADE,
        ("Upgrade: websocket", "Connection: Upgrade"),
        ("CONNECTION: UPGRADE", "UPGRADE: websocket"),
        ("connection:upgrade", "upgrade:websocket"),
        ("Connection: keep-alive", "Connection: x, upgrade", "Upgrade:   websocket"),
        ("Proxy-Connection: upgrade", "Upgrade: websocket"),
        ("Connection: Upgrade", "HTTP2-Settings: AAMAAABk", "Upgrade: websocket"),
    ],
)
async def test_a_body_is_read_as_a_body_however_the_head_is_written(lines: tuple[str, ...]) -> None:
    sent = request(*lines, LENGTH, body=SMUGGLED) + NEXT
    assert await said(sent) == [f"PUT /x (websocket) {len(SMUGGLED)}", "GET /next () 0"]


async def test_the_application_sees_every_protocol_that_is_asked_for() -> None:
    sent = request("Connection: Upgrade", "Upgrade: h2c", "Upgrade: websocket")
    assert await said(sent + NEXT) == ["PUT /x (h2c websocket) 0", "GET /next () 0"]


async def test_a_request_is_read_the_same_wherever_it_is_cut() -> None:
    sent = request(*UPGRADE, LENGTH, body=SMUGGLED) + NEXT
    expected = [f"PUT /x (websocket) {len(SMUGGLED)}", "GET /next () 0"]
    for cut in range(1, len(sent)):
        assert await said(sent[:cut], sent[cut:]) == expected
    assert await said(*(sent[at : at + 1] for at in range(len(sent)))) == expected


async def test_a_tunnel_is_refused_and_nothing_behind_it_is_read() -> None:
    sent = request(*UPGRADE, LENGTH, line="CONNECT x:443 HTTP/1.1", body=SMUGGLED)
    answer = await answers_to(app, sent + NEXT)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("name", ["Connection", "Proxy-Connection"])
async def test_a_trailer_says_nothing_about_the_connection(name: str) -> None:
    chunked = request("Transfer-Encoding: chunked", body=b"0\r\n")
    trailers = f"{name}: close, upgrade\r\nUpgrade: websocket\r\n\r\n".encode()
    answer = await answers_to(app, chunked + trailers + NEXT)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
