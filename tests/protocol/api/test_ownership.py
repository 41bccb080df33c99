"""Organizations without an owner who can sign in: who sees them, and how a member becomes owner."""

from datetime import timedelta
from functools import partial

import pytest
from anyio.to_thread import run_sync

from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.requests import Busy
from shared.domain.identities import Identity
from shared.domain.memberships import GroupRole, Membership, member_place
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from tests.support.browsers import Browser, signed_in
from tests.support.port_doubles import Fault
from tests.support.storage import one_instance, one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
REQUESTS = f"{URL}/api/v1/orgs/acme/ownership-requests"


def wait(world: World, **time: float) -> None:
    world.clock.advance(timedelta(**time))


async def review(world: World) -> None:
    await world.registry.maintenance.task_runner.run("find-ownerless-organizations")


async def lock(world: World, person: Person) -> None:
    accounts = world.registry.administration.accounts
    await accounts.lock(person.account, "Its laptop was stolen.", by=OPERATOR)


async def reasons(world: World) -> dict[str, tuple[str, ...]]:
    found = await world.registry.organizations.ownerless.stored()
    return {each.org: each.reasons for each in found}


async def change(world: World, person: Person, **fields: object) -> None:
    """Change the account of somebody as it is stored."""
    directory = world.stores.directory
    stored = await directory.get(Account, Place(person.account.id))
    assert stored is not None
    await directory.replace(stored.model_copy(update=fields))


async def join(world: World, person: Person, role: Role = Role.MEMBER) -> None:
    memberships = world.registry.organizations.memberships
    await memberships.set_member(ACME, person.account, role, by=OPERATOR, reason="Ann left.")


async def ask(world: World, person: Person, reason: str = "Ann left.") -> tuple[int, str]:
    """Ask for the ownership of acme by the API; return the status and the code."""
    browser = await signed_in(world, person)
    path = "/api/v1/orgs/acme/ownership-requests"
    answer = await browser.api("POST", path, {"reason": reason})
    return answer.status_code, answer.json().get("error", {}).get("code", "")


async def decide(world: World, person: Person, decision: str) -> tuple[int, str]:
    browser: Browser = await signed_in(world, world.people.admin)
    path = f"/api/v1/orgs/acme/ownership-requests/{person.account.name}/decision"
    answer = await browser.api("POST", path, {"decision": decision, "reason": "Ann left."})
    code = answer.json()["error"]["code"] if answer.status_code != 204 else ""
    return answer.status_code, code


async def role(world: World, person: Person) -> Role | None:
    place = member_place("acme", person.account.id)
    found = await world.stores.directory.get(Membership, place)
    return found.role_at(world.clock.now_ms()) if found else None


# --- Which organizations these are ---------------------------------------------------------------


async def test_an_organization_whose_only_owner_is_locked_is_on_manage_at_once(
    world: World,
) -> None:
    await lock(world, world.people.ann)
    admin = await signed_in(world, world.people.admin, "/manage")
    assert "Organizations without an owner who can sign in: acme (ann is locked)" in admin.text
    await admin.open("/manage/ownership")
    assert "ann is locked" in admin.text
    await world.registry.administration.accounts.unlock(world.people.ann.account, by=OPERATOR)
    await admin.open("/manage")
    assert "without an owner" not in admin.text


async def test_an_organization_with_another_owner_is_not_listed(world: World) -> None:
    await join(world, world.people.bob, Role.OWNER)
    await lock(world, world.people.ann)
    await review(world)
    assert "acme" not in await reasons(world)


async def test_an_owner_without_identity_and_session_for_90_days_is_gone(world: World) -> None:
    await signed_in(world, world.people.ann)
    wait(world, days=89)
    await review(world)
    assert "acme" not in await reasons(world)
    wait(world, days=2)
    await review(world)
    [reason] = (await reasons(world))["acme"]
    assert reason == "ann has no sign-in method and had no session for 90 days"
    await signed_in(world, world.people.ann)
    await review(world)
    assert "acme" not in await reasons(world)


async def test_maintainers_get_the_mail_of_an_organization_whose_owner_is_gone(
    world: World,
) -> None:
    await join(world, world.people.bob, Role.MAINTAINER)
    await change(world, world.people.ann, email="ann@example.org")
    await change(world, world.people.bob, email="bob@example.org")
    decisions = world.registry.administration.accounts.decision_mail
    await decisions.send_to_organization("acme", "Something was decided", "Because.")
    assert [mail.to for mail in world.mailer.sent] == ["ann@example.org"]
    wait(world, days=91)
    await review(world)
    world.mailer.sent.clear()
    await decisions.send_to_organization("acme", "Something was decided", "Because.")
    assert {mail.to for mail in world.mailer.sent} == {"ann@example.org", "bob@example.org"}


async def test_an_owner_with_an_identity_is_never_gone(world: World) -> None:
    account = world.people.ann.account.id
    identity = Identity(
        issuer="https://login.test",
        identifier="ann",
        account=account,
        label="ann",
        provider="oidc",
        linked_ms=0,
    )
    await world.stores.directory.add(identity)
    wait(world, days=200)
    await review(world)
    assert "acme" not in await reasons(world)


async def test_the_role_of_an_owner_by_a_group_that_ran_out_is_named(world: World) -> None:
    directory = world.stores.directory
    now_ms = world.clock.now_ms()
    stored = await directory.get(Membership, member_place("acme", world.people.ann.account.id))
    assert stored is not None
    group = GroupRole(role=Role.OWNER, until_ms=now_ms - 1, groups=("oidc:owners",))
    await directory.replace(stored.model_copy(update={"group": group}))
    await review(world)
    [reason] = (await reasons(world))["acme"]
    assert reason.startswith("the role of ann by a group ended ")


@one_machine("its commands find a data folder")
@one_instance("a command changes the folder of the world")
async def test_doctor_advises_and_the_command_lists(world: World) -> None:
    terminal = Terminal(world.registry.settings.data)
    await lock(world, world.people.ann)
    result = await run_sync(partial(terminal.invoke, "doctor"))
    [line] = [each for each in result.stdout.splitlines() if " owners " in each]
    assert line.startswith("advice")
    assert "acme (ann is locked)" in line
    assert "ann is locked" in await run_sync(partial(terminal.run, "org", "without-owner"))


async def test_members_get_mail_once_and_again_after_30_days(world: World) -> None:
    await change(world, world.people.bob, email="bob@example.org")
    await join(world, world.people.bob)
    await lock(world, world.people.ann)

    def mails() -> int:
        subject = "acme has no owner who can sign in"
        sent = [each for each in world.mailer.sent if each.subject == subject]
        assert {each.to for each in sent} <= {"bob@example.org"}
        return len(sent)

    assert mails() == 1
    wait(world, days=29)
    await review(world)
    assert mails() == 1
    wait(world, days=1)
    await review(world)
    assert mails() == 2
    for _ in range(4):
        wait(world, days=30)
        await review(world)
    assert mails() == 2


# --- Asking and deciding -------------------------------------------------------------------------


async def test_a_member_of_30_days_becomes_owner_after_seven_days_of_notice(world: World) -> None:
    bob = world.people.bob
    await change(world, world.people.ann, email="ann@example.org")
    await join(world, bob)
    wait(world, days=30)
    await lock(world, world.people.ann)
    assert await ask(world, bob) == (201, "")
    assert await ask(world, bob, "Again.") == (201, "")
    [mail] = [each for each in world.mailer.sent if "asks for the ownership" in each.subject]
    assert mail.to == "ann@example.org"
    assert "Ann left." in mail.text
    listed = (await world.get(REQUESTS, by=bob)).json()["requests"]
    assert [(each["account"], each["reason"]) for each in listed] == [("bob", "Ann left.")]
    assert await decide(world, bob, "grant") == (409, "notice-running")
    wait(world, days=7)
    assert await decide(world, bob, "grant") == (204, "")
    assert await role(world, bob) is Role.OWNER
    assert "acme" not in await reasons(world)
    assert (await world.get(REQUESTS, by=bob)).json()["requests"] == []


async def test_a_grant_that_was_cut_off_is_finished_by_a_repeat(worlds: OpenWorld) -> None:
    fault = Fault("remove", Busy(), nth=0)
    world = await worlds(wrap=fault.at("directory"))
    bob = world.people.bob
    await join(world, bob)
    wait(world, days=30)
    await lock(world, world.people.ann)
    await ask(world, bob)
    wait(world, days=7)
    fault.nth = fault.calls + 1  # The request is removed after the grant.
    status, _ = await decide(world, bob, "grant")
    assert status == 503
    assert await role(world, bob) is Role.OWNER
    assert await decide(world, bob, "grant") == (204, "")
    events = await world.stores.events.stream("org:acme", None, 50)
    assert [each.kind for _, each in events].count("ownership.granted") == 1


@pytest.mark.parametrize("code", ["not-member-long-enough", "account-locked"])
async def test_nobody_becomes_owner_who_left_or_was_locked_after_asking(
    world: World, code: str
) -> None:
    bob = world.people.bob
    await join(world, bob)
    wait(world, days=30)
    await lock(world, world.people.ann)
    assert await ask(world, bob) == (201, "")
    if code == "not-member-long-enough":
        await world.registry.organizations.memberships.remove_member(
            ACME, bob.account, by=OPERATOR, reason="Bob left the company."
        )
    else:
        await lock(world, bob)
    wait(world, days=7)
    assert await decide(world, bob, "grant") == (403, code)
    assert await role(world, bob) is not Role.OWNER
    assert await decide(world, bob, "refuse") == (204, "")


async def test_a_request_is_refused_at_any_time(world: World) -> None:
    bob = world.people.bob
    await join(world, bob)
    wait(world, days=30)
    await lock(world, world.people.ann)
    await ask(world, bob)
    assert await decide(world, bob, "refuse") == (204, "")
    assert await role(world, bob) is Role.MEMBER
    assert await decide(world, bob, "refuse") == (404, "nothing-requested")


async def test_somebody_who_is_member_for_less_than_30_days_may_not_ask(world: World) -> None:
    await join(world, world.people.bob)
    wait(world, days=29)
    await lock(world, world.people.ann)
    assert await ask(world, world.people.bob) == (403, "not-member-long-enough")
    wait(world, days=1)
    assert await ask(world, world.people.bob) == (201, "")


async def test_another_role_does_not_begin_the_30_days_again(world: World) -> None:
    await join(world, world.people.bob)
    wait(world, days=25)
    await join(world, world.people.bob, Role.MAINTAINER)
    wait(world, days=5)
    await lock(world, world.people.ann)
    assert await ask(world, world.people.bob) == (201, "")


async def test_nobody_asks_while_an_owner_can_sign_in(world: World) -> None:
    await signed_in(world, world.people.ann)
    await join(world, world.people.bob)
    wait(world, days=30)
    assert await ask(world, world.people.bob) == (409, "owner-can-sign-in")


async def test_outsiders_do_not_see_requests_for_ownership(world: World) -> None:
    await lock(world, world.people.ann)
    assert (await ask(world, world.people.bob))[0] == 404
    assert (await world.get(REQUESTS, by=world.people.bob)).status_code == 404


async def test_a_request_needs_a_reason(world: World) -> None:
    await join(world, world.people.bob)
    wait(world, days=30)
    await lock(world, world.people.ann)
    assert await ask(world, world.people.bob, " ") == (400, "reason-missing")


async def test_an_owner_who_can_sign_in_again_ends_the_requests(world: World) -> None:
    await join(world, world.people.bob)
    wait(world, days=30)
    await lock(world, world.people.ann)
    await ask(world, world.people.bob)
    await world.registry.administration.accounts.unlock(world.people.ann.account, by=OPERATOR)
    wait(world, days=7)
    assert await decide(world, world.people.bob, "grant") == (404, "nothing-requested")


async def test_members_ask_and_administrators_decide_on_pages(world: World) -> None:
    bob = world.people.bob
    await join(world, bob)
    wait(world, days=30)
    page = await signed_in(world, bob, "/account/organizations/acme")
    assert "Ask for the ownership" not in page.text
    await lock(world, world.people.ann)
    await page.open("/account/organizations/acme")
    assert "No owner of acme can sign in" in page.text
    path = "/account/organizations/acme/ownership"
    await page.submit(path, **{"ownership-reason": ""})
    assert "Enter a reason" in page.text
    await page.submit(path, **{"ownership-reason": "I maintain it."})
    assert "bob asked for the ownership" in page.text
    admin = await signed_in(world, world.people.admin, "/manage/ownership")
    assert "bob asks for acme" in admin.text
    assert "Make bob owner" not in admin.text
    wait(world, days=7)
    admin = await signed_in(world, world.people.admin, "/manage/ownership")
    fields = {"org": "acme", "account": bob.account.id, "reason": "Ann left."}
    await admin.submit("/manage/ownership", decision="grant", **fields)
    assert await role(world, bob) is Role.OWNER


async def test_nobody_but_administrators_reads_every_request(world: World) -> None:
    for path in ("ownership-requests", "ownerless-organizations"):
        address = f"{URL}/api/v1/{path}"
        assert (await world.get(address, by=world.people.bob)).status_code == 403
        assert (await world.get(address, by=world.people.admin)).status_code == 200
