"""What one caller sends, or an upstream answers about one package, closes it for nobody else."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.upstreams import FakeUpstream
from tests.support.world import World

pytestmark = pytest.mark.measured

IO, BAD = "/packages/ballerina/io", "/packages/ballerina/bad"
PULL = dict(ACCEPT_ARCHIVE)
MORE_THAN_CLOSES = 6  # Requests; five failures close an upstream.

HOSTILE_HEADERS: dict[str, dict[str, str | bytes]] = {
    "UTF-8 in Via": {"Via": "1.0 \u00fc\u20ac".encode()},
    "control characters in Via": {"Via": b"1.1 a\x01b"},
    "a long Via": {"Via": "1.1 " + "a" * 30_000},
    "many entries of Via": {"Via": ", ".join(["1.1 a.example (comment)"] * 1_000)},
    "UTF-8 in platforms": {"Ballerina-Platform": "j\u00e4va21".encode()},
    "many platforms": {"Ballerina-Platform": ",".join(f"java{n}" for n in range(5_000))},
    "an odd agent": {"User-Agent": "ballerina/\u00fc2201.99999999999999999.0".encode()},
}


@pytest.mark.parametrize("headers", HOSTILE_HEADERS.values(), ids=HOSTILE_HEADERS)
async def test_no_header_of_a_caller_closes_an_upstream(
    mirror: World, upstream: FakeUpstream, headers: dict[str, str | bytes]
) -> None:
    for number in range(MORE_THAN_CLOSES):
        for path in (f"/packages/ballerina/p{number}", f"/packages/ballerina/p{number}/1.0.0"):
            for accept in ({}, PULL):
                answer = await mirror.get(path, headers={**accept, **headers})
                assert answer.status_code == 404, answer.text
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    for sent in upstream.headers:
        assert len(sent["via"]) < 1_024
        assert sent["via"].count(",") < 8
        assert len(sent.get("ballerina-platform", "")) < 1_024


async def broken(_: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"["
        message = "the connection breaks"
        raise ConnectionError(message)

    return StreamingResponse(chunks())


def fixed(response: Callable[[], Response]) -> Callable[[Request], object]:
    async def answer(_: Request) -> Response:
        return response()

    return answer


PAGE = Response("<html>", 404, media_type="text/html")
UNUSABLE = {
    **{
        str(status): fixed(lambda status=status: Response("no", status))
        for status in (304, 400, 401, 403, 405, 410, 413, 414, 431)
    },
    "a page": fixed(lambda: PAGE),
    "301": fixed(lambda: RedirectResponse("/elsewhere", 301)),
    "garbage": fixed(lambda: Response(b"\xff\x00{")),
    "another document": fixed(lambda: JSONResponse({"a": 1})),
    "deep": fixed(lambda: Response("[" * 100_000)),
    "huge": fixed(lambda: Response("[" + "1," * 5_000_000 + "1]")),
    "gzip": fixed(lambda: Response(gzip.compress(b"[]"), headers={"Content-Encoding": "gzip"})),
}
FAILING = {
    **{
        str(status): fixed(lambda status=status: Response("no", status))
        for status in (500, 502, 503)
    },
    "broken chunks": broken,
}


def behave_badly(upstream: FakeUpstream, answer: Callable[[Request], object]) -> None:
    """Let the upstream answer so about one package alone."""

    async def behaviour(request: Request) -> Response | None:
        if request.path_params["name"] != "bad":
            return None
        return await answer(request)  # pyright: ignore[reportGeneralTypeIssues] - all are async.

    upstream.behave["versions"] = upstream.behave["package"] = behaviour


@pytest.mark.parametrize("kind", [*UNUSABLE, *FAILING])
async def test_what_an_upstream_answers_about_a_package_closes_it_for_no_other(
    mirror: World, upstream: FakeUpstream, kind: str
) -> None:
    behave_badly(upstream, {**UNUSABLE, **FAILING}[kind])
    for _ in range(MORE_THAN_CLOSES):
        for path, headers in ((BAD, {}), (f"{BAD}/1.0.0", {}), (f"{BAD}/1.0.0", PULL)):
            answer = await mirror.get(path, headers=headers)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
            is_unusable = "cannot be used" in answer.json()["message"]
            assert is_unusable is (kind in UNUSABLE), answer.text
    # What failed is not asked for again with each request.
    assert upstream.asked["versions"] <= len(mirror.instances)
    assert upstream.asked["package"] <= 2 * len(mirror.instances)
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    assert (await mirror.get(f"{IO}/1.0.0", headers=PULL)).status_code == 302


async def test_requests_that_run_out_of_time_for_one_package_close_no_other(
    mirror: World, upstream: FakeUpstream
) -> None:
    behave_badly(upstream, fixed(lambda: Response("no", 504)))
    answers = await asyncio.gather(*(mirror.get(f"{BAD}/{n}.0.0") for n in range(20)))
    assert {each.status_code for each in answers} == {503}
    assert (await mirror.get(IO)).status_code == 200


async def test_operators_read_which_answer_cannot_be_used(
    mirror: World, upstream: FakeUpstream
) -> None:
    behave_badly(upstream, UNUSABLE["garbage"])
    await mirror.get(BAD)
    answer = await mirror.get("https://registry.test/api/v1/mirror/status", by=mirror.people.admin)
    [status] = answer.json()["upstreams"]
    assert status["answers"] is True
    assert status["unusable"].startswith("ballerina:bad: ")
