"""What one caller sends, or an upstream answers about one package, closes it for nobody else."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from tests.support.mirrors import PULL, answering
from tests.support.storage import one_instance
from tests.support.upstreams import Behaviour, FakeUpstream
from tests.support.world import World

pytestmark = pytest.mark.measured

IO = "/packages/ballerina/io"
BAD = "/packages/ballerina/bad"
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


PAGE = Response("<html>", 404, media_type="text/html")
UNUSABLE = {
    **{
        str(status): answering(Response("no", status))
        for status in (304, 400, 401, 403, 405, 410, 413, 414, 431)
    },
    "a page": answering(PAGE),
    "301": answering(RedirectResponse("/elsewhere", 301)),
    "garbage": answering(Response(b"\xff\x00{")),
    "another document": answering(JSONResponse({"a": 1})),
    "deep": answering(Response("[" * 100_000)),
    "huge": answering(Response("[" + "1," * 5_000_000 + "1]")),
    "gzip": answering(Response(gzip.compress(b"[]"), headers={"Content-Encoding": "gzip"})),
}
FAILING = {
    **{str(status): answering(Response("no", status)) for status in (500, 502, 503)},
    "broken chunks": broken,
}


def behave_badly(upstream: FakeUpstream, answer: Behaviour) -> None:
    """Let the upstream answer so about one package alone."""

    async def behaviour(request: Request) -> Response | None:
        if request.path_params["name"] != "bad":
            return None
        return await answer(request)

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
            trouble = "gives an answer about it that cannot be used"
            trouble = trouble if kind in UNUSABLE else "fails to answer about it"
            assert trouble in answer.json()["message"]
    # What failed is not asked for again with each request.
    assert upstream.asked["versions"] <= len(mirror.instances)
    assert upstream.asked["package"] <= 2 * len(mirror.instances)
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    assert (await mirror.get(f"{IO}/1.0.0", headers=PULL)).status_code == 302


async def test_requests_that_run_out_of_time_for_one_package_close_no_other(
    mirror: World, upstream: FakeUpstream
) -> None:
    behave_badly(upstream, answering(Response("no", 504)))
    answers = await asyncio.gather(*(mirror.get(f"{BAD}/{n}.0.0") for n in range(20)))
    assert {each.status_code for each in answers} == {503}
    assert (await mirror.get(IO)).status_code == 200


REDIRECTS = {
    "to no host": {"Location": "http://no-such-host.invalid/1.0.0/x.bala"},
    "to no address": {"Location": "http://[::1/1.0.0/x.bala"},
    "to a busy server": {"Location": "/2.0/registry/file/1.0.0/busy.bala"},
}


@pytest.mark.parametrize("headers", REDIRECTS.values(), ids=REDIRECTS)
async def test_where_the_archive_of_a_package_is_closes_an_upstream_for_no_other(
    mirror: World, upstream: FakeUpstream, headers: dict[str, str]
) -> None:
    upstream.publish("ballerina/bad:1.0.0")

    async def pulled(request: Request) -> Response | None:
        sent = {"Digest": f"sha-256={'a' * 64}", **headers}
        return Response("", 302, sent) if request.path_params["name"] == "bad" else None

    async def file(request: Request) -> Response | None:
        return Response("", 429) if request.path_params["file"] == "busy.bala" else None

    upstream.behave |= {"pull": pulled, "file": file}
    for number in range(MORE_THAN_CLOSES):
        for version in ("1.0.0", f"1.0.{number}", "*"):
            answer = await mirror.get(f"{BAD}/{version}", headers=PULL)
            assert answer.status_code == 503, answer.text
    assert (await mirror.get(f"{IO}/1.0.0", headers=PULL)).status_code == 302


@pytest.mark.parametrize("tag", ['"\xff\xfe"', f'"{"a" * 5_000}"'], ids=["Latin", "long"])
async def test_a_tag_that_cannot_be_sent_back_leaves_a_list_to_be_renewed(
    mirror: World, upstream: FakeUpstream, tag: str
) -> None:
    listed = ["1.0.0"]

    async def versions(_: Request) -> Response:
        return JSONResponse(listed, headers={"ETag": tag})

    upstream.behave["versions"] = versions
    assert (await mirror.get(BAD)).json() == listed
    listed.insert(0, "1.1.0")
    mirror.clock.advance(timedelta(hours=2))
    assert (await mirror.get(BAD)).json() == listed


@one_instance("it looks at the health that this instance knows")
@pytest.mark.parametrize("kind", ["garbage", "500", "broken chunks"])
async def test_operators_read_which_answer_cannot_be_used(
    mirror: World, upstream: FakeUpstream, kind: str
) -> None:
    behave_badly(upstream, {**UNUSABLE, **FAILING}[kind])
    await mirror.get(BAD)
    assert mirror.registry.mirroring
    [(source, _)] = await mirror.registry.mirroring.states()
    assert source.breaker.health.is_answering
    assert source.breaker.health.unusable.startswith("ballerina:bad: ")
