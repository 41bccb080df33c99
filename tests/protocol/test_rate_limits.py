"""Rate limits: refusals of each face, and the headers of other responses."""

from datetime import timedelta

import httpx
import pytest

from functions.http.answer_caching import recognizer
from shared.domain.archives.digests import Digest
from shared.hosting.host import AnswerCacheOptions, Host
from shared.localhost import archive_resolver
from shared.registry import Registry
from tests.lazy_app import lazy_functions
from tests.protocol.bal.okhttp import multipart
from tests.protocol.central.answers import refused
from tests.security.routes import routes
from tests.support.archives import bala
from tests.support.port_doubles import PortOutage
from tests.support.storage import one_instance
from tests.support.world import MAVEN, URL, OpenWorld, World, asking

EACH_COUNTS_READS = one_instance("each counts reads by itself")
READS = [
    f"{URL}/2.0/registry/packages/acme/greet",
    f"{URL}/2.0/registry/packages?q=greet",
    f"{MAVEN}/acme/greet/maven-metadata.xml",
    f"{URL}/index/acme/greet/index.json",
    f"{URL}/api/v1/settings.toml",
]


async def push(world: World, coordinate: str) -> httpx.Response:
    """Push as Ann, without the look-up before it."""
    return await world.upload(multipart("x.bala", bala(coordinate)), by=world.people.ann)


@EACH_COUNTS_READS
@pytest.mark.parametrize("url", READS)
async def test_reads_are_limited_by_address(worlds: OpenWorld, url: str) -> None:
    world = await worlds(limit_read="address=4")
    await world.stores.metadata.packages("", 1)
    answers = [await world.get(url) for _ in range(5)]
    assert [each.status_code == 429 for each in answers] == [False] * 4 + [True]
    assert answers[4].headers["ratelimit-limit"] == "4"
    assert answers[4].headers["retry-after"] == answers[4].headers["ratelimit-reset"]
    assert "There are too many requests by this address: 4 are taken in a minute." in (
        answers[4].text
    )


@EACH_COUNTS_READS
async def test_a_caller_that_waited_is_served(worlds: OpenWorld) -> None:
    world = await worlds(limit_read="address=1")
    await world.get("/packages")
    refused = await world.get("/packages")
    world.clock.advance(timedelta(seconds=int(refused.headers["retry-after"])))
    assert (await world.get("/packages")).status_code == 200


@EACH_COUNTS_READS
async def test_a_token_and_its_account_have_limits_of_their_own(worlds: OpenWorld) -> None:
    world = await worlds(limit_read="token=2 account=3")
    path = "/packages/acme/greet"
    assert [(await world.get(path, by=world.people.ann)).status_code for _ in range(3)] == [
        404,
        404,
        429,
    ]
    assert (await world.get(path, by=world.people.bob)).status_code == 404


@EACH_COUNTS_READS
@pytest.mark.parametrize("path", ["/packages", f"{MAVEN}/acme/greet/maven-metadata.xml"])
async def test_reads_without_a_token_do_not_lock_out_tokens_of_the_same_address(
    worlds: OpenWorld, path: str
) -> None:
    world = await worlds(limit_read="token=4 account=4 address=2")
    assert [(await world.get(path)).status_code == 429 for _ in range(3)] == [False, False, True]
    answers = [await world.get(path, by=world.people.ann) for _ in range(5)]
    assert [each.status_code == 429 for each in answers] == [False] * 4 + [True]
    assert "by this token" in answers[4].text


@EACH_COUNTS_READS
async def test_reads_with_a_token_do_not_count_for_others_at_the_address(worlds: OpenWorld) -> None:
    world = await worlds(limit_read="token=9 address=1")
    for _ in range(5):
        assert (await world.get("/packages", by=world.people.ann)).status_code == 200
    assert (await world.get("/packages")).status_code == 200


@pytest.mark.parametrize("limited", ["push", "write"])
async def test_pushes_and_changes_count_the_address_of_every_caller(
    worlds: OpenWorld, limited: str
) -> None:
    world = await worlds(**{f"limit_{limited}": "address=1"})
    if limited == "push":
        answers = [await push(world, f"acme/greet:1.0.{patch}") for patch in range(2)]
    else:
        await push(world, "acme/greet:1.0.0")
        body = b'{"message": "Gone."}'
        path = "/packages/deprecate/acme/greet/1.0.0"
        answers = [
            await world.send("PUT", path, by=world.people.ann, content=body) for _ in range(2)
        ]
    assert [each.status_code == 429 for each in answers] == [False, True]
    assert "by this address" in answers[1].text


async def test_a_push_says_what_remains_of_the_limit(worlds: OpenWorld) -> None:
    world = await worlds(limit_push="token=3")
    answers = [await push(world, f"acme/greet:1.0.{patch}") for patch in range(3)]
    assert [each.status_code for each in answers] == [204] * 3
    assert [each.headers["ratelimit-remaining"] for each in answers] == ["2", "1", "0"]
    assert {each.headers["ratelimit-limit"] for each in answers} == {"3"}


async def test_one_push_too_many_is_refused_and_stores_nothing(worlds: OpenWorld) -> None:
    world = await worlds(limit_push="token=1")
    await push(world, "acme/greet:1.0.0")
    answer = await push(world, "acme/new:1.0.0")
    assert answer.status_code == 429
    assert answer.headers["ratelimit-remaining"] == "0"
    assert int(answer.headers["retry-after"]) > 0
    assert [head.name for head in await world.stores.metadata.packages("", 10)] == ["greet"]


async def test_a_repeat_of_the_same_bytes_is_not_counted(worlds: OpenWorld) -> None:
    world = await worlds(limit_push="token=2")
    for _ in range(5):
        assert (await push(world, "acme/greet:1.0.0")).status_code == 204
    assert (await push(world, "acme/greet:1.0.1")).status_code == 204
    assert (await push(world, "acme/greet:1.0.2")).status_code == 429


@one_instance("each counts what it read by itself")
@pytest.mark.parametrize("sends", ["repeats", "broken archives"])
async def test_archives_that_publish_nothing_are_read_as_often_as_changes_are_made(
    worlds: OpenWorld, sends: str
) -> None:
    world = await worlds(limit_write="token=3 account=3")
    releases = [await push(world, f"acme/greet:1.0.{patch}") for patch in range(5)]
    assert [each.status_code for each in releases] == [204] * 5  # The limit of pushes counts them.

    async def send() -> int:
        content = bala("acme/greet:1.0.0") if sends == "repeats" else b"no archive"
        return (await world.upload(multipart("x.bala", content), by=world.people.ann)).status_code

    served = 204 if sends == "repeats" else 400
    assert [await send() for _ in range(5)] == [served] * 3 + [429] * 2
    world.clock.advance(timedelta(minutes=2))
    assert await send() == served


@one_instance("each counts what it read by itself")
async def test_pushes_that_are_refused_before_the_archive_is_read_are_not_counted(
    worlds: OpenWorld,
) -> None:
    world = await worlds(limit_write="token=1")
    url = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala"
    bob = {"Authorization": f"Bearer {world.people.bob.token}"}
    content = bala("acme/greet:1.0.0")
    requests = [httpx.Request("PUT", url, headers=bob, content=content) for _ in range(3)]
    answers = [await world.http.send(each) for each in requests]
    assert [each.status_code for each in answers] == [403] * 3


@one_instance("each counts what it read by itself")
async def test_a_push_that_fails_because_a_store_is_out_of_reach_is_not_counted(
    worlds: OpenWorld,
) -> None:
    outage = PortOutage({"archives": ["put"]}, lasts=True)
    world = await worlds(limit_write="token=1", wrap=outage.wrap)
    answers = [await push(world, "acme/greet:1.0.0") for _ in range(3)]
    assert [each.status_code for each in answers] == [503] * 3
    outage.lasts = False
    assert (await push(world, "acme/greet:1.0.0")).status_code == 204


@one_instance("each counts what it read by itself")
async def test_a_push_that_stores_a_lost_archive_again_is_not_counted(worlds: OpenWorld) -> None:
    world = await worlds(limit_write="token=1")
    content = bala("acme/greet:1.0.0")
    await push(world, "acme/greet:1.0.0")
    for _ in range(3):
        assert await world.stores.archives.delete(Digest.of(content), world.clock.now_ms() + 1)
        assert (await push(world, "acme/greet:1.0.0")).status_code == 204
    assert (await push(world, "acme/greet:1.0.0")).status_code == 204  # The first repeat.
    assert (await push(world, "acme/greet:1.0.0")).status_code == 429


async def test_pushes_of_a_maven_client_are_counted_with_the_others(worlds: OpenWorld) -> None:
    world = await worlds(limit_push="account=1")
    await push(world, "acme/greet:1.0.0")
    headers = {"Authorization": f"Bearer {world.people.ann.token}"}
    url = f"{MAVEN}/acme/greet/1.0.1/greet-1.0.1.bala"
    request = httpx.Request("PUT", url, headers=headers, content=bala("acme/greet:1.0.1"))
    answer = await world.http.send(request)
    assert answer.status_code == 429
    assert answer.text.startswith("There are too many pushes by this account")


async def test_deprecations_are_limited_as_changes(worlds: OpenWorld) -> None:
    world = await worlds(limit_write="token=1")
    await push(world, "acme/greet:1.0.0")
    path = "/packages/deprecate/acme/greet/1.0.0"
    body = b'{"message": "Gone."}'
    answers = [await world.send("PUT", path, by=world.people.ann, content=body) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]
    assert "too many changes" in refused(answers[1], 429)


async def test_the_page_of_a_limit_has_its_own_title_and_a_way_on(worlds: OpenWorld) -> None:
    world = await worlds(limit_read="address=1")
    headers = {"Accept": "text/html"}
    answers = [await world.get(f"{URL}/search?q=greet", headers=headers) for _ in range(3)]
    page = answers[-1]
    assert (page.status_code, "Too many requests</h1>" in page.text) == (429, True)
    assert 'href="/search?q=greet"' in page.text
    assert 'href="/sign-in"' in page.text


# --- every operation that changes something ----------------------------------------------------

# Machines ask for codes and wait for answers: codes have a limit of their own, waiting has none.
BY_CODES = "/api/v1/device"
CHECK = "/api/v1/check"  # It changes nothing, and counts as a read.


async def test_every_change_through_our_api_is_counted(worlds: OpenWorld) -> None:
    limits = ("limit_write", "limit_token_issue", "limit_dry_run", "limit_report")
    only_one = dict.fromkeys(limits, "address=1")
    world = await worlds(**only_one)
    changing = [
        (method, url)
        for method, url in routes(world.registry)
        if method not in ("GET", "HEAD") and "/api/v1/" in url and BY_CODES not in url
        if not url.endswith(CHECK)
    ]
    assert len(changing) > 10
    for method, url in changing:
        world.clock.advance(timedelta(minutes=10))
        statuses = [(await world.send(method, url, content=b"{}")).status_code for _ in range(2)]
        assert statuses[1] == 429 != statuses[0], (method, url)


async def test_new_tokens_have_a_limit_of_their_own(worlds: OpenWorld) -> None:
    world = await worlds(limit_token_issue="account=2")
    body = b'{"name": "laptop", "scopes": ["read"]}'
    answers = [
        await world.send("POST", f"{URL}/api/v1/tokens", by=world.people.ann, content=body)
        for _ in range(3)
    ]
    assert answers[2].status_code == 429
    assert answers[2].json()["error"]["code"] == "too-many-requests"
    assert answers[0].headers["ratelimit-limit"] == "2"


# --- bytes -------------------------------------------------------------------------------------


def streaming(registry: Registry) -> Host:
    """Serve archives from the disk, as one machine does."""
    return Host(
        lazy_functions(registry),
        archives=archive_resolver(registry),
        answer_cache=AnswerCacheOptions(registry.adapters.edition, recognizer(registry)),
    )


@EACH_COUNTS_READS
@pytest.mark.parametrize("host", [asking, streaming])
async def test_the_bytes_of_archives_are_reads_as_well(worlds: OpenWorld, host: object) -> None:
    world = await worlds(limit_read="address=6", host=host)
    await world.push(bala("acme/greet:1.0.0"))
    model = (await world.get("/packages/acme/greet/1.0.0")).json()
    world.clock.advance(timedelta(minutes=2))
    answers = [await world.get(model["balaURL"]) for _ in range(7)]
    assert [each.status_code for each in answers] == [200] * 6 + [429]
    assert int(answers[6].headers["retry-after"]) > 0
