"""What was erased, removed, locked and revoked stays so when a backup or a snapshot is restored."""

import os
import shutil
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync

from shared.adapters.backup import restore
from shared.adapters.data_folder import REVOCATIONS, FolderUnusable
from shared.adapters.embedded import open_embedded
from shared.adapters.file_revocations import read_revocations
from shared.auth.identity_providers import VerifiedIdentity
from shared.bootstrap.backups import refuse_half_restored
from shared.domain.accounts import Account, LockSource
from shared.domain.coordinates import Coordinate
from shared.domain.entities import Place
from shared.domain.memberships import GroupRole, Membership, PendingRole
from shared.domain.names import parse_org
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import DIRECTORY, OPERATOR
from shared.domain.release_states import State
from shared.domain.revocations import Revocation, RoleLimits, last_of_each, place_digest
from shared.domain.scopes import Role
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.visibility import Visibility
from shared.domain.webhooks import Topic, Webhook
from shared.domain.withdrawal_reasons import WithdrawalReason
from shared.ports.conflicts import Stale
from shared.services.administration.revocation_report import REASON as RESTORED
from shared.services.organizations.invitations import InvitationRequest
from shared.services.tokens.trusted_publishers import PublisherRequest
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import Fault
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
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
    registry = world.registry
    moderation = world.registry.publishing.moderation
    await registry.publishing.erasure.erase(GREET, REASON, by=OPERATOR)
    await moderation.quarantine(HELLO, REASON, by=OPERATOR)
    await registry.administration.accounts.lock(world.people.bob.account, REASON, by=OPERATOR)
    ann = world.people.ann.account
    [token] = await registry.tokens.access_tokens.list(ann.id, by=OPERATOR)
    await registry.tokens.access_tokens.revoke(ann.id, token.token.id, by=OPERATOR, reason=REASON)
    memberships = registry.organizations.memberships
    await memberships.remove_member(
        parse_org("acme"), world.people.mia.account, by=OPERATOR, reason=REASON
    )


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
async def test_an_erasure_is_repeated_on_a_machine_whose_clock_is_behind(
    world: World, tmp_path: Path
) -> None:
    backup = await prepared(world, tmp_path)
    await bad_day(world)
    in_a_year = time.time() + timedelta(days=365).total_seconds()
    for each in (backup / "archives").rglob("*"):
        os.utime(each, (in_a_year, in_a_year))
    data, said = await restored_after(world, tmp_path, backup)
    assert await state(data, world) == AFTER_IT
    assert "- erased the archive of acme/greet:1.0.0\n" in said


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


async def restored_after(world: World, folder: Path, backup: Path) -> tuple[Path, str]:
    """Restore the backup to a folder with the list of the registry; return what it says, too."""
    data = folder / "restored" / "data"
    listed = str(world.registry.settings.data / REVOCATIONS)
    return data, await commands(data)("restore", str(backup), "--after", listed)


@asynccontextmanager
async def records_of(data: Path, world: World) -> AsyncGenerator[Any]:
    stores = open_embedded(data, world.clock)
    try:
        yield stores
    finally:
        stores.close()


@machine
async def test_the_directory_alone_ends_a_lock_of_the_directory(
    world: World, tmp_path: Path
) -> None:
    backup = await prepared(world, tmp_path)
    bob = world.people.bob.account
    accounts = world.registry.administration.accounts
    await accounts.lock(bob, "Disabled.", by=DIRECTORY, source=LockSource.DIRECTORY)
    data, said = await restored_after(world, tmp_path, backup)
    assert "- locked bob, as the directory did\n" in said
    async with records_of(data, world) as stores:
        account = await stores.directory.get(Account, Place(bob.id))
    assert account
    assert [each.source for each in account.locks] == [LockSource.DIRECTORY]


@machine
async def test_a_lock_stays_when_another_source_ends_its_own(world: World, tmp_path: Path) -> None:
    backup = await prepared(world, tmp_path)
    bob = world.people.bob.account
    accounts = world.registry.administration.accounts
    await accounts.lock(bob, REASON, by=OPERATOR)
    await accounts.lock(bob, "Disabled.", by=DIRECTORY, source=LockSource.DIRECTORY)
    await accounts.unlock(bob, by=DIRECTORY, source=LockSource.DIRECTORY)
    data, _ = await restored_after(world, tmp_path, backup)
    async with records_of(data, world) as stores:
        account = await stores.directory.get(Account, Place(bob.id))
    assert account
    assert [each.source for each in account.locks] == [LockSource.ADMINISTRATOR]


@machine
async def test_freezes_and_holds_are_applied(world: World, tmp_path: Path) -> None:
    backup = await prepared(world, tmp_path)
    registry = world.registry
    freezes = registry.organizations.freezes
    holds = registry.publishing.package_holds
    await freezes.freeze_organization(parse_org("other"), REASON, by=OPERATOR)
    await freezes.freeze_package(GREET.package, REASON, by=OPERATOR)
    await holds.hold(HELLO.package, REASON, by=OPERATOR)
    data, said = await restored_after(world, tmp_path, backup)
    assert "- froze other\n" in said
    async with records_of(data, world) as stores:
        other = await stores.directory.get(Organization, organization_place("other"))
        acme = await stores.directory.get(Organization, organization_place("acme"))
        head = await stores.metadata.head(HELLO.package)
    assert other
    assert other.freeze
    assert acme
    assert [each.name for each in acme.frozen_packages] == ["greet"]
    assert head
    assert head.hold


@machine
async def test_a_person_decides_about_ended_freezes_and_holds(world: World, tmp_path: Path) -> None:
    registry = world.registry
    freezes = registry.organizations.freezes
    holds = registry.publishing.package_holds
    await world.push(bala("acme/greet:1.0.0"))
    await freezes.freeze_organization(parse_org("other"), REASON, by=OPERATOR)
    await freezes.freeze_package(GREET.package, REASON, by=OPERATOR)
    await holds.hold(GREET.package, REASON, by=OPERATOR)
    backup = tmp_path / "monday"
    await commands(registry.settings.data)("backup", str(backup))
    await freezes.unfreeze_organization(parse_org("other"), by=OPERATOR)
    await freezes.unfreeze_package(GREET.package, by=OPERATOR)
    await holds.end(GREET.package, by=OPERATOR)
    data, said = await restored_after(world, tmp_path, backup)
    for command in ("org unfreeze other", "package unfreeze acme/greet", "package restore acme"):
        assert f"ballroom {command}" in said
    async with records_of(data, world) as stores:
        head = await stores.metadata.head(GREET.package)
    assert head
    assert head.hold


@machine
async def test_own_releases_stay_held_by_their_owners_and_erased(
    world: World, tmp_path: Path
) -> None:
    backup = await prepared(world, tmp_path)
    own = world.registry.publishing.own_releases
    ann = world.fresh(world.people.ann)
    await own.hold(GREET, REASON, by=ann)
    await own.erase(HELLO, REASON, by=ann)
    data, _ = await restored_after(world, tmp_path, backup)
    async with records_of(data, world) as stores:
        greet = (await stores.metadata.find(GREET)).release
        hello = (await stores.metadata.find(HELLO)).release
    assert greet.is_held_by_owner
    assert hello.state is State.REMOVED
    assert hello.public_reason.why is WithdrawalReason.OWNER_REQUEST


@machine
async def test_an_owner_ends_no_hold_of_an_administrator_after_a_restore(
    world: World, tmp_path: Path
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    own = world.registry.publishing.own_releases
    ann = world.fresh(world.people.ann)
    await own.hold(GREET, REASON, by=ann)
    backup = tmp_path / "monday"
    await commands(world.registry.settings.data)("backup", str(backup))
    await world.registry.publishing.moderation.hold(GREET, REASON, by=OPERATOR)
    data, _ = await restored_after(world, tmp_path, backup)
    async with records_of(data, world) as stores:
        greet = (await stores.metadata.find(GREET)).release
    assert greet.state is State.HELD
    assert not greet.is_held_by_owner


@machine
async def test_a_demoted_member_has_no_more_rights_again(world: World, tmp_path: Path) -> None:
    org = parse_org("acme")
    mia = world.people.mia.account
    memberships = world.registry.organizations.memberships
    await memberships.set_member(org, mia, Role.MAINTAINER, by=OPERATOR)
    backup = await prepared(world, tmp_path)
    await memberships.set_member(org, mia, Role.MEMBER, by=OPERATOR, reason=REASON)
    data, said = await restored_after(world, tmp_path, backup)
    assert f"- made the account {mia.id} member of acme\n" in said
    async with records_of(data, world) as stores:
        membership = await stores.directory.get(Membership, Place("acme", mia.id))
    assert membership.role is Role.MEMBER


@machine
async def test_a_canceled_change_of_owners_does_not_take_effect(
    world: World, tmp_path: Path
) -> None:
    org = parse_org("acme")
    mia = world.people.mia.account
    ann = world.fresh(world.people.ann)
    memberships = world.registry.organizations.memberships
    await memberships.set_member(org, mia, Role.OWNER, by=ann)
    backup = await prepared(world, tmp_path)
    await memberships.cancel_change(org, mia, by=ann)
    data, said = await restored_after(world, tmp_path, backup)
    assert f"- canceled the change of the account {mia.id} in acme\n" in said
    async with records_of(data, world) as stores:
        membership = await stores.directory.get(Membership, Place("acme", mia.id))
    assert membership.pending is None


@machine
async def test_a_person_decides_about_a_change_that_was_scheduled_after_the_backup(
    world: World, tmp_path: Path
) -> None:
    org = parse_org("acme")
    mia = world.people.mia.account
    ann = world.fresh(world.people.ann)
    memberships = world.registry.organizations.memberships
    await memberships.set_member(org, mia, Role.OWNER, by=OPERATOR, reason=REASON)
    backup = await prepared(world, tmp_path)
    await memberships.set_member(org, mia, Role.MEMBER, by=ann)
    _, said = await restored_after(world, tmp_path, backup)
    assert f"The role member of the account {mia.id} in acme was scheduled after" in said


async def what_is_removed(world: World) -> None:
    """Create one record of each kind that can be removed; Ann has another sign-in method."""
    registry = world.registry
    ann = world.people.ann
    ids = {"repository_id": "7", "repository_owner_id": "6"}
    rules = {"workflow": "release.yml", "refs": ["refs/tags/v*"]}
    wanted = PublisherRequest(GREET.package, Provider.GITHUB, ids, "", "octo/greet", rules)
    await registry.tokens.trusted_publishers.add(wanted, by=OPERATOR)
    webhooks = registry.organizations.webhooks
    url = "https://hooks.example.org/x"
    await webhooks.add(ACME, url, [Topic.RELEASE], by=OPERATOR)
    offered = InvitationRequest.parse(Role.MEMBER, None, "Kim")
    await registry.organizations.invitations.invite(ACME, offered, by=OPERATOR)
    await signed_in(world, ann)
    for identifier in ("one", "two"):
        await link(world, identifier, "oidc")


async def link(world: World, identifier: str, provider: str) -> None:
    """Link an identity to the account of Ann."""
    who = VerifiedIdentity(
        issuer="https://login.test",
        identifier=identifier,
        label=f"{identifier}@example.org",
        email="",
        display_name="",
        strong=False,
        authenticated_ms=0,
    )
    ann = world.fresh(world.people.ann)
    await world.registry.identity.identities.link(who, provider, by=ann)


async def remove_all(world: World) -> None:
    """Remove each of them, for the reason that a restore gives."""
    registry = world.registry
    ann = world.people.ann
    reason = RESTORED
    mia = world.people.mia.account
    organizations = registry.organizations
    tokens = registry.tokens
    for each in await tokens.trusted_publishers.of_organization(ACME, by=OPERATOR):
        await tokens.trusted_publishers.remove(ACME, each.id, by=OPERATOR, reason=reason)
    for each in await world.stores.directory.list_by_owner(Webhook, "acme"):
        await organizations.webhooks.remove(ACME, each.id, by=OPERATOR, reason=reason)
    for each in await organizations.invitations.pending(ACME, by=OPERATOR):
        await organizations.invitations.revoke(ACME, each.id, by=OPERATOR, reason=reason)
    first, *_ = await registry.identity.identities.of(by=world.fresh(ann))
    await registry.identity.identities.remove(first.id, by=world.fresh(ann))
    await registry.identity.sessions.end_all(ann.account.id, by=OPERATOR, reason=reason)
    await organizations.memberships.remove_member(ACME, mia, by=OPERATOR, reason=reason)
    [token] = await tokens.access_tokens.list(ann.account.id, by=OPERATOR)
    revoke = tokens.access_tokens.revoke
    await revoke(ann.account.id, token.token.id, by=OPERATOR, reason=reason)


REMOVALS = {
    "identity.removed",
    "invitation.withdrawn",
    "member.removed",
    "publisher.removed",
    "session.ended",
    "token.revoked",
    "webhook.removed",
}


async def removals(stores: Any) -> dict[str, tuple[object, ...]]:
    """Return what the event of each removal says, but who made it and when."""
    events = [event for _, event in await stores.events.since(0, 1_000) if event.kind in REMOVALS]
    return {
        each.kind: (each.subject, each.org.lower(), each.account, each.details) for each in events
    }


@machine
async def test_the_event_of_a_repeated_removal_says_what_the_first_one_said(
    world: World, tmp_path: Path
) -> None:
    await what_is_removed(world)
    backup = await prepared(world, tmp_path)
    await remove_all(world)
    first = await removals(world.stores)
    assert first.keys() == REMOVALS
    data, _ = await restored_after(world, tmp_path, backup)
    async with records_of(data, world) as stores:
        assert await removals(stores) == first


@machine
async def test_an_account_is_no_staff_by_a_provider_whose_identity_was_removed(
    world: World, tmp_path: Path
) -> None:
    ann = world.people.ann
    identities = world.registry.identity.identities
    await link(world, "one", "entra")
    await link(world, "two", "oidc")
    backup = await prepared(world, tmp_path)
    found = await identities.of(by=world.fresh(ann))
    [removed] = [each for each in found if each.provider == "entra"]
    await identities.remove(removed.id, by=world.fresh(ann))
    data, _ = await restored_after(world, tmp_path, backup)
    async with records_of(data, world) as stores:
        account = await stores.directory.get(Account, Place(ann.account.id))
    assert account.providers == ("oidc",)


async def test_what_somebody_changes_meanwhile_is_removed_all_the_same(worlds: OpenWorld) -> None:
    fault = Fault("remove", Stale(), nth=0)
    world = await worlds(wrap=fault.at("directory"))
    tokens = world.registry.tokens.access_tokens
    ann = world.people.ann.account
    [used] = await tokens.list(ann.id, by=OPERATOR)
    await tokens.revoke(ann.id, used.token.id, by=OPERATOR, reason=REASON)
    token = used.token.model_copy(update={"revision": 1, "outbox": ()})
    await world.stores.directory.add(token)  # As a backup has it.
    fault.nth = fault.calls + 1
    revocations = world.registry.administration.revocations
    [entry] = [each for each in await revocations.listed() if each.act == "token.revoked"]
    later = entry.model_copy(update={"event": "1" * 64, "at_ms": entry.at_ms + 1})
    applied = await revocations.apply([later])
    assert await world.stores.directory.get(Token, token.place) is None
    assert any("revoked the token" in each for each in applied.applied)


@pytest.mark.parametrize("source", ["groups", "scheduled"])
async def test_a_role_that_somebody_changes_meanwhile_is_limited_all_the_same(
    worlds: OpenWorld, source: str
) -> None:
    """As by the sign-in of a member whose groups are read, beside `revocations apply`."""
    fault = Fault("replace", Stale(), nth=0)
    world = await worlds(wrap=fault.at("directory"))
    place = Place("acme", world.people.mia.account.id)
    stored = await world.stores.directory.get(Membership, place)
    assert stored
    pending = PendingRole(role=Role.OWNER, at_ms=2**50, by="ann")
    group = GroupRole(role=Role.MAINTAINER, until_ms=2**50, groups=("dev",))
    found = stored.with_roles(Role.MEMBER, group, pending=pending)
    assert found
    await world.stores.directory.replace(found)
    entry = Revocation(
        event="1" * 64,
        at_ms=world.clock.now_ms(),
        act="member.set" if source == "groups" else "owner.undone",
        about="record",
        id=place_digest(Membership.kind, place),
        entity=Membership.kind,
        source=source,
        role="member",
    )
    fault.nth = fault.calls + 1
    applied = await world.registry.administration.revocations.apply([entry])
    assert len(applied.applied) == 1
    limited = await world.stores.directory.get(Membership, place)
    assert limited
    if source == "groups":
        assert limited.group_role is Role.MEMBER
    else:
        assert limited.pending is None


@machine
async def test_nobody_gets_more_rights_by_a_restore(world: World, tmp_path: Path) -> None:
    backup = await prepared(world, tmp_path)
    org = parse_org("acme")
    mia = world.people.mia.account
    memberships = world.registry.organizations.memberships
    await memberships.set_member(org, mia, Role.MAINTAINER, by=OPERATOR)
    data, _ = await restored_after(world, tmp_path, backup)
    async with records_of(data, world) as stores:
        membership = await stores.directory.get(Membership, Place("acme", mia.id))
    assert membership.role is Role.MEMBER


@machine
async def test_an_erased_account_is_not_there_again(world: World, tmp_path: Path) -> None:
    """Also of an administrator, whom nobody can erase on their own."""
    mia = world.people.mia.account
    await world.registry.administration.administrators.appoint(mia, by=OPERATOR)
    backup = await prepared(world, tmp_path)
    erasures = world.registry.administration.account_erasures
    current = await world.registry.identity.accounts.by_id(mia.id)
    await erasures.erase_now(current, "letter 12", by=OPERATOR)
    data, said = await restored_after(world, tmp_path, backup)
    assert f"- erased the account {mia.id}\n" in said
    assert "For you to decide" not in said
    async with records_of(data, world) as stores:
        assert await stores.directory.get(Account, Place(mia.id)) is None
        assert await stores.directory.list_by_subject(Membership, mia.id) == []
    result = await run_sync(Terminal(data, {"BALLROOM_URL": URL}).fail, "account", "add", "mia")
    assert "exists already" in result


@machine
async def test_former_names_that_the_backup_does_not_know_stay_taken(
    world: World, tmp_path: Path
) -> None:
    backup = await prepared(world, tmp_path)
    accounts = world.registry.identity.accounts
    erasures = world.registry.administration.account_erasures
    kim = await accounts.create("kim", by=OPERATOR)
    await erasures.erase_now(kim, "letter 12", by=OPERATOR)
    data, said = await restored_after(world, tmp_path, backup)
    assert "- kept 1 former names of accounts from others\n" in said
    assert "exists already" in await run_sync(
        Terminal(data, {"BALLROOM_URL": URL}).fail, "account", "add", "kim"
    )


@machine
async def test_a_restore_without_a_newer_list_says_what_that_means(
    world: World, tmp_path: Path
) -> None:
    backup = await prepared(world, tmp_path)
    await bad_day(world)
    said = await commands(tmp_path / "restored" / "data")("restore", str(backup))
    assert "No list of revocations was found that has acts after the backup." in said
    assert "ballroom revocations apply --after FILE" in said


@machine
async def test_a_restore_prints_the_number_after_which_followers_of_events_go_on(
    world: World, tmp_path: Path
) -> None:
    backup = await prepared(world, tmp_path)
    [*_, (last, _)] = await world.stores.events.since(0, 100)
    await bad_day(world)
    said = await commands(tmp_path / "restored" / "data")("restore", str(backup))
    assert f"The last event of the backup has the number {last}. " in said


@machine
async def test_lists_of_older_backups_are_not_newer_ones(world: World, tmp_path: Path) -> None:
    monday = await prepared(world, tmp_path)
    tuesday = monday.with_name("tuesday")
    await commands(world.registry.settings.data)("backup", str(tuesday))
    await bad_day(world)
    said = await commands(tmp_path / "restored" / "data")("restore", str(tuesday))
    assert "No list of revocations was found that has acts after the backup." in said
    assert "Nothing of the list of revocations had to be applied." not in said


@machine
async def test_the_list_of_a_folder_that_was_moved_away_beside_it_is_newer_without_new_acts(
    world: World, tmp_path: Path
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/hello:1.0.0"))
    await bad_day(world)
    here = world.registry.settings.data
    backup = tmp_path / "monday"
    await commands(here)("backup", str(backup))
    away = tmp_path / "restored" / "data.before"
    away.mkdir(parents=True)
    shutil.copy(here / REVOCATIONS, away)
    said = await commands(tmp_path / "restored" / "data")("restore", str(backup))
    assert said.startswith("Nothing of the list of revocations had to be applied.\n")


@machine
async def test_a_restored_snapshot_gets_the_list(world: World, tmp_path: Path) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/hello:1.0.0"))
    here = world.registry.settings.data
    name = (await commands(here)("snapshot", "take")).split()[1].rstrip(":")
    await bad_day(world)
    data = tmp_path / "other"
    said = await commands(data)("snapshot", "restore", name, "--from", str(here))
    assert "- quarantined acme/hello:1.0.0\n" in said
    assert "No list of revocations" not in said
    assert await state(data, world) == AFTER_IT


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
    registry = world.registry
    backup = tmp_path / "monday"
    await commands(registry.settings.data)("backup", str(backup))
    await registry.publishing.moderation.restore(HELLO, by=OPERATOR)
    await registry.administration.accounts.unlock(world.people.bob.account, by=OPERATOR)
    data = tmp_path / "restored" / "data"
    listed = registry.settings.data / REVOCATIONS
    said = await commands(data)("restore", str(backup), "--after", str(listed))
    assert "ballroom package restore acme/hello:1.0.0" in said
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


@machine
async def test_nobody_is_told_to_delete_a_folder_that_lost_its_database(
    world: World, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    (data / "keys").mkdir(parents=True)
    (data / "copy.lock").touch()
    settings = world.registry.settings.model_copy(update={"data": data})
    with pytest.raises(FolderUnusable, match="did not end") as refused:
        refuse_half_restored(settings)
    assert "Do not delete the folder" in str(refused.value)
    assert f"delete {data}" not in str(refused.value)


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


def role_limits(*entries: tuple[int, str, str, str]) -> RoleLimits:
    """Return the limits of entries: their times, acts, sources and roles."""
    limits = RoleLimits()
    for at_ms, act, source, role in entries:
        given = {"event": str(at_ms), "at_ms": at_ms, "act": act, "about": "record", "id": "1"}
        entry = Revocation.model_validate({**given, "source": source, "role": role})
        limits = limits.with_entry(entry)
    return limits


def test_roles_by_people_and_by_groups_are_limited_each_by_its_own_entry() -> None:
    limits = role_limits((1, "member.set", "", "member"), (2, "member.set", "groups", "owner"))
    assert limits.by_hand(Role.OWNER) is Role.MEMBER
    assert limits.by_groups(Role.MAINTAINER) is Role.MAINTAINER


def test_a_removal_ends_the_roles_that_were_not_given_after_it() -> None:
    limits = role_limits((1, "member.set", "groups", "owner"), (2, "member.removed", "", ""))
    assert limits.by_groups(Role.OWNER) is None
    again = role_limits((2, "member.removed", "", ""), (3, "member.set", "groups", "member"))
    assert again.by_groups(Role.OWNER) is Role.MEMBER
    assert again.by_hand(Role.OWNER) is None
