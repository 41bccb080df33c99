"""Who administers the registry."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.composition import Registry
from shared.domain.accounts import Account, AccountLock, AccountName, Identity
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    NotPermitted,
    SignInAgain,
)
from shared.domain.events import EventQuery
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.members import Membership
from shared.domain.names import Coordinate, Package, parse_org
from shared.domain.records import Place
from shared.domain.rights import Grant, Role
from shared.services.administration.administration import MAX_ACCOUNTS_FOUND
from tests.support.refusals import raises_refusal
from tests.support.services import (
    ADA,
    KIM,
    LEE,
    URL,
    AdministrationServices,
    session_of,
    token_of,
)
from tests.support.world import World

AS_ADMINISTRATOR = {"administrator": True}


@pytest.fixture
def services() -> AdministrationServices:
    """Return a registry that ada administers."""
    return AdministrationServices()


def running(services: AdministrationServices) -> set[str]:
    return {each.name for each in services.directory.every(Account) if each.administrator}


async def test_all_administrators_are_notified_of_a_new_one(
    services: AdministrationServices,
) -> None:
    await services.administrators.appoint(KIM, by=services.ada)
    assert running(services) == {"ada", "kim"}
    assert {each.to for each in services.mailer.sent} == {ADA.email, KIM.email}
    assert "ada made a change: kim is an administrator" in services.mailer.sent[0].text
    [event] = services.events_of(KIM)
    assert (event.kind, event.actor) == ("account.appointed", ADA.id)


async def test_a_repeat_changes_nothing(services: AdministrationServices) -> None:
    await services.administrators.appoint(ADA, by=OPERATOR)
    await services.administrators.dismiss(KIM, by=OPERATOR)
    assert (services.events.feed, services.mailer.sent) == ([], [])


async def test_one_of_two_administrators_who_dismiss_each_other_at_once_remains(
    services: AdministrationServices,
) -> None:
    await services.directory.put(KIM.model_copy(update=AS_ADMINISTRATOR))
    outcomes = await asyncio.gather(
        services.administrators.dismiss(KIM, by=services.ada),
        services.administrators.dismiss(ADA, by=services.signed_in(KIM)),
        return_exceptions=True,
    )
    assert len(running(services)) == 1
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], NotPermitted)


async def test_the_mail_and_the_event_say_who_decided_what(
    services: AdministrationServices,
) -> None:
    await services.administrators.appoint(KIM, by=OPERATOR)
    text = (
        "The operator made a change: kim is an administrator of the registry at "
        f"{URL}.\n\nIf this is unexpected, check who is an administrator: "
        f"{URL}/manage/accounts\n"
    )
    shown = {(each.subject, each.text) for each in services.mailer.sent}
    assert shown == {("kim is an administrator", text)}
    [event] = services.events_of(KIM)
    assert (event.subject, event.actor, event.details) == (KIM.id, "operator", {"name": "kim"})


async def test_a_deleted_account_is_neither_appointed_nor_dismissed(
    services: AdministrationServices,
) -> None:
    await services.delete_account(KIM)
    for attempt in (
        services.administrators.appoint(KIM, by=OPERATOR),
        services.administrators.dismiss(KIM, by=OPERATOR),
    ):
        with raises_refusal("account-not-found", match=r"^account not found: kim$"):
            await attempt


async def test_a_refusal_names_the_account_that_is_locked_or_the_last(
    services: AdministrationServices,
) -> None:
    lock = AccountLock(at_ms=0, by="operator", reason="Stolen.")
    await services.directory.put(KIM.model_copy(update={"lock": lock}))
    with raises_refusal("account-locked", match=r"^The account kim is locked"):
        await services.administrators.appoint(KIM, by=OPERATOR)
    with raises_refusal("last-administrator", match=r"^ada is the only administrator"):
        await services.administrators.dismiss(ADA, by=OPERATOR)


# --- accounts -------------------------------------------------------------------------------------


QUERY = EventQuery()


@pytest.fixture
async def named() -> AdministrationServices:
    """Return a registry in which every account has its name."""
    return AdministrationServices.with_names()


async def test_somebody_is_shown_with_all_but_secrets(
    named: AdministrationServices,
) -> None:
    identity = Identity(
        issuer="https://login.test", identifier="1", account=KIM.id, label="kim@corp",
        provider="oidc", linked_ms=1,
    )  # fmt: skip
    member = Membership(org="acme", account=KIM.id, role=Role.OWNER)
    over = session_of(KIM, "over").model_copy(update={"expires_ms": 0})
    for each in (identity, member, token_of(KIM), session_of(KIM), over):
        await named.directory.add(each)
    person = await named.account_administration.show(KIM.id, QUERY, by=named.ada)
    assert person.account == KIM
    assert (person.identities, person.memberships) == ((identity,), (member,))
    assert [each.token.id for each in person.tokens] == ["token"]
    assert [each.id for each in person.sessions] == ["session"]
    assert (person.log.events, person.locked_by) == ((), "")


async def test_a_search_finds_a_bounded_number_of_accounts(named: AdministrationServices) -> None:
    for number in range(MAX_ACCOUNTS_FOUND + 5):
        account = KIM.model_copy(update={"id": f"many{number:06}", "name": f"many-{number:02}"})
        await named.directory.add(account)
        claim = AccountName(name=account.name, account=account.id, created_ms=0)
        await named.directory.add(claim)
    assert (
        len((await named.account_administration.search("many-", by=OPERATOR)).rows)
        == MAX_ACCOUNTS_FOUND
    )
    same_mail = (await named.account_administration.search(KIM.email, by=OPERATOR)).rows
    assert len(same_mail) == MAX_ACCOUNTS_FOUND


async def test_whether_an_administrator_is_signed_in_counts_sessions_that_have_not_ended(
    named: AdministrationServices,
) -> None:
    assert not await named.account_administration.is_administrator_signed_in(by=OPERATOR)
    over = session_of(ADA, "over").model_copy(update={"expires_ms": 0})
    for each in (over, session_of(KIM)):
        await named.directory.add(each)
    assert not await named.account_administration.is_administrator_signed_in(by=OPERATOR)
    await named.directory.add(session_of(ADA, "current"))
    assert await named.account_administration.is_administrator_signed_in(by=OPERATOR)


# --- creating accounts, and looking at one token ------------------------------------------------


@pytest.mark.parametrize("name", ["admin", "a b", "aB3dE6gH9k"])
async def test_a_person_gets_no_name_that_seems_official_or_like_an_id(
    named: AdministrationServices, name: str
) -> None:
    with pytest.raises(InvalidRequest):
        await named.account_administration.create(name, by=named.ada)


async def test_a_token_is_shown_to_administrators_alone(
    named: AdministrationServices,
) -> None:
    await named.directory.add(token_of(KIM))
    found = await named.account_administration.token(KIM, "token", by=named.ada)
    assert found.token.owner == KIM.id
    with pytest.raises(NotPermitted):
        await named.account_administration.token(KIM, "token", by=named.signed_in(LEE))


# --- locks ----------------------------------------------------------------------------------------


WHY = "Its laptop was stolen."


@pytest.fixture
async def in_use() -> AdministrationServices:
    """Return a registry in which kim has sessions and tokens, and lee has some as well."""
    in_use = AdministrationServices()
    for each in (session_of(KIM), session_of(KIM, "other"), session_of(LEE, "of lee")):
        await in_use.directory.add(each)
    for each in (token_of(KIM), token_of(KIM, "other"), token_of(LEE, "of lee")):
        await in_use.directory.add(each)
    return in_use


async def there(in_use: AdministrationServices, account: Account) -> Account:
    """Return an account as it is stored."""
    found = await in_use.directory.get(Account, Place(account.id))
    assert found
    return found


async def test_a_locked_account_is_unlocked_once(in_use: AdministrationServices) -> None:
    await in_use.account_administration.lock(KIM, WHY, by=in_use.ada)
    in_use.clear_calls()
    for _ in range(2):
        await in_use.account_administration.unlock(KIM, by=in_use.ada)
    assert not (await there(in_use, KIM)).is_locked
    assert in_use.events.kinds() == ["account.unlocked"]
    [mail] = in_use.mailer.sent
    assert mail.subject == "kim: your account is unlocked"
    assert f"{URL}/" in mail.text


async def test_one_of_two_administrators_who_lock_each_other_at_once_remains(
    in_use: AdministrationServices,
) -> None:
    await in_use.directory.put(LEE.model_copy(update={"administrator": True}))
    outcomes = await asyncio.gather(
        in_use.account_administration.lock(LEE, WHY, by=in_use.ada),
        in_use.account_administration.lock(ADA, WHY, by=in_use.signed_in(LEE)),
        return_exceptions=True,
    )
    locked = [each for each in in_use.directory.every(Account) if each.is_locked]
    assert len(locked) == 1
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert all(isinstance(each, NotPermitted) for each in refused)
    assert len(refused) == 1


# --- rights ---------------------------------------------------------------------------------------


PACKAGE = Package.parse("acme", "greet")
COORDINATE = Coordinate.parse("acme", "greet", "1.0.0")
ACME, NEW = parse_org("acme"), parse_org("globex")
LOG = EventQuery()

Attempt = Callable[[Registry, World, Principal], Awaitable[object]]

LOOKING: tuple[tuple[str, Attempt], ...] = (
    ("look at the notice of the registry", lambda r, _, by: r.limits.notices.current(by=by)),
    ("list every organization", lambda r, _, by: r.administration.organizations.page("", 1, by=by)),
    ("list every organization", lambda r, _, by: r.administration.organizations.search("a", by=by)),
    (
        "see the organization acme",
        lambda r, _, by: r.administration.organizations.show(ACME, by=by),
    ),
    ("read what is withheld", lambda r, _, by: r.publishing.moderation.withheld(by=by)),
    ("look at acme/greet", lambda r, _, by: r.publishing.moderation.survey(PACKAGE, by=by)),
    (
        "look at acme/greet:1.0.0",
        lambda r, _, by: r.publishing.moderation.inspect(COORDINATE, by=by),
    ),
    ("look at acme/greet:1.0.0", lambda r, _, by: r.publishing.moderation.find(COORDINATE, by=by)),
    (
        "list the names that nobody may found",
        lambda r, _, by: r.organizations.reserved_names.all(by=by),
    ),
    ("look up names", lambda r, _, by: r.organizations.reserved_names.look_up("acme", by=by)),
    ("list the accounts of others", lambda r, _, by: r.administration.accounts.page("", 1, by=by)),
    (
        "list the accounts of others",
        lambda r, _, by: r.administration.accounts.search("bob", by=by),
    ),
    (
        "list the accounts of others",
        lambda r, _, by: r.administration.accounts.list_administrators(by=by),
    ),
    (
        "see the accounts of others",
        lambda r, _, by: r.administration.accounts.show("bob", LOG, by=by),
    ),
    ("see how the registry is", lambda r, _, by: r.administration.status.report(by=by)),
    ("see the maintenance tasks", lambda r, _, by: r.administration.status.tasks(by=by)),
    ("see who has to wait", lambda r, _, by: r.administration.status.rate_limits(by=by)),
    (
        "read the log of another account",
        lambda r, _, by: r.administration.audit_log.of_other_account("bob", LOG, by=by),
    ),
)
CHANGING: tuple[tuple[str, Attempt], ...] = (
    (
        "found the organization globex for somebody",
        lambda r, w, by: r.administration.organizations.create(NEW, w.people.bob.account, by=by),
    ),
    (
        "change the names that nobody may found",
        lambda r, _, by: r.organizations.reserved_names.add("a", "B.", by=by),
    ),
    (
        "change the names that nobody may found",
        lambda r, _, by: r.organizations.reserved_names.remove("a", by=by),
    ),
    (
        "change whether the registry takes changes",
        lambda r, _, by: r.limits.notices.enter_read_only_mode("Moving house.", by=by),
    ),
    (
        "change whether the registry takes changes",
        lambda r, _, by: r.limits.notices.leave_read_only_mode(by=by),
    ),
    ("change the notice of the registry", lambda r, _, by: r.limits.notices.publish("x", by=by)),
    ("change the notice of the registry", lambda r, _, by: r.limits.notices.end(by=by)),
    (
        "run maintenance tasks",
        lambda r, _, by: r.maintenance.task_requests.request("audit-archives", by=by),
    ),
)


def cases(*attempts: tuple[str, Attempt]) -> pytest.MarkDecorator:
    """Return a case for each attempt."""
    ids = [f"{number} {what}" for number, (what, _) in enumerate(attempts)]
    return pytest.mark.parametrize(("what", "attempt"), attempts, ids=ids)


def of(account_id: str) -> Principal:
    """Return somebody whose credential manages everything, and who signed in long ago."""
    return Principal(account_id, "session", (Grant(),))


@cases(*LOOKING, *CHANGING)
async def test_others_read_which_right_they_lack(world: World, what: str, attempt: Attempt) -> None:
    with pytest.raises(NotPermitted) as refused:
        await attempt(world.registry, world, of(world.people.ann.account.id))
    sentence = f"You may not {what}: only administrators of the registry can do this."
    assert str(refused.value) == sentence


async def test_an_anonymous_caller_reads_that_a_credential_is_missing(world: World) -> None:
    for _, attempt in (*LOOKING, *CHANGING):
        with raises_refusal("credentials-missing"):
            await attempt(world.registry, world, ANONYMOUS)


@cases(*CHANGING)
async def test_an_administrator_who_signed_in_long_ago_is_asked_to_do_it_again(
    world: World, what: str, attempt: Attempt
) -> None:
    with pytest.raises(SignInAgain) as refused:
        await attempt(world.registry, world, of(world.people.admin.account.id))
    assert str(refused.value) == (
        f"To {what}, sign in again on the registry's pages and repeat this within "
        "ten minutes. No access token is enough for it."
    )
