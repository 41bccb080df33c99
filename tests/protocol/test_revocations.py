"""What was erased, removed, locked and revoked stays so when a backup or a snapshot is restored."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync

from shared.adapters.backup import restore
from shared.adapters.embedded import open_embedded
from shared.adapters.filesystem import REVOCATIONS, FolderUnusable, read_revocations
from shared.bootstrap import refuse_half_restored
from shared.domain.access import Membership
from shared.domain.accounts import Account, Token
from shared.domain.names import Coordinate, parse_org
from shared.domain.packages import State, Visibility
from shared.domain.principals import OPERATOR, Role
from shared.domain.records import Place
from shared.domain.revocations import Revocation, last_of_each
from tests.support.archives import bala
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, World

GREET = Coordinate.parse("acme", "greet", "1.0.0")
HELLO = Coordinate.parse("acme", "hello", "1.0.0")
REASON = "order of the court"

machine = one_machine("backups are of a data folder")


def commands(data: Path) -> Callable[..., Any]:
    terminal = Terminal(data, {"BALLROOM_URL": URL})

    async def run(*arguments: str) -> str:
        return await run_sync(partial(terminal.run, *arguments))

    return run


async def bad_day(world: World) -> None:
    """Erase, withdraw, lock, revoke and remove, as an operator does on a bad day."""
    registry, moderation = world.registry, world.registry.publishing.moderation
    await registry.publishing.erasure.erase(GREET, REASON, by=OPERATOR)
    await moderation.quarantine(HELLO, REASON, by=OPERATOR)
    await registry.administration.accounts.lock(world.people.bob.account, REASON, by=OPERATOR)
    ann = world.people.ann.account
    [token] = await registry.tokens.access_tokens.list(ann.id, by=OPERATOR)
    await registry.tokens.access_tokens.revoke(
        ann.id, token.token.id, by=OPERATOR, reason="A test."
    )
    memberships = registry.organizations.memberships
    await memberships.remove_member(parse_org("acme"), world.people.mia.account, by=OPERATOR)


async def state(data: Path, world: World) -> dict[str, Any]:
    """Return what the bad day changed, as the records of a data folder say."""
    stores = open_embedded(data, world.clock)
    people = world.people
    greet = (await stores.metadata.find(GREET)).release
    hello = (await stores.metadata.find(HELLO)).release
    bob = await stores.directory.get(Account, Place(people.bob.account.id))
    found = {
        "greet": greet and greet.state,
        "erased": greet is not None and greet.erased is not None,
        "archive": greet is not None and await stores.archives.stat(greet.archive) is not None,
        "hello": hello and hello.state,
        "bob locked": bob is not None and bob.is_locked,
        "tokens": len(await stores.directory.list_by_owner(Token, people.ann.account.id)),
        "mia": await stores.directory.get(Membership, Place("acme", people.mia.account.id)),
    }
    stores.close()
    return found


AFTER_IT = {
    "greet": State.REMOVED,
    "erased": True,
    "archive": False,
    "hello": State.QUARANTINED,
    "bob locked": True,
    "tokens": 0,
    "mia": None,
}


async def prepared(world: World, folder: Path) -> Path:
    """Publish two packages and back up the registry."""
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/hello:1.0.0"))
    backup = folder / "backups" / "monday"
    backup.parent.mkdir()
    await commands(world.registry.settings.data)("backup", str(backup))
    return backup


@machine
async def test_a_restore_applies_what_came_after_the_backup(world: World, tmp_path: Path) -> None:
    backup = await prepared(world, tmp_path)
    await bad_day(world)
    await commands(world.registry.settings.data)("backup", str(backup.with_name("tuesday")))
    data = tmp_path / "restored" / "data"
    said = await commands(data)("restore", str(backup))
    assert await state(data, world) == AFTER_IT
    assert "- erased the archive of acme/greet:1.0.0\n" in said
    assert "- quarantined acme/hello:1.0.0\n" in said
    assert "- locked bob\n" in said
    assert "For you to decide" not in said


@machine
async def test_the_list_of_the_folder_that_is_replaced_is_the_newest(
    world: World, tmp_path: Path
) -> None:
    backup = await prepared(world, tmp_path)
    await bad_day(world)
    data = world.registry.settings.data
    moved = data.with_name(f"{data.name}-before")
    data.rename(moved)
    await commands(data)("restore", str(backup))
    assert await state(data, world) == AFTER_IT
    listed = tmp_path / "list.jsonl"
    listed.write_bytes((moved / REVOCATIONS).read_bytes())
    other = tmp_path / "other" / "data"
    await commands(other)("restore", str(backup))
    assert (await state(other, world))["greet"] is State.LIVE
    again = tmp_path / "again" / "data"
    await commands(again)("restore", str(backup), "--after", str(listed))
    assert await state(again, world) == AFTER_IT


@machine
async def test_what_was_undone_is_not_applied(world: World, tmp_path: Path) -> None:
    backup = await prepared(world, tmp_path)
    await bad_day(world)
    registry = world.registry
    await registry.publishing.moderation.restore(HELLO, by=OPERATOR)
    await registry.administration.accounts.unlock(world.people.bob.account, by=OPERATOR)
    org = parse_org("acme")
    mia = world.people.mia.account

    await registry.organizations.memberships.set_member(org, mia, Role.MEMBER, by=OPERATOR)
    data = tmp_path / "restored" / "data"
    await commands(data)(
        "restore", str(backup), "--after", str(registry.settings.data / REVOCATIONS)
    )
    found = await state(data, world)
    assert found["hello"] is State.LIVE
    assert not found["bob locked"]
    assert found["mia"]
    assert found["greet"] is State.REMOVED


@machine
async def test_a_person_decides_what_a_restore_would_make_less_strict(
    world: World, tmp_path: Path
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/hello:1.0.0"))
    await bad_day(world)
    registry, backup = world.registry, tmp_path / "monday"
    await commands(registry.settings.data)("backup", str(backup))
    await registry.publishing.moderation.restore(HELLO, by=OPERATOR)
    await registry.administration.accounts.unlock(world.people.bob.account, by=OPERATOR)
    data = tmp_path / "restored" / "data"
    listed = registry.settings.data / REVOCATIONS
    said = await commands(data)("restore", str(backup), "--after", str(listed))
    assert "ballroom package release acme/hello:1.0.0" in said
    assert "ballroom account unlock bob" in said
    assert (await state(data, world))["bob locked"]


@machine
async def test_the_list_of_another_registry_is_left_out(world: World, tmp_path: Path) -> None:
    backup = await prepared(world, tmp_path)
    await bad_day(world)
    listed = world.registry.settings.data / REVOCATIONS
    foreign = tmp_path / "foreign.jsonl"
    registry = read_revocations(listed)[0].registry
    assert registry
    foreign.write_bytes(listed.read_bytes().replace(registry.encode(), b"0" * 16))
    data = tmp_path / "restored" / "data"
    said = await commands(data)("restore", str(backup), "--after", str(foreign))
    assert "entries are of another registry" in said
    assert (await state(data, world))["greet"] is State.LIVE


@machine
async def test_a_second_restore_applies_the_same_and_no_more(world: World, tmp_path: Path) -> None:
    backup = await prepared(world, tmp_path)
    await bad_day(world)
    listed = str(world.registry.settings.data / REVOCATIONS)
    data = tmp_path / "restored" / "data"
    run = commands(data)
    await run("restore", str(backup), "--after", listed)
    await run("account", "unlock", "bob")
    data.rename(data.with_name("data-2"))
    await run("restore", str(backup), "--after", listed)
    found = await state(data, world)
    assert not found["bob locked"]
    assert {**found, "bob locked": True} == AFTER_IT
    assert "Nothing of the list of revocations had to be applied." in await run(
        "revocations", "apply"
    )


@machine
async def test_no_registry_starts_over_a_restore_whose_list_is_not_applied(
    world: World, tmp_path: Path
) -> None:

    backup = await prepared(world, tmp_path)
    await bad_day(world)
    data = tmp_path / "restored" / "data"
    restore(backup, data, later=[world.registry.settings.data / REVOCATIONS])
    settings = world.registry.settings.model_copy(update={"data": data})
    with pytest.raises(FolderUnusable, match="Run the same restore again"):
        refuse_half_restored(settings)
    await commands(data)("restore", str(backup))
    refuse_half_restored(settings)
    assert await state(data, world) == AFTER_IT


async def test_the_list_has_ids_and_digests_and_no_names(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/hello:1.0.0"))
    await bad_day(world)
    listed = await world.registry.administration.revocations.listed()
    assert {each.act for each in listed} >= {
        "release.removed",
        "release.erased",
        "release.quarantined",
        "account.locked",
        "token.revoked",
        "member.removed",
    }
    text = " ".join(each.model_dump_json() for each in listed)
    for name in ("acme", "greet", "hello", "bob", "ann", "mia", REASON):
        assert name not in text
    await world.stores.revocations.compact()
    again = await world.registry.administration.revocations.listed()
    assert {each.event for each in again} == {each.event for each in listed}


async def test_a_restored_database_of_the_cloud_gets_the_list(world: World) -> None:
    """Whose store of lists outlives the database: the acts are on it and not in the feed."""
    await world.push(bala("acme/greet:1.0.0"))
    release = (await world.stores.metadata.find(GREET)).release
    assert release
    act = {"act": "release.removed", "about": "release", "id": release.digest}
    lost = Revocation.model_validate({"event": "0" * 64, "at_ms": world.clock.now_ms(), **act})
    await world.stores.revocations.add([lost])
    applied = await world.registry.administration.revocations.apply()
    assert applied.applied == ("removed acme/greet:1.0.0",)
    assert (await world.registry.administration.revocations.apply()).applied == ()


async def test_a_package_that_became_private_stays_so(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.registry.packages.visibility.change(
        GREET.package, Visibility.PRIVATE, by=world.fresh(world.people.ann)
    )
    [entry] = [
        each
        for each in await world.registry.administration.revocations.listed()
        if each.act == "package.private"
    ]
    await world.registry.packages.visibility.change(
        GREET.package, Visibility.PUBLIC, by=world.fresh(world.people.ann)
    )
    later = entry.model_copy(update={"event": "1" * 64, "at_ms": entry.at_ms + 10_000_000})
    applied = await world.registry.administration.revocations.apply([later])
    assert applied.applied == ("made acme/greet private",)


def test_of_acts_about_the_same_subject_the_last_counts() -> None:
    acts = [
        Revocation(event=str(at), at_ms=at, act=act, about="account", id="1")
        for at, act in ((2, "account.unlocked"), (1, "account.locked"))
    ]
    assert [each.act for each in last_of_each(acts)] == ["account.unlocked"]
