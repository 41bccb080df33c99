"""What the entries of the transparency log say after all that people and jobs did."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from shared.domain.coordinates import Coordinate, Package
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.visibility import Visibility
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from tests.support.archives import bala
from tests.support.storage import one_machine
from tests.support.trusted_publishing import TrustedPublishingWorld, trusting
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
GREET = Package.from_text("acme/greet")


def version(text: str) -> Coordinate:
    return Coordinate.parse("acme", "greet", text)


async def entries(world: World) -> list[dict[str, Any]]:
    """Return all entries as the log has them."""
    return [json.loads(each) for each in await world.stores.events.leaves(0, 1_000)]


async def told(world: World) -> list[dict[str, Any]]:
    """Return the readable ones."""
    return [each for each in await entries(world) if "kind" in each]


async def kinds(world: World) -> list[str]:
    return [each["kind"] for each in await told(world)]


@pytest.fixture
async def ci(worlds: OpenWorld) -> TrustedPublishingWorld:
    return await trusting(worlds)


@pytest.fixture
async def world(ci: TrustedPublishingWorld) -> World:
    return ci.world


async def test_a_release_of_a_public_package_is_told_with_digest_size_and_account(
    world: World,
) -> None:
    archive = bala("acme/greet:1.0.0")
    await world.push(archive)
    [entry] = await told(world)
    found = (await world.stores.metadata.find(version("1.0.0"))).release
    assert found is not None
    assert entry.pop("index") == len(await entries(world)) - 1
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "v": 1,
        "kind": "release.published",
        "package": "acme/greet",
        "version": "1.0.0",
        "digest": f"sha256:{found.digest}",
        "size": len(archive),
        "by": {"id": world.people.ann.account.id},
    }


async def test_a_job_is_told_by_what_its_provider_says(ci: TrustedPublishingWorld) -> None:
    await ci.world.push(bala("acme/greet:1.0.0"))
    await ci.add("acme/greet")
    await ci.world.push(bala("acme/greet:1.1.0"), by=await ci.job())
    first, added, second = await told(ci.world)
    assert first["kind"] == second["kind"] == "release.published"
    assert (added["kind"], added["package"]) == ("publisher.added", "acme/greet")
    assert {"provider", "repository", "commit"} <= second["by"].keys()
    assert not {"ref", "run", "subject"} & second["by"].keys()


async def test_changes_of_a_public_package_are_told_and_their_texts_are_not(world: World) -> None:
    for each in ("1.0.0", "1.1.0"):
        await world.push(bala(f"acme/greet:{each}"))
    await world.java(world.people.ann).deprecate("acme/greet:1.0.0", "Ask Kim Lee.")
    moderation = world.registry.publishing.moderation
    public = PublicReason(why=WithdrawalReason.MALWARE, note="Kim Lee found it.")
    for decide in (moderation.quarantine, moderation.remove):
        await decide(version("1.1.0"), "Kim Lee wrote.", public, by=OPERATOR)
    withdrawals = [each for each in await told(world) if each["kind"] == "release.withdrawn"]
    assert [(each["reason"], each["final"]) for each in withdrawals] == [
        ("malware", False),
        ("malware", True),
    ]
    assert (await kinds(world))[2] == "release.deprecated"
    assert "Kim Lee" not in json.dumps(await entries(world))


async def test_private_packages_and_people_are_numbers_alone(world: World) -> None:
    before = await entries(world)
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    await world.java(world.people.ann).deprecate("acme/secret:1.0.0", "No more.")
    set_member = world.registry.organizations.memberships.set_member
    await set_member(ACME, world.people.bob.account, Role.MEMBER, by=OPERATOR)
    await world.registry.identity.accounts.create("kim", by=OPERATOR)
    new = (await entries(world))[len(before) :]
    assert len(new) > 3
    assert {tuple(sorted(each)) for each in new} == {("commitment", "index", "v")}


async def test_a_package_that_becomes_private_is_told_once_and_then_no_more(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    change = world.registry.packages.visibility.change
    ann = world.fresh(world.people.ann)
    await change(GREET, Visibility.PRIVATE, by=ann)
    await world.push(bala("acme/greet:1.1.0"))
    await change(GREET, Visibility.INTERNAL, by=ann)
    assert await kinds(world) == ["release.published", "package.withdrawn"]
    await change(GREET, Visibility.PUBLIC, by=ann)
    await world.push(bala("acme/greet:1.2.0"))
    assert (await kinds(world))[2:] == ["package.restored", "release.published"]


async def test_a_held_release_is_told_when_it_is_published_and_never_if_it_is_refused(
    worlds: OpenWorld,
) -> None:
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/first:1.0.0"))
    held = world.registry.publishing.held_releases
    ann = world.fresh(world.people.ann)
    for name in ("next", "refused"):
        await world.push_held(bala(f"acme/{name}:1.0.0"))
    assert await kinds(world) == ["release.published"]
    await held.confirm(Coordinate.parse("acme", "next", "1.0.0"), by=ann)
    await held.refuse(Coordinate.parse("acme", "refused", "1.0.0"), by=ann, reason="Not mine.")
    _, second = await told(world)
    assert (second["package"], second["kind"]) == ("acme/next", "release.published")
    assert second["digest"].startswith("sha256:")
    assert second["size"] > 0
    assert "refused" not in json.dumps(await entries(world))


async def test_an_erased_account_leaves_its_id_alone(world: World) -> None:
    people = world.people
    await world.push(bala("acme/greet:1.0.0"))
    before = await world.stores.events.logged(0, 1_000)
    for name in ("ann", "mia", "bob"):
        account = getattr(people, name).account
        await world.stores.events.forget_account(account.id)
    await world.stores.events.forget_origins(world.clock.now_ms() + 1, 1_000)
    after = await world.stores.events.logged(0, 1_000)
    assert [each.leaf for each in after] == [each.leaf for each in before]
    for each in after:
        assert each.leaf is not None
        for content in (each.leaf.leaf, each.leaf.opening):
            assert not any(f'"{name}"'.encode() in content for name in ("ann", "mia", "bob"))
            assert b"127.0.0.1" not in content


@one_machine("it changes rows of its database")
async def test_events_of_earlier_versions_are_told_as_their_packages_are_now(
    world: World,
) -> None:
    for archive in (
        bala("acme/greet:1.0.0"),
        bala("acme/greet:1.1.0"),
        bala("acme/secret:1.0.0", visibility="private"),
    ):
        await world.push(archive)
    await world.java(world.people.ann).deprecate("acme/greet:1.0.0", "Use 1.1.0.")
    as_pushed = await told(world)
    forget_all(world)
    assert await entries(world) == []
    await world.registry.maintenance.task_runner.run("freeze-leaves")
    later = await told(world)
    assert [each.pop("later") for each in later] == [True] * 3
    assert later == as_pushed
    count = len(await world.stores.events.since(0, 1_000))
    # The run itself may have left an event.
    assert [each["index"] for each in await entries(world)] == list(range(count))


def forget_all(world: World) -> None:
    """Leave all events as an earlier version stored them: without leaves, sizes and marks."""
    path = world.registry.settings.data / "ballroom.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE events SET leaf = NULL, salt = NULL, opening = NULL,"
            " body = json_remove(body, '$.public', '$.details.size')"
        )
