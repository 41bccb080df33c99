"""Clients repeat a push at once on a 5xx and on a lost connection, and jobs of CI run again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy
from shared.domain.packages import Release
from shared.domain.principals import OPERATOR
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala, repacked
from tests.support.port_doubles import Fault, Moment
from tests.support.stored_state import stored
from tests.support.world import MAVEN, OpenWorld, Person, World, limited

pytestmark = pytest.mark.measured

GREET = "acme/greet:1.0.0"
GREETING = Coordinate.parse("acme", "greet", "1.0.0")
README = "docs/README.md"
SOURCE = "modules/greet/greet.bal"
ARCHIVE = bala(GREET)
AGAIN = repacked(ARCHIVE)
TAKEN = (
    "package already exists: acme/greet:1.0.0. Releases never change: raise the version in "
    "Ballerina.toml and push again."
)


MAVEN_URL = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala"

Push = Callable[[World, Person, bytes], Awaitable[str]]


async def by_central(world: World, by: Person, archive: bytes) -> str:
    """Push as `bal push` does, and return what it is told; empty for a success."""
    try:
        await world.java(by).send_archive(GREET, archive)
    except ClientFailure as failure:
        return str(failure)
    return ""


async def by_maven(world: World, by: Person, archive: bytes) -> str:
    answer = await world.send("PUT", MAVEN_URL, by=by, content=archive)
    assert answer.status_code in (201, 409)
    return answer.text.strip()


FACES = pytest.mark.parametrize("push", [by_central, by_maven])


async def release_of(world: World) -> Release:
    found = await world.stores.metadata.find(GREETING)
    assert found.release is not None
    return found.release


@FACES
async def test_a_job_that_runs_again_publishes_the_same_files_at_any_time(
    world: World, push: Push
) -> None:
    assert await push(world, world.people.ann, ARCHIVE) == ""
    before = await stored(world.stores)
    for archive, by in ((ARCHIVE, world.people.ann), (AGAIN, world.people.admin)):
        world.clock.advance(timedelta(days=30))
        assert await push(world, by, archive) == ""
    assert await world.java().versions("acme/greet") == ["1.0.0"]
    assert (await world.java().pull(GREET)).content == ARCHIVE
    assert await stored(world.stores) == before


@FACES
async def test_other_files_are_refused_and_the_first_three_named(world: World, push: Push) -> None:
    ann = world.people.ann
    await push(world, ann, ARCHIVE)
    told = TAKEN + " This archive differs from the published one in docs/README.md."
    assert await push(world, ann, repacked(ARCHIVE, {README: b"# Other"})) == told
    changes: dict[str, bytes | None] = {README: b"# Other", SOURCE: None, "resources/a": b"a"}
    named = f"{README}, {SOURCE} (missing)"
    # A module without sources is refused, so the package needs another one.
    changes["modules/greet/other.bal"] = b"// Other."
    told = f"{TAKEN} This archive differs from the published one in {named}, "
    told += "modules/greet/other.bal (new) and 1 other file."
    assert await push(world, ann, repacked(ARCHIVE, changes)) == told
    assert (await world.java().pull(GREET)).content == ARCHIVE


async def test_who_may_push_and_not_read_learns_no_name_of_a_file(world: World) -> None:
    archive = bala(GREET, visibility="private")
    await world.push(archive)
    job = await limited(world, world.people.ann, "push-version")
    assert await by_central(world, job, repacked(archive, {README: b"# Other"})) == TAKEN
    assert await by_central(world, job, repacked(archive)) == ""


@FACES
async def test_a_release_of_an_earlier_version_gets_its_hash_when_it_is_pushed_again(
    world: World, push: Push
) -> None:
    await world.push(ARCHIVE)
    release = await release_of(world)
    known = release.entries_hash
    await world.stores.metadata.replace_release(release.model_copy(update={"entries_hash": None}))
    other = repacked(ARCHIVE, {README: b"# Other"})
    assert TAKEN in await push(world, world.people.ann, other)
    assert (await release_of(world)).entries_hash is None  # Nobody needed it.
    assert await push(world, world.people.admin, AGAIN) == ""
    assert (await release_of(world)).entries_hash == known is not None
    assert (await world.java().pull(GREET)).content == ARCHIVE
    assert not await world.registry.packages.derived_data.rebuild(GREETING.package)


async def test_the_digest_of_the_second_archive_is_checked_and_that_of_the_first_stays(
    world: World, ann: JavaBal
) -> None:
    await ann.send_archive(GREET, ARCHIVE)
    form = multipart("acme-greet-any-1.0.0.bala", AGAIN)
    wrong = f"sha-256={Digest.of(ARCHIVE)}"
    refused = await world.upload(form, by=world.people.ann, headers={"digest": wrong})
    assert refused.status_code == 400
    assert "It was damaged on the way" in refused.text
    await ann.send_archive(GREET, AGAIN)  # With its own digest.
    assert (await release_of(world)).archive_digest == Digest.of(ARCHIVE)


async def test_what_a_maven_client_sends_beside_the_second_archive_is_taken(world: World) -> None:
    for archive in (ARCHIVE, AGAIN):
        await world.maven(world.people.ann).push(GREET, archive)
    assert await world.maven().pull(GREET) == ARCHIVE


async def test_of_concurrent_pushes_of_the_same_files_each_succeeds(world: World) -> None:
    archives = [ARCHIVE, AGAIN, repacked(ARCHIVE, {})]
    assert await asyncio.gather(
        *(by_central(world, world.people.ann, each) for each in archives)
    ) == ["", "", ""]
    assert (await world.java().pull(GREET)).content in archives
    kinds = [event.kind for _, event in await world.stores.events.since(0, 100)]
    assert kinds.count("release.published") == 1


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("hold", "acme/greet:1.0.0 is stored and held: an administrator"),
        ("quarantine", "acme/greet:1.0.0 is stored and quarantined: an administrator"),
        ("remove", TAKEN),
    ],
)
@FACES
async def test_a_release_that_is_withheld_stays_so_whatever_the_bytes(
    world: World, push: Push, state: str, told: str
) -> None:
    await world.push(ARCHIVE)
    await getattr(world.registry.publishing.moderation, state)(GREETING, "Why.", by=OPERATOR)
    before = await stored(world.stores)
    assert (await push(world, world.people.ann, AGAIN)).startswith(told)
    other = repacked(ARCHIVE, {README: b"# Other"})
    assert await push(world, world.people.ann, other) == TAKEN  # Without the names of files.
    assert await stored(world.stores) == before


async def test_the_version_of_an_archive_that_newer_rules_refuse_is_taken(world: World) -> None:
    damaged = bytearray(ARCHIVE)
    damaged[14] ^= 1  # The CRC in its first local header, which differs from the directory's.
    await world.push(ARCHIVE)
    release = (await release_of(world)).model_copy(
        update={"digest": Digest.of(bytes(damaged)).hex, "entries_hash": None}
    )
    await world.stores.archives.put(release.archive, bytes(damaged), ArchiveContainer.PUBLIC)
    await world.stores.metadata.replace_release(release)
    assert await by_central(world, world.people.ann, AGAIN) == TAKEN


async def test_an_archive_with_the_same_files_does_not_replace_a_lost_one(
    world: World, ann: JavaBal
) -> None:
    await ann.send_archive(GREET, ARCHIVE)
    await world.stores.archives.delete(Digest.of(ARCHIVE), world.clock.now_ms() + 1)
    answer = await world.send("PUT", MAVEN_URL, by=world.people.ann, content=AGAIN)
    assert answer.status_code == 503
    assert "The archive of acme/greet:1.0.0 is lost or damaged" in answer.text
    await ann.send_archive(GREET, ARCHIVE)
    await ann.send_archive(GREET, AGAIN)


RC1 = "acme/greet:1.0.0-RC1"
OTHER_CASE = (
    r"acme/greet:1\.0\.0-rc1 differs from the version 1\.0\.0-RC1, which exists, in upper and "
    "lower case alone, and both are one folder on Windows and macOS. Choose another version."
)


async def test_of_versions_that_differ_in_case_the_second_is_refused_and_stores_nothing(
    world: World, ann: JavaBal
) -> None:
    await ann.push(RC1, bala(RC1))
    before = await stored(world.stores)
    again = RC1.replace("RC", "rc")
    with pytest.raises(ClientFailure, match=OTHER_CASE):
        await ann.push(again, bala(again))
    url = f"{MAVEN}/acme/greet/1.0.0-rc1/greet-1.0.0-rc1.bala"
    answer = await world.send("PUT", url, by=world.people.ann, content=bala(again))
    assert answer.status_code == 409
    assert await stored(world.stores) == before
    assert (await ann.pull(RC1)).content == bala(RC1)
    with pytest.raises(ClientFailure, match="package not found for"):
        await ann.pull(again)
    await ann.push("acme/greet:1.0.0-rc2", bala("acme/greet:1.0.0-rc2"))
    assert await ann.versions("acme/greet") == ["1.0.0-rc2", "1.0.0-RC1"]


async def test_of_concurrent_pushes_of_versions_that_differ_in_case_one_succeeds(
    world: World,
) -> None:
    spelled = [f"acme/greet:1.0.0-{each}" for each in ("rc1", "RC1", "Rc1")]
    pushes = [world.push(bala(each)) for each in spelled]
    outcomes = await asyncio.gather(*pushes, return_exceptions=True)
    failures = [each for each in outcomes if each is not None]
    assert len(failures) == 2
    assert all("differs from the version" in str(each) for each in failures)
    assert len(await world.java().versions("acme/greet")) == 1


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize(
    ("port", "method"),
    [
        ("metadata", "find"),
        ("metadata", "claim"),
        ("documents", "put"),
        ("archives", "put"),
        ("metadata", "add_release"),
        ("metadata", "put_entries"),
        ("search", "offer"),
        ("events", "append_outbox"),
    ],
)
async def test_a_push_that_fails_anywhere_succeeds_when_the_client_repeats_it(
    worlds: OpenWorld, port: str, method: str, moment: Moment
) -> None:
    fault = Fault(method, Busy(), moment)

    world = await worlds(wrap=fault.at(port))
    ann = world.java(world.people.ann)
    await ann.send_archive(GREET, bala(GREET))
    assert [each.status for each in ann.wire.exchanges] == [503, 204]
    assert await ann.versions("acme/greet") == ["1.0.0"]
    assert (await ann.search("greet"))["count"] == 1
    assert (await ann.pull(GREET)).content == bala(GREET)
    assert [event.kind for _, event in await world.stores.events.since(0, 100)].count(
        "release.published"
    ) == 1
