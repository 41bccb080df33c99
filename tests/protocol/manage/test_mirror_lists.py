"""What operators see of a mirror: state, totals, what is stored, refusals and incidents."""

import json
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from shared.domain.identity import OPERATOR
from shared.domain.mirror_overview import RefusedNote
from shared.domain.mirroring import UpstreamRelease
from shared.ports import Unanswered
from shared.services.mirroring.overview import MirrorOverview
from shared.services.records import all_entities
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.page_client import PageClient
from tests.support.upstreams import FakeUpstream, Stand
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

MIRROR, API = "/manage/mirror", f"{URL}/api/v1/mirror"
PULL = dict(ACCEPT_ARCHIVE)
COUNT = "count-mirrored-packages"


@pytest.fixture
def upstream(stand: Stand) -> Iterator[FakeUpstream]:
    upstream = FakeUpstream()
    upstream.publish("ballerina/io:1.0.0")
    upstream.publish("ballerina/io:1.1.0")
    upstream.publish("octo/kafka:0.1.0")
    upstream.publish("octo/bad:1.0.0")
    upstream.archives["octo/bad:1.0.0"] = b"no zip"
    with upstream.serving(stand):
        yield upstream


@pytest.fixture
async def mirror(worlds: OpenWorld, upstream: FakeUpstream) -> World:
    """Return a mirror of which three releases are pulled, one is refused, and one is an incident;
    with a package of its own."""
    world = await worlds(upstream=upstream.url)
    for name in ("ballerina/io/1.0.0", "ballerina/io/1.1.0", "octo/kafka/0.1.0"):
        assert (await world.get(f"/packages/{name}", headers=PULL)).status_code == 302
    assert (await world.get("/packages/octo/bad/1.0.0", headers=PULL)).status_code == 400
    upstream.publish("octo/changed:1.0.0")
    assert (await world.get("/packages/octo/changed/1.0.0")).status_code == 200
    upstream.publish("octo/changed:1.0.0", readme="# Another")
    assert (await world.get("/packages/octo/changed/1.0.0", headers=PULL)).status_code == 400
    await world.push(bala("acme/greet:1.0.0"))
    return world


@pytest.fixture
async def admin(mirror: World) -> PageClient:
    return await PageClient.of(mirror, mirror.people.admin)


def overview_of(world: World) -> MirrorOverview:
    assert world.registry.mirroring is not None
    return world.registry.mirroring.overview


async def count(world: World) -> None:
    for each in world.instances:
        await each.packages.pull_counter.flush()
    await world.registry.maintenance.upkeep.run("roll-up-pulls")
    await world.registry.maintenance.upkeep.run(COUNT)


async def ask(world: World, path: str, by: Person | None = None, **body: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {(by or world.people.admin).token}"}
    content = json.dumps(body).encode() if body else b""
    method = "POST" if body else "GET"
    return await world.send(method, f"{API}{path}", headers=headers, content=content)


async def test_the_page_shows_what_was_counted(admin: PageClient, mirror: World) -> None:
    await admin.open(MIRROR)
    assert "Nothing was counted yet" in admin.text
    assert "Answers" in admin.text
    await count(mirror)
    await admin.open(MIRROR)
    for said in ("3 releases", "2 packages", "Hit rate 0 %", "1 incident", "changed 1 archive"):
        assert said in admin.text, said


async def test_the_totals_are_those_of_the_records(mirror: World, upstream: FakeUpstream) -> None:
    await count(mirror)
    found = (await ask(mirror, "/status")).json()
    [status] = found["upstreams"]
    assert (status["name"], status["answers"], status["problem"]) == (upstream.name, True, None)
    totals = status["totals"]
    stored = ("ballerina/io:1.0.0", "ballerina/io:1.1.0", "octo/kafka:0.1.0")
    assert totals["bytes"] == sum(len(upstream.archives[each]) for each in stored)
    assert (totals["packages"], totals["releases"], totals["pulls"]) == (2, 3, 3)
    assert (totals["refused"], totals["incidents"], totals["hitRate"]) == (2, 1, 0.0)
    assert found["countedAt"]


async def test_the_totals_are_those_of_the_last_count(
    mirror: World, upstream: FakeUpstream
) -> None:
    await count(mirror)
    overview = overview_of(mirror)
    before = await overview.last_count()
    upstream.publish("octo/more:1.0.0")
    assert (await mirror.get("/packages/octo/more/1.0.0", headers=PULL)).status_code == 302
    assert await overview.last_count() == before
    assert (await overview.status(by=OPERATOR)).packages == 2


async def test_an_upstream_that_is_off_the_list_is_shown(
    admin: PageClient, mirror: World, upstream: FakeUpstream
) -> None:
    await count(mirror)
    await admin.open(MIRROR)
    await admin.send(MIRROR, upstreams="central", rules="", frozen="")
    for each in mirror.instances:
        assert each.mirroring is not None
        each.mirroring.upstreams.invalidate()
    await admin.open(MIRROR)
    assert "Not on the list" in admin.text
    central, former = (await ask(mirror, "/status")).json()["upstreams"]
    assert (central["name"], central["answers"]) == ("central", None)
    assert (former["name"], former["address"]) == (upstream.name, None)
    assert former["totals"]["releases"] == 3


async def failed() -> None:
    message = "the answer was 500"
    raise Unanswered(message)


async def test_an_upstream_that_does_not_answer_is_shown(
    mirror: World, admin: PageClient, upstream: FakeUpstream
) -> None:
    for each in mirror.instances:
        assert each.mirroring is not None
        for source in await each.mirroring.upstreams.sources():
            for number in range(5):
                with suppress(Unanswered):
                    await source.gate.ask(f"acme:p{number}", failed)
    await admin.open(MIRROR)
    assert "Does not answer" in admin.text
    assert "the answer was 500" in admin.text
    [status] = (await ask(mirror, "/status")).json()["upstreams"]
    assert (status["name"], status["answers"]) == (upstream.name, False)
    assert status["problem"] == "the answer was 500"


async def test_what_is_mirrored_is_listed_without_what_is_ours(
    admin: PageClient, mirror: World
) -> None:
    await admin.open(f"{MIRROR}/packages")
    assert "ballerina/io" in admin.text
    assert "octo/kafka" in admin.text
    assert "acme/greet" not in admin.text
    found = (await ask(mirror, "/packages")).json()
    assert [each["name"] for each in found["packages"]] == ["ballerina/io", "octo/kafka"]
    assert [each["releases"] for each in found["packages"]] == [2, 1]
    assert found["next"] is None


async def test_the_list_goes_on_where_it_ended(mirror: World) -> None:
    overview = overview_of(mirror)
    first = await overview.packages("", 1, by=OPERATOR)
    second = await overview.packages(first.next, 1, by=OPERATOR)
    assert [each.name for each in (*first.rows, *second.rows)] == ["ballerina/io", "octo/kafka"]
    assert (first.next, second.next) == ("ballerina/io", "")


async def test_packages_of_ours_are_skipped_within_limits(
    mirror: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.services.mirroring.overview.RECORDS_AT_ONCE", 1)
    monkeypatch.setattr("shared.services.mirroring.overview.MOST_READS", 1)
    overview, names, after, pages = overview_of(mirror), list[str](), "", 0
    while pages == 0 or after:
        page = await overview.packages(after, 5, by=OPERATOR)
        names += [each.name for each in page.rows]
        after, pages = page.next, pages + 1
    assert names == ["ballerina/io", "octo/kafka"]
    assert pages == 4  # One for each name, and the end.


async def test_refusals_have_reasons_and_incidents_come_first(
    admin: PageClient, mirror: World, upstream: FakeUpstream
) -> None:
    await admin.open(f"{MIRROR}/refusals")
    assert admin.text.index("octo/changed:1.0.0") < admin.text.index("octo/bad:1.0.0")
    offered = upstream.digest("octo/changed:1.0.0").removeprefix("sha-256=")
    assert offered in admin.text
    incident, refused = (await ask(mirror, "/refusals")).json()["releases"]
    assert (incident["release"], incident["incident"]) == ("octo/changed:1.0.0", True)
    assert incident["offeredDigest"] == offered
    assert incident["pinnedDigest"] != incident["offeredDigest"]
    assert (refused["release"], refused["offeredDigest"]) == ("octo/bad:1.0.0", None)
    assert "zip" in refused["reason"]
    overview = overview_of(mirror)
    first = await overview.refusals("", 1, by=OPERATOR)
    second = await overview.refusals(first.next, 1, by=OPERATOR)
    listed = [str(each.coordinate) for each in (*first.rows, *second.rows)]
    assert listed == ["octo/changed:1.0.0", "octo/bad:1.0.0"]
    assert second.next == ""


async def test_a_refused_release_is_fetched_again(admin: PageClient, mirror: World) -> None:
    await admin.open(f"{MIRROR}/refusals")
    await admin.send(f"{MIRROR}/retry", release="octo/bad:1.0.0")
    assert "The next pull fetches the release again." in admin.text
    assert "octo/bad" not in admin.text
    page = await admin.send(f"{MIRROR}/retry", release="what")
    assert page.status_code == 400
    assert "octo/changed:1.0.0" in admin.text
    assert (await ask(mirror, "/retries", release="octo/changed:1.0.0")).json() == {"retried": True}
    assert (await ask(mirror, "/retries", release="octo/bad:1.0.0")).json() == {"retried": False}
    assert (await ask(mirror, "/refusals")).json()["releases"] == []
    await admin.open(f"{MIRROR}/refusals")
    assert "No release is refused" in admin.text


async def test_a_list_that_a_crash_left_behind_is_repaired(mirror: World) -> None:
    directory, overview = mirror.stores.directory, overview_of(mirror)
    for note in await all_entities(directory, RefusedNote):
        await directory.remove(note)
    assert (await overview.refusals("", 5, by=OPERATOR)).rows == ()
    await count(mirror)
    assert len((await overview.refusals("", 5, by=OPERATOR)).rows) == 2
    for known in await all_entities(directory, UpstreamRelease):
        accepted = known.model_copy(update={"refused_because": "", "offered_digest": ""})
        await directory.put(accepted)
    assert (await overview.refusals("", 5, by=OPERATOR)).rows == ()
    await count(mirror)
    assert await all_entities(directory, RefusedNote) == []


@pytest.mark.parametrize("path", ["/status", "/packages", "/refusals"])
async def test_the_lists_are_for_administrators(mirror: World, path: str) -> None:
    assert (await ask(mirror, path, by=mirror.people.ann)).status_code == 403
    page = await PageClient.of(mirror, mirror.people.ann)
    assert (await page.open(f"{MIRROR}/packages")).status_code == 404


async def test_a_retry_is_for_administrators(mirror: World) -> None:
    answer = await ask(mirror, "/retries", by=mirror.people.ann, release="octo/bad:1.0.0")
    assert answer.status_code == 403
    assert len((await overview_of(mirror).refusals("", 5, by=OPERATOR)).rows) == 2


async def test_without_an_upstream_the_lists_say_so(world: World) -> None:
    admin = await PageClient.of(world, world.people.admin)
    page = await admin.open(f"{MIRROR}/packages")
    assert page.status_code == 400
    assert "No registry is mirrored" in admin.text
