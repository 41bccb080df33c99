"""Files: what slow readers get, which paths have none, and what is done about damaged ones."""

import asyncio
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.hosting.file_responses import (
    CHUNK,
    MAX_BUFFERED_BYTES,
    SMALL_CHUNK,
    FileMiddleware,
    FileRefusal,
    FileResolver,
    FileResponse,
    FollowedRedirects,
    RedirectFollower,
    ResponseSender,
)
from shared.hosting.requests import CACHE_POLICY, ASGIApp, Message, Receive, Scope, Send
from shared.hosting.responses import HostResponse, Respond
from shared.runtime.answers import AnswerCachePolicy
from tests.support.logs import capture_logs
from tests.unit.shared.hosting.asgi import Exchange, ask, scope

SMALL = b"a bala of two words"
LARGE = hashlib.sha256().digest() * (3 * CHUNK // 32 + 1)
ETAG = '"abc"'


@dataclass
class Shelf:
    """A resolver over one file, which remembers what it was asked."""

    answer: FileResponse | FileRefusal
    asked: int = 0

    async def resolve(self, *_: object) -> FileResponse | FileRefusal:
        self.asked += 1
        return self.answer


async def elsewhere(_scope: Scope, _receive: Receive) -> HostResponse:
    return HostResponse(418, [])


def served(resolve: FileResolver) -> ASGIApp:
    return sending(FileMiddleware(elsewhere, "/archives/", 2, resolve))


def sending(respond: Respond) -> ASGIApp:
    """Return an application that sends the responses."""
    sender = ResponseSender()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await respond(scope, receive)
        await sender.send(response, response.headers, receive, send)

    return app


def shelf(folder: Path, content: bytes, **headers: str) -> Shelf:
    file = folder / "content"
    file.write_bytes(content)
    return Shelf(FileResponse(file, len(content), ETAG, headers))


async def get(on: Shelf, headers: Mapping[str, str] | None = None, method: str = "GET") -> Exchange:
    return await ask(served(on.resolve), scope(method, "/archives/d/f", headers))


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


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/archives/d/f"),
        ("GET", "/archives/d"),
        ("GET", "/archives/d/f/g"),
        ("GET", "/archives/d/f//"),
        ("GET", "/archives/../elsewhere/d/f"),
        ("GET", "/archives/%2e%2e/packages/d/f"),
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


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", {"Range": "bytes=0-3"}, 206),
        ("GET", {"Range": "bytes=99-"}, 416),
        ("GET", {"If-None-Match": ETAG}, 304),
        ("GET", {"If-Match": '"other"'}, 412),
    ],
)
async def test_the_resolver_gets_the_status_that_is_sent(
    tmp_path: Path, method: str, headers: Mapping[str, str], status: int
) -> None:
    on = shelf(tmp_path, SMALL)
    statuses: list[int] = []
    assert isinstance(on.answer, FileResponse)
    on.answer = replace(on.answer, answered=statuses.append)
    assert (await get(on, headers, method)).status == status
    assert statuses == [status]


async def test_a_file_that_cannot_be_read_is_answered_by_its_resolver(tmp_path: Path) -> None:
    on = shelf(tmp_path, SMALL)
    assert isinstance(on.answer, FileResponse)
    statuses: list[int] = []
    folder = tmp_path / "folder"
    folder.mkdir()  # Opening it is another error than that of a missing file.
    refused = FileRefusal(500, body=b"broken")
    on.answer = replace(
        on.answer, path=folder, answered=statuses.append, refuse_failed=lambda: refused
    )
    answer = await get(on)
    assert (answer.status, answer.body, statuses) == (500, b"broken", [])


@pytest.mark.parametrize("content", [SMALL, LARGE])
async def test_a_file_whose_beginning_cannot_be_found_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    opened: list[io.FileIO] = []

    class Unseekable(io.FileIO):
        def seek(self, *_: object) -> int:
            raise OSError

    def open_file(path: Path, *_: object, **_options: object) -> io.FileIO:
        opened.append(Unseekable(str(path)))
        return opened[-1]

    on = shelf(tmp_path, content)
    monkeypatch.setattr(Path, "open", open_file)
    assert (await get(on)).status >= 500
    assert [each.closed for each in opened] == [True]


async def test_no_failure_is_cacheable(tmp_path: Path) -> None:
    on = shelf(tmp_path, SMALL)
    assert isinstance(on.answer, FileResponse)
    policy = AnswerCachePolicy(lambda *_: None, 0, ())
    on.answer = replace(on.answer, answered=lambda _: policy)
    assert CACHE_POLICY in (await get(on)).sent[0]
    assert CACHE_POLICY not in (await get(on, {"Range": "bytes=99-"})).sent[0]
    on.answer.path.unlink()
    with capture_logs():
        assert CACHE_POLICY not in (await get(on)).sent[0]


# --- Redirects to files --------------------------------------------------------------------------

ADDRESS = "https://registry.test/base"


@pytest.mark.parametrize(
    "location",
    ["https://elsewhere.test/files/one", f"{ADDRESS}.elsewhere.test/files/one", "/files/one", None],
)
async def test_a_redirect_to_elsewhere_is_passed_on(location: str | None) -> None:
    async def respond(_scope: Scope, _receive: Receive) -> HostResponse:
        headers = [] if location is None else [(b"location", location.encode())]
        return HostResponse(302, headers, b"there")

    following = RedirectFollower(respond, FollowedRedirects("/short/", ADDRESS))
    answer = await ask(sending(following), scope("GET", "/short/one"))
    assert (answer.status, answer.headers.get("location")) == (302, location)
