"""The answer cache serves an answer again to the same request while nothing is written."""

import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import azure.functions as func
import pytest

from shared.adapters.sqlite.edition import ChangesSince, EmbeddedEdition
from shared.domain.principals import ANONYMOUS, Principal
from shared.hosting.answer_cache import LARGEST_BODY_BYTES, MOST_NAMES, AnswerCache
from shared.hosting.requests import (
    CACHE_POLICY,
    LazyRequest,
    Message,
    Receive,
    RequestHeaders,
    Scope,
    Send,
)
from shared.runtime.answers import AnswerCachePolicy, KnownCaller
from shared.runtime.editions import Edition
from tests.unit.shared.hosting.asgi import Exchange, ask, scope


def nobody(_names: Iterable[str]) -> Iterable[str]:
    """Return no readers of packages that are not public."""
    return ()


def anybody(_request: func.HttpRequest) -> KnownCaller:
    """Recognize every caller as the same."""
    return KnownCaller(ANONYMOUS, nobody)


class Stores(EmbeddedEdition):
    """The edition of stores whose data version a test changes."""

    def __init__(self) -> None:
        super().__init__(self._read_version, lambda _position: ChangesSince(0, keys=None))
        self.data_version = 1
        self.broken = False

    def _read_version(self) -> int:
        if self.broken:
            raise OSError
        return self.data_version


class App:
    """Numbers its answers, which are cacheable but for those below `/private`."""

    def __init__(self, edition: Edition, *, body: bytes = b"", record_hit: Any = None) -> None:
        self.asked = 0
        self._edition = edition
        self.hits: list[str] = []
        self._body = body
        self._record_hit = record_hit or self._record

    def _record(self, req: func.HttpRequest, _caller: KnownCaller) -> Mapping[str, str] | None:
        self.hits.append(req.headers.get("x-forwarded-for", ""))
        return {"X-Request-Id": f"again {len(self.hits)}"}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked += 1
        body = self._body or b"%d" % self.asked
        headers = [(b"x-request-id", b"first"), (b"etag", b'"x"')]
        if not scope["raw_path"].startswith(b"/chunked"):
            headers.append((b"content-length", b"%d" % len(body)))
        start: Message = {"type": "http.response.start", "status": 200, "headers": headers}
        is_cacheable = not scope["raw_path"].startswith(b"/private")
        package = "acme/other" if scope["raw_path"].startswith(b"/other") else "acme/greet"
        policy = AnswerCachePolicy(self._record_hit, self._edition.number, {package})
        await send({**start, CACHE_POLICY: policy} if is_cacheable else start)
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def stores() -> Stores:
    return Stores()


async def asked(
    app: AnswerCache, path: str = "/one", method: str = "GET", **headers: str
) -> Exchange:
    return await ask(app, scope(method, path, {k.replace("_", "-"): v for k, v in headers.items()}))


async def test_a_write_while_an_answer_is_made_makes_it_stale(stores: Stores) -> None:
    app = App(stores)

    async def meanwhile(scope: Scope, receive: Receive, send: Send) -> None:
        stores.data_version += app.asked == 0
        await app(scope, receive, send)

    cache = AnswerCache(meanwhile, stores, anybody)
    assert [(await asked(cache)).body for _ in range(3)] == [b"1", b"2", b"2"]


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/two"},
        {"method": "HEAD"},
        {"authorization": "Bearer x"},
        {"if_none_match": '"x"'},
        {"range": "bytes=0-1"},
        {"accept": "text/html"},
        {"host": "elsewhere"},
    ],
)
async def test_another_request_is_another_answer(stores: Stores, other: dict[str, str]) -> None:
    cache = AnswerCache(App(stores), stores, anybody)
    await asked(cache)
    assert (await asked(cache, **other)).body == b"2"
    assert (await asked(cache)).body == b"1"


def reading(stores: Stores, read: Callable[[LazyRequest], object]) -> AnswerCache:
    """Return the cache of an application that reads something of each request."""
    app = App(stores)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        read(LazyRequest(scope, {}, b""))
        await app(scope, receive, send)

    return AnswerCache(answer, stores, anybody)


async def bodies(cache: AnswerCache, *paths: str) -> list[bytes]:
    return [(await asked(cache, each)).body for each in paths]


async def test_keys_of_the_query_that_nobody_reads_make_no_difference(stores: Stores) -> None:
    cache = reading(stores, lambda request: request.params.get("since"))
    paths = ("/one?since=1&x=1", "/one?x=2&since=1", "/one?since=1", "/one?since=2", "/one?x=1")
    assert await bodies(cache, *paths) == [b"1", b"1", b"1", b"2", b"3"]
    assert await bodies(cache, "/one", "/one?Since=1") == [b"3", b"3"]


async def test_a_key_that_is_read_for_the_first_time_makes_a_difference_from_then_on(
    stores: Stores,
) -> None:
    keys = iter(["since", "limit", "limit"])
    cache = reading(stores, lambda request: request.params.get(next(keys)))
    assert await bodies(cache, "/one?limit=1", "/two?limit=1", "/two?limit=2") == [b"1", b"2", b"3"]
    # The first answer does not depend on it, but is found for no query that has it.
    assert await bodies(cache, "/one?x=1", "/two?limit=2&x=1") == [b"1", b"3"]


@pytest.mark.parametrize(
    "read",
    [lambda each: each.url, lambda each: dict(each.params), lambda each: not each.params],
    ids=["url", "all keys", "whether there are keys"],
)
async def test_answers_that_depend_on_the_whole_query_differ_in_each_key(
    stores: Stores, read: Callable[[LazyRequest], object]
) -> None:
    cache = reading(stores, read)
    assert await bodies(cache, "/one", "/one?x=1", "/one?x=2") == [b"1", b"2", b"3"]
    assert await bodies(cache, "/one", "/one?x=1", "/one?x=2") == [b"1", b"2", b"3"]


async def test_headers_that_no_answer_depends_on_make_no_difference_and_are_recorded(
    stores: Stores,
) -> None:
    app = App(stores)
    cache = AnswerCache(app, stores, anybody)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        assert (await asked(cache, x_forwarded_for=address, x_any=address)).body == b"1"
    assert [each.split(",")[0] for each in app.hits] == ["192.0.2.2", "192.0.2.3"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_only_reads_are_repeated(stores: Stores, method: str) -> None:
    cache = AnswerCache(App(stores), stores, anybody)
    assert [(await asked(cache, "/one", method)).body for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize("expectation", ["100-continue", "x, 100-Continue"])
async def test_a_request_whose_client_waits_for_100_continue_is_left_to_the_application(
    stores: Stores, expectation: str
) -> None:
    cache = AnswerCache(App(stores), stores, anybody)
    await asked(cache, content_length="4")
    for expected in (b"2", b"3"):
        answer = await asked(cache, content_length="4", expect=expectation)
        assert answer.body == expected
    assert (await asked(cache, content_length="4")).body == b"1"


async def test_stores_that_do_not_answer_are_left_to_the_application(stores: Stores) -> None:
    cache = AnswerCache(App(stores), stores, anybody)
    await asked(cache)
    stores.broken = True
    assert [(await asked(cache)).body for _ in range(2)] == [b"2", b"3"]
    stores.broken = False
    assert (await asked(cache)).body == b"3"


def forbidding(_req: func.HttpRequest, _caller: KnownCaller) -> None:
    """Let no request have a cached answer."""


def failing(_req: func.HttpRequest, _caller: KnownCaller) -> None:
    raise ValueError


@pytest.mark.parametrize("record_hit", [forbidding, failing])
async def test_a_request_whose_cache_hit_is_not_recorded_is_left_to_the_application(
    stores: Stores, record_hit: Any
) -> None:
    cache = AnswerCache(App(stores, record_hit=record_hit), stores, anybody)
    assert [(await asked(cache)).body for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize("path", ["/one", "/one?q=" + 2_000 * "x"])
@pytest.mark.parametrize("name", [b"accept", b"x-any"])
@pytest.mark.slow
async def test_the_memory_that_is_taken_is_bounded(stores: Stores, name: bytes, path: str) -> None:
    capacity = 256 * 1024
    cache = AnswerCache(App(stores), stores, anybody, capacity=capacity)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(1_000):  # Each is another request, of as many lines as one may have.
        request = scope("GET", f"{path}{number}" if "?" in path else f"{path}?{number}")
        request["headers"] = [(b"%b" % name, b"%d" % (1_000 + each)) for each in range(100)]
        await ask(cache, request)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert capacity / 8 < taken < capacity


@pytest.mark.parametrize("look", ["get", "index", "contains", "all"])
async def test_an_answer_that_varies_by_another_header_is_not_stored(
    stores: Stores, look: str
) -> None:
    app = App(stores)
    ways: dict[str, Callable[[RequestHeaders], object]] = {
        "get": lambda headers: headers.get("X-Any"),
        "index": lambda headers: headers["X-Any"],
        "contains": lambda headers: "X-Any" in headers,
        "all": dict,
    }

    async def looking(scope: Scope, receive: Receive, send: Send) -> None:
        ways[look](LazyRequest({**scope}, {}, b"").headers)
        await app(scope, receive, send)

    cache = AnswerCache(looking, stores, anybody)
    assert [(await asked(cache, x_any="a")).body for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("size", "asked_twice"), [(LARGEST_BODY_BYTES, False), (LARGEST_BODY_BYTES + 1, True)]
)
async def test_large_bodies_are_not_stored(stores: Stores, size: int, asked_twice: bool) -> None:
    app = App(stores, body=b"x" * size)
    cache = AnswerCache(app, stores, anybody)
    for _ in range(2):
        await asked(cache)
    assert (app.asked == 2) is asked_twice


async def test_a_body_in_pieces_is_not_stored(stores: Stores) -> None:
    app = App(stores)

    async def in_pieces(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.body":
                await send({**message, "more_body": True})
                await send({**message, "body": b""})
            else:
                await send(message)

        await app(scope, receive, sending)

    cache = AnswerCache(in_pieces, stores, anybody)
    assert [(await asked(cache)).body for _ in range(2)] == [b"1", b"2"]


async def test_a_server_may_look_for_a_stored_answer_first(stores: Stores) -> None:
    app = App(stores)
    cache = AnswerCache(app, stores, anybody)
    request = scope("GET", "/one")
    assert cache.cached_answer(request) is None
    await ask(cache, request)
    answer = cache.cached_answer(scope("GET", "/one"))
    assert answer is not None
    assert (answer.body, app.asked, len(app.hits)) == (b"1", 1, 1)
    assert answer.head == b'HTTP/1.1 200 OK\r\netag: "x"\r\ncontent-length: 1\r\n'
    assert answer.added_headers == [(b"x-request-id", b"again 1")]


async def test_an_answer_without_a_known_end_is_not_stored(stores: Stores) -> None:
    app = App(stores)
    cache = AnswerCache(app, stores, anybody)
    await asked(cache, "/chunked")
    await asked(cache, "/chunked")
    assert app.asked == 2


async def test_what_nobody_asked_for_longest_makes_room_for_a_new_answer(stores: Stores) -> None:
    app = App(stores, body=b"x" * 10_000)
    cache = AnswerCache(app, stores, anybody, capacity=35_000)
    for path in ("/1", "/2", "/1", "/3", "/1"):
        await asked(cache, path)
    assert app.asked == 3
    await asked(cache, "/2")
    assert app.asked == 4


async def test_the_function_is_told_whom_the_host_recognized(stores: Stores) -> None:
    told: list[KnownCaller | None] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        told.append(LazyRequest(scope, {}, b"").known_caller)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    ann = KnownCaller(Principal(id="ann"), nobody)
    await asked(AnswerCache(app, stores, lambda _: ann))
    await asked(AnswerCache(app, stores, lambda _: None))
    assert told == [ann, None]


async def test_what_a_caller_reads_is_asked_only_for_the_names_in_the_path(stores: Stores) -> None:
    asked_for: list[list[str]] = []

    def readers_among(names: Iterable[str]) -> Iterable[str]:
        asked_for.append(list(names))
        return ()

    cache = AnswerCache(
        App(stores), stores, lambda _: KnownCaller(Principal(id="ann"), readers_among)
    )
    for path in ("/packages/ACME/greet", "/x" * 5_000):
        request = scope("GET", path)
        del request["path"]  # As the server asks, before it decodes the path.
        assert cache.cached_answer(request) is None
    assert asked_for == [["packages", "acme", "greet"], ["x"] * (MOST_NAMES - 1)]
