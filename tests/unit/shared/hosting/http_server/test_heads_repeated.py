"""A request with the headers of an earlier one is answered as if it were the first."""

from collections.abc import Iterator
from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.hosting.http_server.connection import Connection
from shared.hosting.http_server.heads import LONGEST_LINE, RepeatedHead
from shared.hosting.requests import Receive, RequestHeaders, Scope, Send
from shared.hosting.responses import CachedAnswer, encode_head, send_answer
from tests.unit.shared.hosting.noting_transport import answers_to

REST = b"Host: x\r\nAccept: */*\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
FIRST = b"GET /ready HTTP/1.1\r\n" + REST


class Telling:
    """Answers what it was asked; below `/ready` without a task."""

    def __init__(self) -> None:
        self.looked_up: list[bytes] = []
        self.asked: list[Scope] = []

    def cached_answer(self, scope: Scope) -> CachedAnswer | None:
        scope["looked_up"] = True
        self.looked_up.append(scope["raw_path"])
        if not scope["raw_path"].startswith(b"/ready"):
            return None
        start, body = _told(scope, b"")
        return CachedAnswer(encode_head(start), [], body["body"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope)
        body = b""
        more = True
        while more:
            message = await receive()
            body = body + message.get("body", b"")
            more = message.get("more_body", False)
            if message["type"] == "http.disconnect":
                return
        await send_answer(_told(scope, body), send)


def _told(scope: Scope, body: bytes) -> Any:
    names = ("method", "raw_path", "query_string", "headers", "client", "scheme", "http_version")
    asked = {name: scope[name] for name in names} | {"by_name": dict(RequestHeaders.of(scope))}
    content = repr((asked, body)).encode()
    headers = [(b"content-length", str(len(content)).encode())]
    return (
        {"type": "http.response.start", "status": 200, "headers": headers},
        {"type": "http.response.body", "body": content},
    )


async def answer_after(first: bytes, *pieces: bytes) -> bytes:
    """Return what is answered to the pieces that follow the first request of a connection."""
    before = await answers_to(Telling(), first)
    return (await answers_to(Telling(), first, *pieces)).removeprefix(before)


LINES = (
    b"GET /ready HTTP/1.1",
    b"GET /ready/other?a=b&c HTTP/1.1",
    b"HEAD /ready HTTP/1.1",
    b"GET /new HTTP/1.1",
    b"GET /new/%2e%2E/x HTTP/1.1",
    b"GET /ready? HTTP/1.1",
    b"POST /ready HTTP/1.1",
    b"GET /ready HTTP/1.0",
    b"GET //x/ready HTTP/1.1",
    b"GET http://x/ready HTTP/1.1",
    b"GET /ready#x HTTP/1.1",
    b"GET /re ady HTTP/1.1",
    b"GET /ready\t HTTP/1.1",
    b"GET /ready HTTP/1.1 ",
    b"GET ready HTTP/1.1",
    b"",
    b"GET",
    b"CONNECT x:1 HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"\r\nGET /ready HTTP/1.1",
    b"GET /ready?%s HTTP/1.1" % (b"x" * LONGEST_LINE),
    b"GET /ready HTTP/1.1\r\nContent-Length: 3",
    b"GET /ready HTTP/1.1\r\nTransfer-Encoding: chunked",
    b"GET /ready HTTP/1.1\r\nConnection: close",
    b"GET /ready HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade",
    b"GET /ready HTTP/1.1\r\nHost: y\r\n\r\nGET /ready HTTP/1.1",
)


@pytest.mark.parametrize("line", LINES)
async def test_a_repeated_head_is_answered_as_the_first_one(line: bytes) -> None:
    sent = line + b"\r\n" + REST
    assert await answer_after(FIRST, sent) == await answers_to(Telling(), sent)


@given(
    line=st.lists(st.sampled_from([*LINES, b" ", b"?", b"%", b"\r\n", b"\0", b"x" * 99])).map(
        b"".join
    ),
    rest=st.sampled_from([REST, REST[:-2], b"A: b\r\n" + REST, REST + REST, REST.lower()]),
)
async def test_a_repeated_head_with_any_request_line_is_answered_as_the_first_one(
    line: bytes, rest: bytes
) -> None:
    sent = line + b"\r\n" + rest
    assert await answer_after(FIRST, sent) == await answers_to(Telling(), sent)


@pytest.mark.parametrize("cut", range(1, len(FIRST)))
async def test_a_repeated_head_may_come_in_two_pieces(cut: int) -> None:
    assert await answer_after(FIRST, FIRST[:cut], FIRST[cut:]) == await answers_to(Telling(), FIRST)


async def test_a_body_that_looks_like_a_request_is_a_body() -> None:
    head = b"POST /new HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(FIRST)
    answer = await answer_after(FIRST, head, FIRST)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer == await answers_to(Telling(), head + FIRST)


def test_a_request_that_was_slow_is_over_after_a_repeated_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection: Any = object.__new__(Connection)
    connection._upload_progress = object()
    connection._idle_bytes = 7
    scope: Scope = {"type": "http", "headers": [], "method": "GET", "raw_path": b"/a"}
    head = RepeatedHead.of(FIRST, scope)
    connection._head = head
    connection.server = SimpleNamespace(cached_answer=lambda _scope: CachedAnswer(b"", [], b""))
    monkeypatch.setattr(Connection, "_can_answer_now", lambda _self: True)
    monkeypatch.setattr(Connection, "_send", lambda _self, _answer: None)
    assert connection._answers_repeated_head(FIRST)
    assert (connection._upload_progress, connection._idle_bytes) == (None, 0)


SENT = (
    FIRST,
    FIRST.replace(b"/ready", b"/new"),
    FIRST.replace(b"GET", b"HEAD"),
    FIRST[:-2],
    *(line + b"\r\n" + REST for line in LINES),
    *(line + b"\r\n" for line in LINES),
    REST,
    b"\r\n",
    b"\n",
    b"x",
    b"0\r\n\r\n",
    b"%x\r\n%b\r\n" % (len(FIRST), FIRST),
    b"POST /ready HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(FIRST),
    b"POST /new HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"PUT /new HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
)
SLOW = FIRST.replace(b"/ready", b"/new")
LINE = b"GET /ready HTTP/1.1\r\n"
POSTED = b"POST /ready HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(LINE)


@given(pieces=st.lists(st.sampled_from(SENT), max_size=8), cuts=st.lists(st.integers(1, 400)))
@example(pieces=[b"GET /new HTTP/1.1\r\nHost: x\r\nX-Line: ", FIRST], cuts=[])  # It is a header.
@example(pieces=[SLOW, FIRST], cuts=[])  # It waits for the answer before it.
@example(pieces=[b"GET /new HTTP/1.1\r\nConnection: close\r\n" + REST, FIRST], cuts=[])
@example(pieces=[FIRST + FIRST, LINE + REST + FIRST], cuts=[])  # Neither is remembered.
@example(pieces=[POSTED, LINE + FIRST, LINE + FIRST], cuts=[])  # The end of a body is no line.
@example(pieces=[b"\r\n" * 2_000, FIRST] * 15, cuts=[])  # Empty lines do not add up.
async def test_any_stream_is_answered_as_if_the_parser_had_read_it(
    pieces: list[bytes], cuts: list[int]
) -> None:
    pieces = [FIRST, *pieces]
    for cut in cuts:  # The piece that the byte is in is sent in two.
        pieces = list(chain.from_iterable(_halves(pieces, cut)))
    answers = await answers_to(Telling(), *pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RepeatedHead, "of", lambda _data, _scope: None)
        assert await answers_to(Telling(), *pieces) == answers


def _halves(pieces: list[bytes], cut: int) -> Iterator[tuple[bytes, ...]]:
    for piece in pieces:
        yield (piece[:cut], piece[cut:]) if 0 < cut < len(piece) else (piece,)
        cut -= len(piece)


async def test_a_prepared_answer_is_looked_for_once() -> None:
    app = Telling()
    await answers_to(app, FIRST, FIRST.replace(b"/ready", b"/new"))
    assert app.looked_up == [b"/ready", b"/new"]
    assert [each["looked_up"] for each in app.asked] == [True]
