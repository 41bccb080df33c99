"""Erasure and export of an account by administrators and the operator."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync
from msgspec.structs import replace

from shared.adapters.backup import backup
from shared.domain.account_erasure import AccountErasure
from shared.domain.account_names import AccountName, RetiredName
from shared.domain.accounts import Account
from shared.domain.entities import Entity, Place
from shared.domain.errors.identity import AccountExists, NotPermitted
from shared.domain.errors.requests import Busy
from shared.domain.events import Event
from shared.domain.identities import Identity
from shared.domain.invitations import Invitation, invitation_id
from shared.domain.mail import EmailAddress
from shared.domain.memberships import Membership
from shared.domain.name_disputes import NOTICE_PERIOD, DisputeOutcome, NameDispute
from shared.domain.names import parse_org
from shared.domain.ownership import OwnershipRequest
from shared.domain.principals import OPERATOR
from shared.domain.proposals import Proposal, ProposedAct
from shared.domain.scopes import Role
from shared.services.adapters import Adapters
from shared.services.administration.account_erasure import ErasureReceipt
from shared.services.organizations.invitations import InvitationRequest
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.logs import capture_logs
from tests.support.port_doubles import Fault, PortOutage, Proceed, intercepted
from tests.support.refusals import raises_refusal
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

REASON = "Request 2026-31"
WHOAMI = f"{URL}/api/v1/whoami"


async def command(world: World, *arguments: str) -> str:
    """Run a command beside the registry, as another process would."""
    terminal = Terminal(world.registry.settings.data)
    return await run_sync(partial(terminal.run, *arguments, BALLROOM_URL=URL))


async def exists(world: World, person: Person) -> bool:
    return await world.stores.directory.get(Account, Place(person.account.id)) is not None


async def with_email(world: World, person: Person, email: str) -> Account:
    """Give somebody a mail address."""
    account = await world.registry.identity.accounts.by_id(person.account.id)
    return await world.stores.directory.replace(account.model_copy(update={"email": email}))


async def erasures_run(world: World) -> tuple[str, ...]:
    """Run the task, and return its problems."""
    report = await world.registry.maintenance.task_runner.run("erase-accounts")
    assert report is not None
    return report.problems


# --- the notice --------------------------------------------------------------------------------


async def test_an_account_is_erased_after_seven_days_of_notice_and_not_before(world: World) -> None:
    mia = world.people.mia
    erasures = world.registry.administration.account_erasures
    await with_email(world, mia, "mia@example.org")
    await erasures.announce(mia.account, REASON, by=OPERATOR)
    await world.registry.administration.account_erasures.account_mail.background_tasks.close()
    [mail] = world.mailer.sent
    assert "will be erased on" in mail.subject
    assert REASON in mail.text
    assert "/account/data" in mail.text
    world.clock.advance(timedelta(days=7) - timedelta(milliseconds=1))
    assert await erasures_run(world) == ()
    assert (await world.get(WHOAMI, by=mia)).status_code == 200
    world.clock.advance(timedelta(seconds=10))
    assert await erasures_run(world) == ()
    assert not await exists(world, mia)
    world.clock.advance(timedelta(seconds=5))
    assert (await world.get(WHOAMI, by=mia)).status_code == 401
    with pytest.raises(AccountExists):
        await world.registry.identity.accounts.create("MIA", by=OPERATOR)
    [(_, last), *_] = await world.stores.events.stream(f"account:{mia.account.id}", None, 1)
    assert (last.kind, last.subject) == ("account.deleted", mia.account.id)
    assert last.details == {"reason": REASON}
    assert await erasures.pending(mia.account.id) is None


async def test_the_notice_is_sent_by_the_task_where_a_store_was_unavailable(
    worlds: OpenWorld,
) -> None:
    outage = PortOutage({"directory": ("get",)})
    world = await worlds(wrap=outage.wrap)
    mia = world.people.mia
    await with_email(world, mia, "mia@example.org")
    await world.registry.administration.account_erasures.announce(mia.account, REASON, by=OPERATOR)
    with capture_logs() as logs:
        outage.lasts = True
        await world.registry.identity.account_mail.close()
        outage.lasts = False
    assert [(each["event"], each["reason"]) for each in logs] == [("mail.undelivered", "busy")]
    assert world.mailer.sent == []
    for _ in range(2):
        assert await erasures_run(world) == ()
        world.clock.advance(timedelta(hours=1))
    [mail] = world.mailer.sent
    assert "will be erased on" in mail.subject


async def test_a_second_erasure_keeps_the_time_of_the_first(world: World) -> None:
    mia = world.people.mia
    erasures = world.registry.administration.account_erasures
    first = await erasures.announce(mia.account, REASON, by=OPERATOR)
    world.clock.advance(timedelta(days=3))
    assert await erasures.announce(mia.account, "Again", by=OPERATOR) == first


async def test_the_person_and_administrators_cancel_an_erasure(
    world: World, admin: Browser
) -> None:
    mia = world.people.mia
    erasures = world.registry.administration.account_erasures
    await erasures.announce(mia.account, REASON, by=OPERATOR)
    own = await signed_in(world, mia, "/account/data")
    assert "This account will be erased on" in own.text
    await own.submit("/account/keep")
    assert "The erasure was canceled" in own.text
    await erasures.announce(mia.account, REASON, by=OPERATOR)
    page = f"/manage/accounts/{mia.account.id}"
    await admin.open(page)
    assert REASON in admin.text
    await admin.submit(f"{page}/keep")
    assert "The erasure was canceled" in admin.text
    world.clock.advance(timedelta(days=8))
    await erasures_run(world)
    assert await exists(world, mia)
    with raises_refusal("erasure-missing"):
        await erasures.cancel(mia.account, by=OPERATOR)


async def test_somebody_else_cancels_no_erasure_and_erases_nobody(world: World) -> None:
    mia = world.people.mia
    erasures = world.registry.administration.account_erasures
    await erasures.announce(mia.account, REASON, by=OPERATOR)
    bob = world.fresh(world.people.bob)
    with pytest.raises(NotPermitted):
        await erasures.cancel(mia.account, by=bob)
    with pytest.raises(NotPermitted):
        await erasures.erase_now(mia.account, REASON, by=bob)
    with pytest.raises(NotPermitted):
        await world.registry.administration.account_deletion.export_of(mia.account, by=bob)


# --- at once -----------------------------------------------------------------------------------


async def test_an_administrator_erases_an_account_on_its_page_and_reads_a_receipt(
    world: World, admin: Browser
) -> None:
    mia = world.people.mia
    page = f"/manage/accounts/{mia.account.id}"
    await admin.open(page)
    answer = await admin.submit(f"{page}/erase", name="mia", reason="", when="now")
    assert answer.status_code == 400
    assert "Enter a reason for the erasure of mia" in admin.text
    await admin.submit(f"{page}/erase", name="Mia", reason=REASON, when="now")
    assert await exists(world, mia)
    await admin.submit(f"{page}/erase", name="mia", reason=REASON, when="now")
    assert f"Erased the account {mia.account.id}" in admin.text
    assert "1 access token, 1 role in an organization" in admin.text
    assert "Backups and snapshots from before" in admin.text
    assert f'href="{URL}/docs/run-personal-data"' in admin.text
    assert not await exists(world, mia)


@pytest.mark.parametrize("reason", ["Letter of Mia", "mia@example.org asked"])
async def test_the_reason_of_an_erasure_names_nobody(world: World, reason: str) -> None:
    mia = world.people.mia
    account = await with_email(world, mia, "mia@example.org")
    with raises_refusal("reason-names-account", match="stays when the account is erased"):
        await world.registry.administration.account_erasures.erase_now(account, reason, by=OPERATOR)


async def test_the_last_administrator_is_not_erased_and_one_beside_others_is(world: World) -> None:
    admin = world.people.admin
    bob = world.people.bob
    administration = world.registry.administration
    erasures = administration.account_erasures
    for erase in (erasures.announce, erasures.erase_now):
        with raises_refusal("last-administrator", match="Appoint another one first"):
            await erase(admin.account, REASON, by=OPERATOR)
    await administration.administrators.appoint(bob.account, by=OPERATOR)
    await erasures.announce(admin.account, REASON, by=OPERATOR)
    await administration.administrators.dismiss(bob.account, REASON, by=OPERATOR)
    world.clock.advance(timedelta(days=8))
    [problem] = await erasures_run(world)
    assert "Appoint another one first" in problem
    await administration.administrators.appoint(bob.account, by=OPERATOR)
    assert await erasures_run(world) == ()
    assert [each.name for each in await administration.administrators.all()] == ["bob"]


async def test_the_receipt_names_organizations_that_have_no_owner_any_more(world: World) -> None:
    receipt = await world.registry.administration.account_erasures.erase_now(
        world.people.bob.account, REASON, by=OPERATOR
    )
    assert receipt.without_owner == ("other",)
    assert any("org add-member other NAME --role owner" in each for each in receipt.lines(""))


async def test_an_erasure_that_was_cut_off_is_finished_by_the_task(worlds: OpenWorld) -> None:
    fault = Fault("remove", Busy())
    world = await worlds(wrap=fault.at("directory"))
    mia = world.people.mia
    with pytest.raises(Busy):
        await world.registry.administration.account_erasures.erase_now(
            mia.account, REASON, by=OPERATOR
        )
    assert await exists(world, mia)
    with raises_refusal("erasure-begun"):
        await world.registry.administration.account_erasures.cancel(mia.account, by=OPERATOR)
    assert await erasures_run(world) == ()
    assert not await exists(world, mia)
    assert await world.stores.directory.list_all(AccountErasure, Place(""), 10) == []


async def stored_erasures(world: World) -> list[AccountErasure]:
    return await world.stores.directory.list_all(AccountErasure, Place(""), 10)


async def test_the_last_mail_is_sent_although_the_process_ended_after_the_account_was_removed(
    worlds: OpenWorld,
) -> None:
    has_ended = False

    async def intercept(_method: str, proceed: Proceed) -> Any:
        nonlocal has_ended
        if has_ended:
            raise Busy
        removed = await proceed()
        has_ended = isinstance(removed, Account)
        return removed

    def wrap(stores: Adapters) -> Adapters:
        directory = intercepted(stores.directory, intercept, ("remove", "list_by_owner"))
        return replace(stores, directory=directory)

    world = await worlds(wrap=wrap)
    account = await with_email(world, world.people.mia, "mia@example.org")
    with pytest.raises(Busy):
        await world.registry.administration.account_erasures.erase_now(account, REASON, by=OPERATOR)
    assert not await exists(world, world.people.mia)
    assert world.mailer.sent == []
    has_ended = False
    assert await erasures_run(world) == ()
    [mail] = world.mailer.to("mia@example.org")
    assert "erased" in mail.subject
    assert await stored_erasures(world) == []


async def test_the_last_mail_that_the_mail_server_refuses_is_sent_again_for_a_day(
    world: World,
) -> None:
    account = await with_email(world, world.people.mia, "mia@example.org")
    erasures = world.registry.administration.account_erasures
    await erasures.announce(account, REASON, by=OPERATOR)
    await erasures.account_mail.background_tasks.close()
    world.mailer.sent.clear()
    world.mailer.is_down = True
    receipt = await erasures.erase_now(account, REASON, by=OPERATOR)
    assert "keeps the address until the task erase-accounts has sent it" in str(receipt.lines(""))
    assert not await exists(world, world.people.mia)
    assert [each.address for each in await stored_erasures(world)] == ["mia@example.org"]
    world.clock.advance(timedelta(hours=1))
    await erasures_run(world)
    assert [each.address for each in await stored_erasures(world)] == ["mia@example.org"]
    world.mailer.is_down = False
    world.clock.advance(timedelta(hours=1))
    await erasures_run(world)
    assert len(world.mailer.sent) == 1
    assert await stored_erasures(world) == []


async def test_the_address_of_somebody_who_was_erased_is_forgotten_after_a_day(
    world: World,
) -> None:
    account = await with_email(world, world.people.mia, "mia@example.org")
    erasures = world.registry.administration.account_erasures
    await erasures.announce(account, REASON, by=OPERATOR)
    world.mailer.is_down = True
    await erasures.erase_now(account, REASON, by=OPERATOR)
    assert [each.address for each in await stored_erasures(world)] == ["mia@example.org"]
    world.clock.advance(timedelta(days=1))
    assert await erasures_run(world) == ()
    assert await stored_erasures(world) == []


async def test_the_own_deletion_that_was_cut_off_is_finished_by_the_task(worlds: OpenWorld) -> None:
    fault = Fault("forget_account", Busy())
    world = await worlds(wrap=fault.at("events"))
    mia = world.people.mia
    with pytest.raises(Busy):
        await world.registry.administration.account_deletion.delete(by=world.fresh(mia))
    assert not await exists(world, mia)
    assert await erasures_run(world) == ()
    events = await world.stores.events.stream(f"account:{mia.account.id}", None, 100)
    assert events
    assert not any(event.address or "name" in event.details for _, event in events)


async def async_iterator(found: Iterable[Entity]) -> AsyncIterator[Entity]:
    for each in found:
        yield each


@pytest.mark.parametrize("is_announced_again", [False, True])
async def test_an_erasure_that_is_canceled_while_the_task_runs_erases_nobody(
    worlds: OpenWorld, *, is_announced_again: bool
) -> None:
    async def cancel_after(_method: str, proceed: Proceed) -> Any:
        """Cancel the erasure when the task has read it."""
        found = [each async for each in await proceed()]
        if any(isinstance(each, AccountErasure) for each in found):
            await erasures.cancel(mia.account, by=OPERATOR)
            if is_announced_again:
                await erasures.announce(mia.account, REASON, by=OPERATOR)
        return async_iterator(found)

    def wrap(stores: Adapters) -> Adapters:
        directory = intercepted(stores.directory, cancel_after, ("read_all",))
        return replace(stores, directory=directory)

    world = await worlds(wrap=wrap)
    mia = world.people.mia
    erasures = world.registry.administration.account_erasures
    await erasures.announce(mia.account, REASON, by=OPERATOR)
    world.clock.advance(timedelta(days=8))
    assert await erasures_run(world) == ()
    assert await exists(world, mia)
    waiting = await erasures.pending(mia.account.id)
    assert (waiting is not None) == is_announced_again
    assert waiting is None or not waiting.has_begun


@dataclass
class WriteAfterRead:
    """After each read of entities of a kind by a method, somebody else writes."""

    method: str
    kind: type[Entity]
    write: Callable[[], Awaitable[object]]

    def wrap(self, stores: Adapters) -> Adapters:
        return replace(stores, directory=intercepted(stores.directory, self._read, (self.method,)))

    async def _read(self, _method: str, proceed: Proceed) -> Any:
        found = await proceed()
        if isinstance(next(iter(found), None) if isinstance(found, list) else found, self.kind):
            await self.write()
        return found


def identity_of(world: World, person: Person, name: str) -> Identity:
    """Return an identity of somebody that is not stored."""
    return Identity(
        issuer="https://login.test",
        identifier=f"subject of {name}",
        account=person.account.id,
        label=f"{name}@example.org",
        provider="oidc",
        linked_ms=world.clock.now_ms(),
    )


async def test_an_identity_that_is_changed_or_linked_meanwhile_is_erased_too(
    worlds: OpenWorld,
) -> None:
    async def write() -> None:
        """Change the listed identity as a sign-in does, and link another one."""
        directory = world.stores.directory
        if stored := await directory.get(Identity, known.place):
            await directory.replace(stored.model_copy(update={"groups": ("developers",)}))
        if linked.place not in written:
            written.add(linked.place)
            await directory.add(linked)

    written = set[Place]()
    world = await worlds(wrap=WriteAfterRead("list_by_subject", Identity, write).wrap)
    mia = world.people.mia
    known = identity_of(world, mia, "mia")
    linked = identity_of(world, mia, "mia2")
    await world.stores.directory.add(known)
    receipt = await erased(world, mia)
    assert await world.stores.directory.list_all(Identity, Place(""), 10) == []
    assert receipt.deleted["sign-in methods"] == 2


async def test_a_role_that_is_changed_meanwhile_ends_with_the_account(worlds: OpenWorld) -> None:
    async def change() -> None:
        directory = world.stores.directory
        [*found] = await directory.list_by_subject(Membership, mia.account.id)
        for each in found:
            if each.role is Role.MEMBER:
                await directory.replace(each.model_copy(update={"role": Role.MAINTAINER}))

    world = await worlds(wrap=WriteAfterRead("get", Membership, change).wrap)
    mia = world.people.mia
    await erased(world, mia)
    assert await world.stores.directory.list_by_subject(Membership, mia.account.id) == []


# --- what the other party needs ----------------------------------------------------------------

CLAIM = "Acme is our trademark, says Bob of bob@example.org."


async def disputed(world: World, text: str = CLAIM) -> NameDispute:
    """Let Bob claim the name of acme, and Ann answer for it; return the stored dispute."""
    disputes = world.registry.administration.name_disputes
    opened = await disputes.open("acme", text, by=world.fresh(world.people.bob))
    await disputes.state(
        opened.dispute.id, "We had it before Bob.", by=world.fresh(world.people.ann)
    )
    return await stored_dispute(world)


async def stored_dispute(world: World) -> NameDispute:
    [dispute] = await world.stores.directory.list_all(NameDispute, Place(""), 10)
    return dispute


async def erased(world: World, person: Person) -> ErasureReceipt:
    account = await world.stores.directory.get(Account, Place(person.account.id))
    assert account is not None
    erasures = world.registry.administration.account_erasures
    return await erasures.erase_now(account, REASON, by=OPERATOR)


async def test_the_claim_of_somebody_who_is_erased_is_withdrawn_and_its_words_go(
    world: World,
) -> None:
    bob = world.people.bob
    await with_email(world, bob, "bob@example.org")
    await with_email(world, world.people.ann, "ann@example.org")
    opened = await disputed(world)
    world.mailer.sent.clear()
    receipt = await erased(world, bob)
    assert receipt.deleted["name disputes without its words and name"] == 1
    dispute = await stored_dispute(world)
    assert dispute.withdrawn_ms is not None
    assert [each.text for each in dispute.statements] == [
        "These words were deleted with the account of the claimant.",
        "We had it before (a deleted account).",
    ]
    assert (dispute.claimant, dispute.opened_ms) == (bob.account.id, opened.opened_ms)
    told = [mail for mail in world.mailer.sent if "claim to the name was withdrawn" in mail.subject]
    assert [mail.to for mail in told] == ["ann@example.org"]
    assert "Somebody whose account was deleted withdrew the claim" in told[0].text
    page = await signed_in(world, world.people.ann, f"/account/disputes/{dispute.id}")
    assert "A deleted account" in page.text
    assert (await world.registry.administration.name_disputes.forget(bob.account, by=OPERATOR)) == 0


async def test_what_an_erased_owner_stated_for_the_organization_stays_without_the_name(
    world: World,
) -> None:
    ann = world.people.ann
    await with_email(world, ann, "ann@example.org")
    await disputed(world, "It was promised to us by Ann, ann@example.org.")
    await erased(world, ann)
    dispute = await stored_dispute(world)
    assert dispute.withdrawn_ms is None
    assert [(each.by, each.text) for each in dispute.statements] == [
        (
            world.people.bob.account.id,
            "It was promised to us by (a deleted account), (a deleted account).",
        ),
        (ann.account.id, "We had it before Bob."),
    ]


async def test_a_decision_stays_when_a_party_is_erased_and_its_appeal_loses_the_words(
    world: World,
) -> None:
    disputes = world.registry.administration.name_disputes
    bob = world.people.bob
    opened = await disputed(world)
    world.clock.advance(NOTICE_PERIOD)
    await disputes.decide(opened.id, DisputeOutcome.DENIED, "Bob came later.", by=OPERATOR)
    await disputes.appeal(opened.id, "I did not.", by=world.fresh(bob))
    await disputes.decide(opened.id, DisputeOutcome.DENIED, "Still later.", by=OPERATOR)
    await erased(world, bob)
    dispute = await stored_dispute(world)
    assert dispute.withdrawn_ms is None  # It was final.
    assert dispute.decision is not None
    assert dispute.decision.reason == "(a deleted account) came later."
    assert dispute.appeal is not None
    assert dispute.appeal.reason.startswith("These words were deleted")


async def test_invitations_of_and_to_an_erased_account_are_withdrawn(world: World) -> None:
    people = world.people
    invitations = world.registry.organizations.invitations
    await with_email(world, people.mia, "mia@example.org")
    for inviter, org, email in (
        (people.bob, "other", "kim@example.org"),
        (people.ann, "acme", "Mia@example.org"),
        (people.ann, "acme", "lee@example.org"),
    ):
        request = InvitationRequest.parse(Role.MEMBER, email, "")
        await invitations.invite(parse_org(org), request, by=world.fresh(inviter))
    await erased(world, people.mia)
    receipt = await erased(world, people.bob)
    assert receipt.deleted["invitations"] == 1
    left = await world.stores.directory.list_all(Invitation, Place(""), 10)
    assert [each.id for each in left] == [invitation_id("acme", EmailAddress("lee@example.org"))]


async def test_an_organization_that_an_erasure_leaves_without_an_owner_is_found_at_once(
    world: World,
) -> None:
    bob = world.people.bob
    await world.registry.administration.accounts.lock(bob.account, "It was stolen.", by=OPERATOR)
    ownerless = world.registry.organizations.ownerless
    assert ("bob is locked",) in [each.reasons for each in await ownerless.stored()]
    await erased(world, bob)
    [found] = [each for each in await ownerless.stored() if each.org == "other"]
    assert found.reasons == ("nobody is an owner",)
    feed = await world.stores.events.newest(None, 100)
    [event] = [event for _, event in feed if event.kind == "organization.ownerless"]
    assert "bob" not in event.model_dump_json()


async def test_the_request_of_an_erased_account_for_an_ownership_ends(world: World) -> None:
    now_ms = world.clock.now_ms()
    mia = world.people.mia
    request = OwnershipRequest(
        org="acme",
        account=mia.account.id,
        reason="Ann left.",
        requested_ms=now_ms,
        notice_until_ms=now_ms,
    )
    await world.stores.directory.add(request)
    await erased(world, mia)
    assert await world.stores.directory.list_all(OwnershipRequest, Place(""), 10) == []


async def test_what_the_token_of_an_erased_administrator_proposed_waits_under_its_id(
    world: World, admin: Browser
) -> None:
    mia = world.people.mia
    proposal = Proposal(
        id="aB3dE6gH9k",
        act=ProposedAct.RESERVE_NAME,
        about="evil*",
        reason="It imitates others.",
        by=mia.account.id,
        created_ms=world.clock.now_ms(),
    )
    await world.stores.directory.add(proposal)
    await erased(world, mia)
    await admin.open("/manage/proposals")
    assert mia.account.id in admin.text
    assert "It imitates others." in admin.text


# --- commands ----------------------------------------------------------------------------------


@one_machine("its commands find a data folder")
async def test_the_operator_exports_an_account_to_a_file_and_to_the_terminal(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "mia.json"
    printed = await command(world, "account", "export", "mia")
    assert json.loads(printed)["name"] == "mia"
    assert f"to {file}" in await command(world, "account", "export", "mia", str(file))
    assert json.loads(file.read_text())["organizations"][0]["org"] == "acme"
    assert file.stat().st_mode & 0o077 == 0
    terminal = Terminal(world.registry.settings.data)
    refused = await run_sync(partial(terminal.fail, "account", "export", "mia", str(file)))
    assert refused == f"{file} exists already. Name another file."
    log = await world.stores.events.stream(f"account:{world.people.mia.account.id}", None, 3)
    kinds = [event.kind for _, event in log]
    assert kinds[:2] == ["account.exported", "account.exported"]
    assert kinds[2] != "account.exported"  # The refused export wrote nothing.


@one_machine("its commands find a data folder")
async def test_the_operator_erases_an_account_by_a_command(world: World) -> None:
    later = await command(world, "account", "erase", "mia", "--reason", REASON)
    assert "account keep mia" in later
    assert "will not be erased" in await command(world, "account", "keep", "mia")
    receipt = await command(world, "account", "erase", "mia", "--reason", REASON, "--now")
    assert receipt.startswith(f"Erased the account {world.people.mia.account.id} at ")
    assert not await exists(world, world.people.mia)


# --- what is left ------------------------------------------------------------------------------


@one_machine("it reads the files of a data folder")
async def test_nothing_in_an_aged_store_its_backup_or_its_log_names_a_person_who_is_gone(
    worlds: OpenWorld, tmp_path: Path
) -> None:
    """Mia renamed herself and deleted her account, Bob was erased, and Ann stays: of her no
    address and no browser is left after a year."""
    world = await worlds(trusted_proxies="127.0.0.1")
    people = world.people
    administration = world.registry.administration
    names = ["mia", "quetzalcoatl", "melusine", "kims-old-laptop", "mia@example.org"]
    addresses = ["198.51.100.21", "198.51.100.22", "198.51.100.23", "Netscape-Navigator-4"]
    with capture_logs() as logged:
        for person, address in zip((people.mia, people.bob, people.ann), addresses, strict=False):
            browser = await signed_in(world, person, address=address)
            await browser.open("/account/sessions")
            headers = {"X-Forwarded-For": address, "User-Agent": addresses[3]}
            await world.get(WHOAMI, by=person, headers=headers)
        mia = await with_email(world, people.mia, "mia@example.org")
        mia = await world.registry.identity.accounts.rename(mia, "quetzalcoatl", by=OPERATOR)
        mia = await world.registry.identity.accounts.rename(mia, "melusine", by=OPERATOR)
        wanted = {"name": "kims-old-laptop", "scopes": ["read"]}
        await world.send("POST", f"{URL}/api/v1/tokens", by=people.mia, json=wanted)
        await world.push(bala("acme/greet:1.0.0"), by=people.ann)
        await administration.accounts.lock(mia, "melusine lost a laptop", by=OPERATOR)
        await administration.accounts.unlock(mia, by=OPERATOR)
        stored = " ".join(found(world, [*names, *addresses]))
        assert [each for each in [*names, *addresses] if each not in stored] == []
        await administration.account_deletion.delete(by=world.fresh(people.mia))
        world.clock.advance(timedelta(hours=1))  # So long limits count requests of an address.
        await world.registry.maintenance.task_runner.run("delete-expired-records")
        await administration.account_erasures.erase_now(
            people.bob.account, REASON, by=world.fresh(people.admin)
        )
        assert found(world, [*names, *addresses[:2]]) == []  # At once.
        world.clock.advance(timedelta(days=400))
        for task in ("process-outboxes", "delete-expired-records", "anonymize-events"):
            await world.registry.maintenance.task_runner.run(task)
    assert found(world, [*names, *addresses]) == []
    backup(world.registry.settings.data, tmp_path / "backup")
    assert left(tmp_path / "backup", [*names, *addresses]) == []
    text = json.dumps(logged, default=str)
    assert [each for each in ['"mia"', *names[1:], *addresses] if each in text] == []


def found(world: World, texts: list[str]) -> list[str]:
    return left(world.registry.settings.data, texts)


def left(folder: Path, texts: list[str]) -> list[str]:
    """Return which of the texts are in which file; a name of three letters is looked up as JSON."""
    return [
        f"{text} in {file.name}"
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for content in [file.read_bytes()]
        for text in texts
        if (f'"{text}"' if len(text) < 4 else text).encode() in content
    ]


async def test_former_names_of_an_earlier_version_are_hashed_and_their_events_forget_them(
    world: World,
) -> None:
    directory = world.stores.directory
    events = world.stores.events
    created = Event(
        id="e",
        kind="account.created",
        at_ms=1,
        actor="gone000000",
        subject="gone000000",
        account="gone000000",
        address="192.0.2.9",
        details={"name": "Zebulon"},
    )
    await events.append([created])
    await directory.add(
        AccountName(name="Zebulon", account="gone000000", created_ms=1, is_retired=True)
    )
    assert await erasures_run(world) == ()
    names = await directory.list_all(AccountName, Place(""), 100)
    assert "Zebulon" not in [each.name for each in names]
    [retired] = await directory.list_all(RetiredName, Place(""), 100)
    assert "zebulon" not in retired.model_dump_json().lower()
    [(_, event)] = await events.stream("account:gone000000", None, 10)
    assert (event.address, event.details) == ("", {})
    with pytest.raises(AccountExists):
        await world.registry.identity.accounts.create("zebulon", by=OPERATOR)


async def test_the_only_owner_who_deletes_the_own_account_is_still_refused(world: World) -> None:
    memberships = world.registry.organizations.memberships
    with raises_refusal("last-owner"):
        await world.registry.administration.account_deletion.delete(
            by=world.fresh(world.people.bob)
        )
    members = await memberships.members(parse_org("other"), by=OPERATOR)
    assert [each.membership.role for each in members] == [Role.OWNER]
    assert await world.stores.directory.list_all(AccountErasure, Place(""), 10) == []
