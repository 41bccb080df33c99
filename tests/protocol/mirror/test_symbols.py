"""Symbols of packages that nobody pulled: the upstream is asked for what is searched."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.errors.requests import SearchUnconfirmed
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.domain.search import Results
from shared.services.mirroring import mirrored_symbols
from shared.services.packages.search import PackageSearch
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.mirror.test_catalogue import catch_up, name_of
from tests.protocol.mirror.test_rules import change
from tests.support.documented_packages import documented_bala, published
from tests.support.upstreams import FakeUpstream
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

PULL = dict(ACCEPT_ARCHIVE)


@pytest.fixture(autouse=True)
def symbols(upstream: FakeUpstream) -> None:
    """Let the upstream find three symbols."""
    upstream.publish("octo/kafka:0.1.0")
    upstream.have_symbol("octo/kafka:0.1.0", "greetKafka")
    upstream.have_symbol("octo/kafka:0.1.0", "send", symbolParent="Client", isRemote=True)
    upstream.have_symbol("ballerina/io:1.1.0", "Person", symbolType="record")


async def found(world: World, text: str, **query: str) -> list[str]:
    answer = await world.editor().search_symbols(q=text, limit="100", **query)
    assert answer["count"] == len(answer["symbols"])
    return [_path(each) for each in answer["symbols"]]


def _path(symbol: dict[str, Any]) -> str:
    parent = f"{symbol['symbolParent']}." if symbol["symbolParent"] else ""
    return f"{symbol['organization']}/{symbol['name']}:{parent}{symbol['symbolName']}"


PROCESSES = 4  # At most, each of which keeps its own answers.

ALL = ["octo/kafka:greetKafka", "octo/kafka:Client.send", "ballerina/io:Person"]


async def test_symbols_of_the_upstream_are_found(mirror: World, upstream: FakeUpstream) -> None:
    answer = await mirror.editor().search_symbols(q="greet", limit="5", offset="0")
    assert [_path(each) for each in answer["symbols"]] == ALL
    assert (answer["count"], answer["limit"], answer["offset"]) == (3, 5, 0)
    symbol = answer["symbols"][1]
    assert symbol["upstream"]["name"] == name_of(upstream)
    assert symbol["upstream"]["isStored"] is False
    assert (symbol["symbolType"], symbol["symbolSignature"]) == ("function", "function send()")
    assert (symbol["isRemote"], symbol["isIsolated"], symbol["isClosed"]) == (True, True, False)


async def test_ours_come_first_and_pages_have_each_once(
    mirror: World, upstream: FakeUpstream
) -> None:
    await published(mirror)
    whole = await found(mirror, "greet")
    ours = [each for each in whole if each.startswith("acme/")]
    assert ours
    assert whole == [*ours, *ALL]
    for limit in (1, 2, 3, 5):
        pages = [
            await mirror.editor().search_symbols(q="greet", limit=str(limit), offset=str(offset))
            for offset in range(0, len(whole) + limit, limit)
        ]
        assert {each["count"] for each in pages} == {len(whole)}
        assert [_path(row) for each in pages for row in each["symbols"]] == whole
    assert upstream.asked["symbols"] <= PROCESSES


async def test_names_that_are_only_similar_give_way(mirror: World, upstream: FakeUpstream) -> None:
    await published(mirror)
    assert await found(mirror, "greetWrold") == ALL
    upstream.symbols.clear()
    assert await found(mirror, "greetWorlt") == ["acme/greet:greetWorld"]


async def test_all_faces_have_them(mirror: World, upstream: FakeUpstream) -> None:
    answer = (await mirror.get(f"{URL}/api/v1/symbols?q=greet")).json()
    assert answer["count"] == 3
    [symbol, *_] = answer["symbols"]
    assert symbol["upstream"] == name_of(upstream)
    assert symbol["url"] == f"{URL}/packages/octo/kafka/0.1.0"
    page = await mirror.get(f"{URL}/symbols?q=greet")
    assert f"From {name_of(upstream)}, not yet pulled" in page.text
    assert "/packages/octo/kafka/0.1.0" in page.text
    answer = (
        await mirror.get(f"{URL}/symbols?q=greet", headers={"Accept": "application/json"})
    ).json()
    assert [each["upstream"] for each in answer["symbols"]] == [name_of(upstream)] * 3
    assert upstream.asked["symbols"] <= PROCESSES


async def test_the_words_are_sent_and_nothing_of_who_asks(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.get("/search-symbols?q=Greet++World&symbolType=function", by=mirror.people.admin)
    [sent] = upstream.searched
    assert sent == {"q": "Greet World", "limit": "100", "offset": "0", "symbolType": "function"}
    headers = upstream.headers[-1]
    assert "authorization" not in headers
    assert "cookie" not in headers
    assert headers["user-agent"] == "Ballroom"


QUERIES = {
    "greet org:octo": "greet org:octo",
    "org:octo": "org:octo",
    "greet org:(octo OR ours)": "greet org:octo",
    "greet org:(octo OR zeta)": "greet org:(octo OR zeta)",
}


@pytest.mark.parametrize(("text", "sent"), QUERIES.items())
async def test_organizations_of_ours_are_not_named(
    mirror: World, upstream: FakeUpstream, text: str, sent: str
) -> None:
    await mirror.create_organization("ours")
    assert await found(mirror, text) == ALL[:2]
    assert [each["q"] for each in upstream.searched] == [sent]


@pytest.mark.parametrize(
    "text",
    ["greet org:ours", "ours/secret:Client", "Ours", "greet -world", "", "a b c d e f g h i"],
)
async def test_what_is_about_ours_or_cannot_be_asked_is_not_sent(
    mirror: World, upstream: FakeUpstream, text: str
) -> None:
    await mirror.create_organization("ours")
    assert await found(mirror, text) == []
    assert not upstream.searched


@pytest.mark.parametrize("text", ["greetWorld", "hidden:Client", "hidden zzz", "HIDDEN.Client"])
async def test_what_means_a_private_package_is_not_sent(
    mirror: World, upstream: FakeUpstream, text: str
) -> None:
    await published(mirror, documented_bala("acme/hidden:1.0.0", visibility="private"))
    for page in ("", "&offset=1"):
        answer = await mirror.get(f"/search-symbols?q={text}{page}", by=mirror.people.ann)
        assert all(each["organization"] == "acme" for each in answer.json()["symbols"])
    assert not upstream.searched
    # Others name nothing that is theirs to know, and find what they would without the package.
    assert await found(mirror, text) == ALL


async def test_a_member_finds_symbols_of_the_upstream(
    mirror: World, upstream: FakeUpstream
) -> None:
    await published(mirror, documented_bala("acme/hidden:1.0.0", visibility="private"))
    answer = await mirror.get("/search-symbols?q=kafka", by=mirror.people.ann)
    assert [_path(each) for each in answer.json()["symbols"]] == ALL
    assert [each["q"] for each in upstream.searched] == ["kafka"]


async def test_only_the_wanted_kinds_are_listed(mirror: World) -> None:
    assert await found(mirror, "greet", symbolType="record") == ALL[2:]
    assert await found(mirror, "greet", symbolType="function") == ALL[:2]


async def test_a_package_of_ours_is_never_the_upstreams(mirror: World) -> None:
    assert await found(mirror, "greet") == ALL
    await mirror.create_organization("octo")
    assert await found(mirror, "greet") == ALL[2:]


async def test_what_rules_deny_is_left_out(mirror: World) -> None:
    await change(mirror, "octo/* deny")
    assert await found(mirror, "greet") == ALL[2:]


@pytest.mark.parametrize(
    ("rules", "sent", "rows"),
    [
        (("octo/* allow", "* deny"), ["greet org:octo"], ALL[:2]),
        (("ballerina/* deny", "* deny"), [], []),
        (("* deny", "octo/* allow"), [], []),
        (("octo* allow", "ballerina/* deny"), ["greet"], ALL[:2]),
    ],
)
async def test_where_everything_is_denied_nothing_else_is_asked_for(
    mirror: World, upstream: FakeUpstream, rules: tuple[str, ...], sent: list[str], rows: list[str]
) -> None:
    await change(mirror, *rules)
    assert await found(mirror, "greet") == rows
    assert [each["q"] for each in upstream.searched] == sent


async def test_what_was_published_after_the_frozen_time_is_left_out(mirror: World) -> None:
    await change(mirror, frozen="2020-01-01T00:00:00Z")
    assert await found(mirror, "greet") == []


async def test_versions_that_are_refused_are_left_out(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.archives["octo/kafka:0.1.0"] = b"no archive"
    await mirror.get("/packages/octo/kafka/0.1.0", headers=PULL)
    assert await found(mirror, "greet") == ALL[2:]


async def test_a_package_that_is_stored_has_its_own_symbols(mirror: World) -> None:
    await mirror.get("/packages/ballerina/io/1.1.0", headers=PULL)
    await catch_up(mirror)
    assert await found(mirror, "greet") == ALL  # Until its documentation is made.
    await mirror.registry.api_docs.backfill.document_missing()
    await catch_up(mirror)
    assert await found(mirror, "greet") == ["ballerina/io:greet", *ALL[:2]]


async def test_a_package_of_which_nothing_is_served_here_has_no_symbols(mirror: World) -> None:
    await mirror.get("/packages/ballerina/io/1.1.0", headers=PULL)
    coordinate = Coordinate.parse("ballerina", "io", "1.1.0")
    moderation = mirror.registry.publishing.moderation
    await moderation.quarantine(coordinate, "malicious", by=OPERATOR)
    await catch_up(mirror)
    assert await found(mirror, "greet") == ALL[:2]


async def test_nothing_is_sent_while_nobody_knows_which_packages_are_private(
    mirror: World, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unconfirmed(*_: object, **__: object) -> Results:
        raise SearchUnconfirmed

    monkeypatch.setattr(PackageSearch, "search", unconfirmed)
    answer = await mirror.get("/search-symbols?q=kafka", by=mirror.people.ann)
    assert answer.json()["symbols"] == []
    assert not upstream.searched


async def test_words_that_cannot_name_an_organization_are_sent(
    mirror: World, upstream: FakeUpstream
) -> None:
    await found(mirror, "größe")
    assert [each["q"] for each in upstream.searched] == ["größe"]


async def test_symbols_are_left_out_while_an_upstream_before_theirs_does_not_answer(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    gone = FakeUpstream()

    async def broken(_: Request) -> Response:
        return Response("broken", 500)

    gone.behave["organization"] = broken
    with gone.serving():
        world = await worlds(upstream=f"{gone.url},{upstream.url}")
        assert await found(world, "greet") == []
        assert upstream.searched


async def test_an_answer_is_kept_and_used_while_the_upstream_is_gone(
    mirror: World, upstream: FakeUpstream
) -> None:
    async def broken(_: Request) -> Response:
        return Response(status_code=500)

    for _ in range(3):
        assert await found(mirror, "greet") == ALL
    assert upstream.asked["symbols"] == 1
    upstream.behave["symbols"] = broken
    mirror.clock.advance(timedelta(minutes=6))
    assert await found(mirror, "greet") == ALL
    assert await found(mirror, "other") == []


async def test_the_upstream_is_not_waited_for_long(
    mirror: World, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrored_symbols, "WAITED_FOR", mirrored_symbols.WAITED_FOR / 100)

    async def slow(_: Request) -> None:
        while not upstream.gate.is_set():
            await asyncio.sleep(0.01)

    upstream.behave["symbols"] = slow
    assert await found(mirror, "greet") == []
    upstream.gate.set()
    async with asyncio.timeout(5):
        while await found(mirror, "greet") != ALL:
            await asyncio.sleep(0.01)
    assert upstream.asked["symbols"] == 1


async def test_the_same_search_at_the_same_time_is_sent_once(
    mirror: World, upstream: FakeUpstream
) -> None:
    answers = await asyncio.gather(*(found(mirror, "greet") for _ in range(20)))
    assert answers == [ALL] * 20
    assert upstream.asked["symbols"] == 1


async def test_callers_without_a_token_are_limited(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    world = await worlds(upstream=upstream.url, limit_mirror="address=1")
    assert await found(world, "greet") == ALL
    assert await found(world, "other") == []
    assert await found(world, "greet") == ALL


async def test_a_search_that_came_through_this_registry_is_not_sent_again(
    mirror: World, upstream: FakeUpstream
) -> None:
    host = URL.removeprefix("https://").removeprefix("http://")
    answer = await mirror.get("/search-symbols?q=greet", headers={"Via": f"1.1 {host}"})
    assert answer.json()["symbols"] == []
    assert not upstream.asked


HOSTILE = {
    "a page": Response("<html>"),
    "no list": JSONResponse({"symbols": {}}),
    "too many": JSONResponse({"symbols": [{}] * 1_001}),
    "no rows": JSONResponse({"symbols": [None, 1, "text", {}]}),
    "missing": JSONResponse({"message": "no such path"}, 404),
    "busy": JSONResponse({}, 429, {"retry-after": "7"}),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
async def test_an_answer_that_cannot_be_used_leaves_ours(
    mirror: World, upstream: FakeUpstream, answer: Response
) -> None:
    async def hostile(_: Request) -> Response:
        return answer

    await published(mirror)
    upstream.behave["symbols"] = hostile
    rows = await found(mirror, "greet")
    assert rows
    assert all(each.startswith("acme/") for each in rows)


@pytest.mark.parametrize(
    "row",
    [
        {"organization": "../octo"},
        {"version": "one"},
        {"moduleName": "other"},
        {"symbolName": ""},
        {"symbolName": ["text"]},
        {"symbolType": "nothing"},
    ],
)
async def test_rows_that_break_the_rules_are_left_out(
    mirror: World, upstream: FakeUpstream, row: dict[str, Any]
) -> None:
    upstream.symbols[0] |= row
    upstream.symbols.append(upstream.symbols[1])  # The same one again.
    assert await found(mirror, "greet") == ALL[1:]
