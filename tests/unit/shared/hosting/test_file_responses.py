"""Files are streamed with validators, ranges and their true length."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.hosting.file_responses import (
    CHUNK,
    INLINE_READ_BYTES,
    MAX_BUFFERED_BYTES,
    SMALL_CHUNK,
    FileMiddleware,
    FileRefusal,
    FileResolver,
    FileResponse,
    FollowedRedirects,
    RedirectFollower,
)
from shared.hosting.requests import REPEAT, Message, Receive, Scope, Send
from tests.support.logs import capture_logs
from tests.unit.shared.hosting.asgi import Exchange, ask, scope

SMALL = b"a bala of two words"
LARGE = hashlib.sha256().digest() * (3 * CHUNK // 32 + 1)
ETAG = '"abc"'


@dataclass
class Shelf:
    """A resolver over one file, which remembers what it was asked."""

    answer: FileResponse | FileRefusal
    asked: list[tuple[list[str], dict[str, str], str]] = field(
        default_factory=list[tuple[list[str], dict[str, str], str]]
    )

    async def resolve(
        self, segments: Sequence[str], query: Mapping[str, str], headers: Mapping[str, str]
    ) -> FileResponse | FileRefusal:
        self.asked.append((list(segments), dict(query), headers.get("Accept", "")))
        return self.answer


async def elsewhere(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def served(resolve: FileResolver) -> FileMiddleware:
    return FileMiddleware(elsewhere, "/archives/", 2, resolve)


def shelf(folder: Path, content: bytes, **headers: str) -> Shelf:
    file = folder / "content"
    file.write_bytes(content)
    return Shelf(FileResponse(file, len(content), ETAG, headers))


async def get(on: Shelf, headers: Mapping[str, str] | None = None, method: str = "GET") -> Exchange:
    return await ask(served(on.resolve), scope(method, "/archives/d/f", headers))


async def test_a_small_file_is_one_message(tmp_path: Path) -> None:
    answer = await get(shelf(tmp_path, SMALL, **{"Content-Type": "application/octet-stream"}))
    assert (answer.status, answer.body, len(answer.sent)) == (200, SMALL, 2)
    assert answer.headers == {
        "etag": ETAG,
        "accept-ranges": "bytes",
        "content-type": "application/octet-stream",
        "content-length": str(len(SMALL)),
    }


async def test_a_large_file_comes_in_chunks(tmp_path: Path) -> None:
    answer = await get_with_patient_client(shelf(tmp_path, LARGE))
    assert answer.body == LARGE
    pieces = [message["body"] for message in answer.sent[1:]]
    assert [len(piece) for piece in pieces if piece][:3] == [CHUNK] * 3
    # An empty message after each: it is taken when the client has read what came before.
    assert set(pieces[1::2]) == {b""}
    *others, last = [message.get("more_body", False) for message in answer.sent[1:]]
    assert all(others)
    assert not last


async def test_while_slow_readers_hold_much_pieces_are_small(tmp_path: Path) -> None:
    app = served(shelf(tmp_path, LARGE).resolve)
    never = asyncio.Event()
    sizes: list[int] = []

    async def receive() -> Message:
        await never.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if body := message.get("body"):
            sizes.append(len(body))
            await never.wait()

    readers = MAX_BUFFERED_BYTES // CHUNK + 3
    asking = [
        asyncio.ensure_future(app(scope("GET", "/archives/d/f"), receive, send))
        for _ in range(readers)
    ]
    async with asyncio.timeout(30):
        while len(sizes) < readers:
            await asyncio.sleep(0)
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert sorted(sizes, reverse=True) == [CHUNK] * (readers - 3) + [SMALL_CHUNK] * 3


async def test_the_resolver_sees_the_path_the_query_and_the_headers(tmp_path: Path) -> None:
    on = shelf(tmp_path, SMALL)
    target = "/Archives/a%2Fb/c%20d/?sig=x%2By"
    await ask(served(on.resolve), scope("GET", target, {"accept": "*/*"}))
    assert on.asked == [(["a%2Fb", "c d"], {"sig": "x+y"}, "*/*")]


async def test_head_has_the_length_and_no_body(tmp_path: Path) -> None:
    answer = await get(shelf(tmp_path, SMALL), {"range": "bytes=0-1"}, "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(SMALL))


async def test_a_range_is_answered_with_its_place(tmp_path: Path) -> None:
    answer = await get(shelf(tmp_path, SMALL), {"Range": "bytes=2-5"})
    assert (answer.status, answer.body) == (206, SMALL[2:6])
    assert answer.headers["content-range"] == f"bytes 2-5/{len(SMALL)}"
    assert answer.headers["content-length"] == "4"


async def test_a_range_of_a_large_file_is_exact(tmp_path: Path) -> None:
    start, stop = 17, 17 + CHUNK + INLINE_READ_BYTES
    header = {"Range": f"bytes={start}-{stop - 1}"}
    answer = await get_with_patient_client(shelf(tmp_path, LARGE), header)
    assert answer.body == LARGE[start:stop]


async def test_a_range_behind_the_end_is_refused_with_the_size(tmp_path: Path) -> None:
    answer = await get(shelf(tmp_path, SMALL), {"Range": "bytes=99-"})
    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(SMALL)}"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_client_that_has_the_file_gets_a_304(tmp_path: Path, method: str) -> None:
    on = shelf(tmp_path, SMALL, **{"Cache-Control": "public"})
    answer = await get(on, {"If-None-Match": ETAG}, method)
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers == {"etag": ETAG, "accept-ranges": "bytes", "cache-control": "public"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_client_that_requires_another_file_gets_a_412(tmp_path: Path, method: str) -> None:
    on = shelf(tmp_path, SMALL, **{"Cache-Control": "public"})
    conditions = {"If-Match": '"another"', "If-None-Match": ETAG, "Range": "bytes=0-1"}
    answer = await get(on, conditions, method)
    assert (answer.status, answer.body) == (412, b"")
    assert answer.headers == {"etag": ETAG, "cache-control": "no-store", "content-length": "0"}
    assert REPEAT not in answer.sent[0]


@pytest.mark.parametrize(("method", "body"), [("GET", b"gone"), ("HEAD", b"")])
async def test_a_refusal_is_answered_as_it_is(method: str, body: bytes) -> None:
    on = Shelf(FileRefusal(410, {"Content-Type": "text/plain"}, b"gone"))
    answer = await get(on, method=method)
    assert (answer.status, answer.body) == (410, body)
    assert answer.headers == {"content-type": "text/plain", "content-length": "4"}


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/archives/d/f"),
        ("GET", "/archives/d"),
        ("GET", "/archives/d/f/g"),
        ("GET", "/archives/d//"),
        ("GET", "/archives/d/a%00"),
        ("GET", "/other/d/f"),
    ],
)
async def test_a_path_without_a_file_is_passed_to_the_application(method: str, target: str) -> None:
    on = Shelf(FileRefusal(410))
    assert (await ask(served(on.resolve), scope(method, target))).status == 418
    assert not on.asked


@pytest.mark.parametrize("damage", ["missing", "shorter"])
async def test_a_damaged_file_is_a_500_and_one_event(tmp_path: Path, damage: str) -> None:
    on = shelf(tmp_path, SMALL)
    (tmp_path / "content").unlink()
    if damage == "shorter":
        (tmp_path / "content").write_bytes(SMALL[:-1])
    with capture_logs() as events:
        answer = await get(on)
    assert (answer.status, answer.body) == (500, b"")
    assert [event["event"] for event in events] == ["file.damaged"]


async def test_nothing_more_is_read_for_a_client_that_has_left(tmp_path: Path) -> None:
    # The client of `ask` is gone as soon as its body is read.
    answer = await get(shelf(tmp_path, LARGE * 8))
    assert len(answer.body) < len(LARGE) * 8


async def get_with_patient_client(on: Shelf, headers: Mapping[str, str] | None = None) -> Exchange:
    """Ask as a client that stays to the end of the answer."""
    exchange = PatientExchange([b""], [])
    request = scope("GET", "/archives/d/f", headers)
    await served(on.resolve)(request, exchange.receive, exchange.send)
    return exchange


class PatientExchange(Exchange):
    """An exchange whose client stays to the end of the answer."""

    async def receive(self) -> Message:
        """Return the empty body, and then nothing."""
        if not self.pieces:
            await asyncio.Event().wait()
        return await super().receive()


CACHEABLE = [
    ("GET", {}, 200),
    ("HEAD", {}, 200),
    ("GET", {"If-None-Match": ETAG}, 304),
    ("GET", {"Range": "bytes=1-2"}, 206),
]


@pytest.mark.parametrize(("method", "headers", "status"), CACHEABLE)
async def test_answers_with_a_cacheable_file_are_cacheable(
    tmp_path: Path, method: str, headers: dict[str, str], status: int
) -> None:
    def repeat(_req: object, _caller: object) -> None: ...

    on = shelf(tmp_path, SMALL)
    for each in (None, repeat):
        assert isinstance(on.answer, FileResponse)
        on.answer = replace(on.answer, repeat=each)
        answer = await get(on, headers, method)
        assert (answer.status, answer.sent[0][REPEAT]) == (status, each)


async def test_no_failure_is_cacheable(tmp_path: Path) -> None:
    on = shelf(tmp_path, SMALL)
    assert isinstance(on.answer, FileResponse)
    on.answer = replace(on.answer, repeat=lambda _: None)
    assert REPEAT not in (await get(on, {"Range": "bytes=99-"})).sent[0]
    on.answer.path.unlink()
    with capture_logs():
        assert REPEAT not in (await get(on)).sent[0]


# --- Redirects to files --------------------------------------------------------------------------

ADDRESS = "https://registry.test/base"


class App:
    """Answers with the location that it was given, or with what it was asked."""

    def __init__(self, location: str | None, status: int = 302) -> None:
        self.asked: list[str] = []
        self._location = location
        self._status = status

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked.append(f"{scope['method']} {scope['raw_path'].decode()}")
        if scope["raw_path"].startswith(b"/short/"):
            headers = [] if self._location is None else [(b"location", self._location.encode())]
            await send(_start(self._status, headers))
            await send({"type": "http.response.body", "body": b"there"})
        else:
            given: Mapping[bytes, bytes] = dict(scope["headers"])
            await send(_start(200, [(b"x-range", given.get(b"range", b""))]))
            line = scope["raw_path"] + b"?" + scope["query_string"]
            await send({"type": "http.response.body", "body": line})


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


async def asked(app: App, path: str, method: str = "GET", **headers: str) -> Exchange:
    following = RedirectFollower(app, FollowedRedirects("/short/", ADDRESS))
    return await ask(following, scope(method, path, headers))


async def test_the_client_gets_what_the_redirect_leads_to() -> None:
    app = App(f"{ADDRESS}/files/one?signature=x")
    answer = await asked(app, "/short/one", Range="bytes=1-")
    assert (answer.status, answer.body) == (200, b"/files/one?signature=x")
    assert answer.headers["x-range"] == "bytes=1-"


async def test_the_method_stays() -> None:
    app = App(f"{ADDRESS}/files/one")
    await asked(app, "/short/one", "HEAD")
    assert app.asked == ["HEAD /short/one", "HEAD /files/one"]


async def test_a_redirect_that_leads_to_a_redirect_is_passed_on() -> None:
    app = App(f"{ADDRESS}/short/two")
    answer = await asked(app, "/short/one")
    assert (answer.status, app.asked) == (302, ["GET /short/one", "GET /short/two"])


@pytest.mark.parametrize(
    "location",
    ["https://elsewhere.test/files/one", f"{ADDRESS}.elsewhere.test/files/one", "/files/one", None],
)
async def test_a_redirect_to_elsewhere_is_passed_on(location: str | None) -> None:
    answer = await asked(App(location), "/short/one")
    assert (answer.status, answer.headers.get("location")) == (302, location)


@pytest.mark.parametrize("status", [200, 201, 401, 404])
async def test_other_answers_are_passed_on(status: int) -> None:
    answer = await asked(App(f"{ADDRESS}/files/one", status), "/short/one")
    assert (answer.status, answer.body) == (status, b"there")


class Cacheable:
    """Redirects and answers, of which some are cacheable."""

    def __init__(self, *cacheable: str) -> None:
        self._cacheable = cacheable

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        place = "there" if scope["raw_path"] == b"/there" else "here"
        headers = [] if place == "there" else [(b"location", f"{ADDRESS}/there".encode())]
        start = _start(200 if place == "there" else 302, headers)
        repeat = place if place in self._cacheable else None
        await send({**start, REPEAT: repeat})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("cacheable", "repeat"),
    [(("here", "there"), "here"), (("here",), None), (("there",), None), ((), None)],
)
async def test_an_answer_is_cacheable_if_the_redirect_is_and_is_repeated_as_that(
    cacheable: tuple[str, ...], repeat: str | None
) -> None:
    following = RedirectFollower(Cacheable(*cacheable), FollowedRedirects("/short/", ADDRESS))
    answer = await ask(following, scope("GET", "/short/one"))
    assert (answer.status, answer.sent[0].get(REPEAT)) == (200, repeat)


async def test_other_paths_are_not_looked_at() -> None:
    app = App(None)
    assert (await asked(app, "/long/one")).body == b"/long/one?"
    assert app.asked == ["GET /long/one"]
