"""People who are disabled or gone in Entra ID: their accounts are locked, and unlocked again."""

from collections.abc import Sequence
from functools import partial

import pytest
from anyio.to_thread import run_sync

from shared.domain.accounts import Account, LockSource
from shared.domain.directory_locks import DirectoryFinding, FindingState
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, Invalid, NotFound
from shared.domain.errors.requests import Busy
from shared.domain.identities import Identity, identity_place
from shared.domain.principals import OPERATOR
from shared.domain.tasks import TaskReport
from shared.services.administration.directory_locks import DirectoryDecision
from shared.services.record_batches import all_entities
from tests.fakes.identity_provider import CLIENT_ID, CLIENT_SECRET
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.browsers import Browser
from tests.support.browsers import signed_in as signed_in_as
from tests.support.port_doubles import Fault, Moment
from tests.support.sign_in import HOST, TENANT, Lockable, SignInWorld, open_sign_in
from tests.support.storage import one_instance, one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld, Person, token_of

pytestmark = pytest.mark.measured

KIM = "object-of-kim"
GROUP = "8f7c2f0e-5d0b-4c0a-9a56-0f5c2b7d9e11"


@pytest.fixture
async def company(worlds: OpenWorld) -> SignInWorld:
    """Return a registry whose people sign in with Entra ID."""
    return await open_sign_in(worlds)


async def account_of(company: SignInWorld, name: str = "kim") -> Account:
    accounts = await all_entities(company.world.stores.directory, Account)
    return next(each for each in accounts if each.name == name)


async def signed_in(company: SignInWorld, name: str = "kim") -> Browser:
    if name != "kim":
        company.somebody_else(name)
    return await company.signed_in("entra")


async def person(company: SignInWorld, name: str = "kim") -> Person:
    """Sign somebody in, and return them with a token."""
    await signed_in(company, name)
    account = await account_of(company, name)
    return Person(account, await token_of(company.world.registry, account))


async def colleagues(company: SignInWorld, count: int) -> list[str]:
    """Add so many accounts of people of the tenant; return their ids there."""
    directory = company.world.stores.directory
    for number in range(count):
        name = f"person-{number:03}"
        account = await company.world.registry.identity.accounts.create(name, by=OPERATOR)
        identity = Identity(
            issuer=f"{HOST}/{TENANT}/v2.0",
            identifier=f"object-of-{name}",
            account=account.id,
            label=name,
            provider="entra",
            linked_ms=0,
        )
        await directory.add(identity)
    return [f"object-of-person-{number:03}" for number in range(count)]


async def ask(company: SignInWorld) -> TaskReport:
    """Ask about everybody, as the task does once a day."""
    report = await company.world.registry.maintenance.task_runner.run("lock-disabled-accounts")
    assert report is not None
    return report


async def locked(company: SignInWorld) -> list[str]:
    accounts = await all_entities(company.world.stores.directory, Account)
    return sorted(each.name for each in accounts if each.is_locked)


async def found(company: SignInWorld) -> dict[str, FindingState]:
    locks = company.world.registry.administration.directory_locks
    return {each.name: each.finding.state for each in await locks.found(by=OPERATOR)}


async def decide(company: SignInWorld, names: Sequence[str], decision: DirectoryDecision) -> None:
    locks = company.world.registry.administration.directory_locks
    await locks.decide(names, decision, reason="They left.", by=OPERATOR)


async def reads(company: SignInWorld, somebody: Person) -> bool:
    answer = await company.world.get(f"{URL}/api/v1/orgs", by=somebody)
    return answer.status_code == 200


# --- Who is locked -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [False, None], ids=["disabled", "gone"])
async def test_somebody_disabled_or_gone_is_locked_with_the_next_question(
    company: SignInWorld, state: bool | None
) -> None:
    kim = await person(company)
    company.issuer.graph_accounts[KIM] = state
    report = await ask(company)
    assert (report.seen, report.changed, report.problems) == (1, 1, ())
    company.wait(seconds=5)
    assert not await reads(company, kim)
    account = await account_of(company)
    assert account.directory_lock is not None
    assert account.directory_lock.source is LockSource.DIRECTORY
    assert account.directory_lock.by == "directory"
    assert "Microsoft Entra ID said on" in account.directory_lock.reason
    assert "account.locked" in await company.events(account.id)
    assert any("Microsoft Entra ID" in mail.text for mail in await company.mails())


async def test_the_renewal_of_a_session_of_somebody_disabled_is_refused(
    company: SignInWorld,
) -> None:
    browser = await signed_in(company)
    assert (await browser.open("/account")).status_code == 200
    company.issuer.graph_accounts[KIM] = False
    company.wait(minutes=10)
    page = await browser.open("/account")
    assert page.status_code == 401
    assert await locked(company) == ["kim"]


async def test_roles_by_groups_of_somebody_disabled_are_not_renewed(worlds: OpenWorld) -> None:
    company = await open_sign_in(worlds, entra_groups=True)
    company.issuer.person.claims["groups"] = [GROUP]
    company.issuer.graph_groups = [GROUP]
    browser = await signed_in(company)
    place = identity_place(f"{HOST}/{TENANT}/v2.0", KIM)
    before = await company.world.stores.directory.get(Identity, place)
    assert before is not None
    company.issuer.graph_accounts[KIM] = False
    company.wait(hours=20)
    await browser.open("/account")
    after = await company.world.stores.directory.get(Identity, place)
    assert after is not None
    assert after.groups_ms == before.groups_ms
    assert f"groups of {KIM}" not in company.issuer.calls
    assert await locked(company) == ["kim"]


async def test_a_new_token_of_somebody_disabled_is_refused(company: SignInWorld) -> None:
    browser = await signed_in(company)
    company.issuer.graph_accounts[KIM] = False
    await browser.open("/account/tokens")
    await browser.submit("/account/tokens", name="laptop", scope="read")
    page = browser.page
    assert "Microsoft Entra ID says that you are disabled" in page.text
    account = await account_of(company)
    records = company.world.registry.tokens.records
    assert await records.of(account.id) == []
    assert account.is_locked


async def test_a_token_of_somebody_disabled_is_not_rotated(company: SignInWorld) -> None:
    kim = await person(company)
    company.issuer.graph_accounts[KIM] = False
    tokens = company.world.registry.tokens.records
    [used] = await tokens.of(kim.account.id)
    path = f"{URL}/api/v1/tokens/{used.token.id}/rotate"
    answer = await company.world.send("POST", path, by=kim)
    assert answer.status_code == 403
    assert len(await tokens.of(kim.account.id)) == 1


async def test_somebody_disabled_signs_in_by_no_other_provider(company: SignInWorld) -> None:
    browser = await signed_in(company)
    await browser.choose("/sign-in?for=link", "github")
    company.issuer.graph_accounts[KIM] = False
    await ask(company)
    again = company.browser()
    await again.open("/sign-in/github")
    assert "is locked" in again.page.text


@pytest.mark.parametrize("moment", Moment)
async def test_the_next_question_completes_a_lock_and_an_unlock_whichever_call_fails(
    worlds: OpenWorld, moment: Moment
) -> None:
    fault = Fault(None, Busy(), moment, nth=0)
    company = await open_sign_in(worlds, fault.at("directory"))
    await signed_in(company)
    lockable = Lockable(company.world, (await account_of(company)).id)

    async def ask_about(*, is_enabled: bool) -> None:
        company.issuer.graph_accounts[KIM] = is_enabled
        await ask(company)

    async def is_locked() -> bool:
        names = await locked(company)
        assert await found(company) == dict.fromkeys(names, FindingState.LOCKED)
        return names == ["kim"]

    await lockable.check_repeats(
        fault, partial(ask_about, is_enabled=False), partial(ask_about, is_enabled=True), is_locked
    )


# --- Who is not ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_a_refused_or_failed_question_locks_nobody_and_is_a_problem(
    company: SignInWorld, status: int
) -> None:
    kim = await person(company)
    company.issuer.graph_status = status
    report = await ask(company)
    [problem] = report.problems
    assert "did not say whether a person may still sign in" in problem
    assert ("User.Read.All" in problem) == (status in (401, 403))
    assert await locked(company) == []
    assert await reads(company, kim)
    company.issuer.graph_status = 200
    assert (await ask(company)).problems == ()


async def test_people_of_another_tenant_are_not_asked_about(company: SignInWorld) -> None:
    await person(company)
    directory = company.world.stores.directory
    [identity] = await all_entities(directory, Identity)
    await directory.remove(identity)
    elsewhere = {"issuer": f"{HOST}/another/v2.0", "revision": 1, "outbox": ()}
    await directory.add(identity.model_copy(update=elsewhere))
    company.issuer.graph_accounts[KIM] = None
    assert (await ask(company)).seen == 0
    assert await locked(company) == []


async def test_somebody_with_another_identity_that_is_enabled_is_not_locked(
    company: SignInWorld,
) -> None:
    browser = await signed_in(company)
    company.somebody_else("kim-again")
    await browser.choose("/sign-in?for=link", "entra")
    company.issuer.graph_accounts[KIM] = None
    assert (await ask(company)).changed == 0
    company.issuer.graph_accounts["object-of-kim-again"] = False
    assert (await ask(company)).changed == 1


async def test_nobody_is_asked_where_the_setting_is_off(worlds: OpenWorld) -> None:
    company = await open_sign_in(worlds, entra_accounts=False)
    browser = await signed_in(company)
    company.issuer.graph_accounts[KIM] = False
    company.wait(minutes=10)
    await browser.open("/account")
    assert not [call for call in company.issuer.calls if call.startswith("account of")]
    assert "lock-disabled-accounts" not in company.world.registry.maintenance.tasks


# --- Each lock ends by its own source ------------------------------------------------------------


async def test_somebody_enabled_again_is_unlocked(company: SignInWorld) -> None:
    kim = await person(company)
    company.issuer.graph_accounts[KIM] = False
    await ask(company)
    company.issuer.graph_accounts[KIM] = True
    assert (await ask(company)).changed == 1
    company.wait(seconds=5)
    assert await reads(company, kim)
    assert await all_entities(company.world.stores.directory, DirectoryFinding) == []
    assert (await company.events(kim.account.id))[-1] == "account.unlocked"


async def test_somebody_enabled_again_signs_in_at_once(company: SignInWorld) -> None:
    await person(company)
    company.issuer.graph_accounts[KIM] = False
    await ask(company)
    browser = company.browser()
    await browser.open("/sign-in/entra")
    assert "is locked" in browser.page.text
    company.issuer.graph_accounts[KIM] = True
    await signed_in(company)
    assert await locked(company) == []


@pytest.mark.parametrize("first", LockSource)
async def test_each_lock_ends_by_its_own_source_alone(
    company: SignInWorld, first: LockSource
) -> None:
    kim = (await person(company)).account
    accounts = company.world.registry.administration.accounts
    await accounts.lock(kim, "Its laptop was stolen.", by=OPERATOR)
    company.issuer.graph_accounts[KIM] = False
    await ask(company)
    both = await account_of(company)
    assert {each.source for each in both.locks} == set(LockSource)
    assert [each.reason for each in both.locks if each.source is LockSource.ADMINISTRATOR] == [
        "Its laptop was stolen."
    ]

    async def end(source: LockSource) -> None:
        if source is LockSource.DIRECTORY:
            company.issuer.graph_accounts[KIM] = True
            await ask(company)
        else:
            await accounts.unlock(kim, by=OPERATOR)

    await end(first)
    assert await locked(company) == ["kim"]
    [second] = [each for each in LockSource if each is not first]
    await end(second)
    assert await locked(company) == []


async def test_a_lock_of_an_earlier_version_is_the_administrators() -> None:
    lock = {"at_ms": 1, "by": "operator", "reason": "Stolen."}
    account = Account.model_validate({"id": "a1", "name": "kim", "created_ms": 0, "lock": lock})
    assert account.is_locked
    assert [each.source for each in account.locks] == [LockSource.ADMINISTRATOR]


# --- What waits for an administrator -------------------------------------------------------------


async def test_five_at_once_are_locked_and_six_wait_for_an_administrator(
    company: SignInWorld,
) -> None:
    people = await colleagues(company, 40)
    company.issuer.graph_accounts |= dict.fromkeys(people[:5], False)
    await ask(company)
    assert len(await locked(company)) == 5
    company.wait(days=2)
    company.issuer.graph_accounts |= dict.fromkeys(people[5:11], False)
    directory = company.world.stores.directory
    admin = company.world.people.admin.account
    stored = await directory.get(Account, Place(admin.id))
    assert stored is not None
    await directory.replace(stored.model_copy(update={"email": "admin@example.org"}))
    await ask(company)
    assert len(await locked(company)) == 5
    assert [*(await found(company)).values()].count(FindingState.WAITS_MANY) == 6
    [mail] = [each for each in await company.mails() if each.to == "admin@example.org"]
    assert mail.subject == "6 accounts wait for your decision"
    assert f"{URL}/manage/directory-locks" in mail.text
    assert "person-005" in mail.text
    await ask(company)
    assert len(await company.mails()) == 1


async def test_more_than_five_are_locked_where_they_are_a_twentieth_of_all(
    company: SignInWorld,
) -> None:
    people = await colleagues(company, 120)
    company.issuer.graph_accounts |= dict.fromkeys(people[:6], False)
    await ask(company)
    assert len(await locked(company)) == 6


async def test_renewals_one_by_one_count_as_at_once(company: SignInWorld) -> None:
    browser = await signed_in(company)
    people = await colleagues(company, 10)
    company.issuer.graph_accounts |= dict.fromkeys(people[:5], False)
    await ask(company)
    company.issuer.graph_accounts[KIM] = False
    company.wait(minutes=10)
    assert (await browser.open("/account")).status_code == 200
    assert (await found(company))["kim"] is FindingState.WAITS_MANY
    assert len(await locked(company)) == 5


async def test_who_waits_is_locked_by_an_administrator_and_unlocked_by_the_directory(
    company: SignInWorld,
) -> None:
    people = await colleagues(company, 8)
    company.issuer.graph_accounts |= dict.fromkeys(people, False)
    await ask(company)
    assert await locked(company) == []
    await decide(company, ["person-001"], DirectoryDecision.LOCK)
    assert await locked(company) == ["person-001"]
    await decide(company, ["*"], DirectoryDecision.LOCK)
    assert len(await locked(company)) == 8
    company.issuer.graph_accounts.clear()
    await ask(company)
    assert await locked(company) == []


async def test_who_is_kept_stays_until_the_directory_is_followed_again(
    company: SignInWorld,
) -> None:
    await person(company)
    company.issuer.graph_accounts[KIM] = None
    await ask(company)
    await decide(company, ["kim"], DirectoryDecision.KEEP)
    assert await locked(company) == []
    await ask(company)
    assert await locked(company) == []
    await decide(company, ["kim"], DirectoryDecision.FOLLOW)
    await ask(company)
    assert await locked(company) == ["kim"]


async def test_the_last_administrator_waits_and_is_locked_when_there_is_another(
    company: SignInWorld,
) -> None:
    kim = (await person(company)).account
    administration = company.world.registry.administration
    await administration.administrators.appoint(kim, by=OPERATOR)
    await administration.administrators.dismiss(
        company.world.people.admin.account, "A test.", by=OPERATOR
    )
    company.issuer.graph_accounts[KIM] = False
    await ask(company)
    assert await locked(company) == []
    assert await found(company) == {"kim": FindingState.WAITS_LAST_ADMINISTRATOR}
    with pytest.raises(Conflict):
        await decide(company, ["kim"], DirectoryDecision.LOCK)
    await administration.administrators.appoint(company.world.people.admin.account, by=OPERATOR)
    await ask(company)
    assert await locked(company) == ["kim"]


async def test_a_decision_needs_a_reason_and_somebody_who_was_found(company: SignInWorld) -> None:
    await person(company)
    locks = company.world.registry.administration.directory_locks
    with pytest.raises(Invalid) as refusal:
        await locks.decide(["kim"], DirectoryDecision.KEEP, reason=" ", by=OPERATOR)
    assert refusal.value.code == "reason-missing"
    with pytest.raises(NotFound) as missing:
        await decide(company, ["kim"], DirectoryDecision.KEEP)
    assert missing.value.code == "nothing-found"


async def test_a_push_of_somebody_disabled_is_refused(company: SignInWorld) -> None:
    kim = await person(company)
    company.issuer.graph_accounts[KIM] = False
    await ask(company)
    company.wait(seconds=5)
    sent = await company.world.upload(multipart("x.bala", bala("acme/x:1.0.0")), by=kim)
    assert sent.status_code >= 400


# --- Page, API, command and doctor ---------------------------------------------------------------


@pytest.fixture
async def waiting(company: SignInWorld) -> SignInWorld:
    """Return a registry in which eight people are disabled at once."""
    people = await colleagues(company, 8)
    company.issuer.graph_accounts |= dict.fromkeys(people, False)
    await ask(company)
    return company


async def test_an_administrator_decides_on_a_page(waiting: SignInWorld) -> None:
    world = waiting.world
    admin = await signed_in_as(world, world.people.admin, "/manage")
    assert "person-000; person-001" in admin.text
    assert 'href="/manage/directory-locks"' in admin.text
    await admin.open("/manage/directory-locks")
    assert "Waits: many at once" in admin.text
    await admin.submit("/manage/directory-locks", account="*", decision="lock", reason="")
    assert "Enter a reason" in admin.text
    assert await locked(waiting) == []
    await admin.submit("/manage/directory-locks", account="*", decision="lock", reason="A layoff.")
    assert len(await locked(waiting)) == 8
    await admin.open("/manage/directory-locks")
    assert "A layoff." in admin.text
    [lock] = (await account_of(waiting, "person-000")).locks
    await admin.open(f"/manage/accounts/{(await account_of(waiting, 'person-000')).id}")
    assert "Locked" in admin.text
    assert "Unlock person-000" not in admin.text
    assert (lock.source, lock.by) == (LockSource.DIRECTORY, world.people.admin.account.id)


async def test_an_administrator_decides_by_the_api(waiting: SignInWorld) -> None:
    world = waiting.world
    path = f"{URL}/api/v1/directory-locks"
    assert (await world.get(path, by=world.people.ann)).status_code == 403
    listed = (await world.get(path, by=world.people.admin)).json()["accounts"]
    assert [each["account"] for each in listed] == [f"person-{n:03}" for n in range(8)]
    assert {each["state"] for each in listed} == {"waits-many"}
    body = {"decision": "keep", "accounts": ["person-000"], "reason": "She is back on Monday."}
    admin = await signed_in_as(world, world.people.admin)
    answer = await admin.api("POST", "/api/v1/directory-locks/decisions", body)
    assert answer.status_code == 200
    [kept] = [each for each in answer.json()["accounts"] if each["state"] == "kept"]
    assert kept["account"] == "person-000"
    assert kept["decidedBy"] == "admin"
    assert kept["decisionReason"] == "She is back on Monday."


@one_machine("its commands find a data folder")
@one_instance("a command changes the folder of the world")
async def test_doctor_names_who_waits_and_a_command_decides(worlds: OpenWorld) -> None:
    company = await open_sign_in(worlds)
    data = company.world.registry.settings.data
    entra = {
        "BALLROOM_ENTRA_TENANT": TENANT,
        "BALLROOM_ENTRA_CLIENT_ID": CLIENT_ID,
        "BALLROOM_ENTRA_CLIENT_SECRET": CLIENT_SECRET,
        "BALLROOM_ENTRA_AUTHORITY": "https://127.0.0.1:9",
    }
    terminal = Terminal(data, entra)

    async def doctor() -> list[str]:
        result = await run_sync(partial(terminal.invoke, "doctor"))
        return [line for line in result.stdout.splitlines() if " directory " in line]

    [line] = await doctor()
    assert line.startswith("ok")
    people = await colleagues(company, 8)
    company.issuer.graph_accounts |= dict.fromkeys(people, False)
    await ask(company)
    [line] = await doctor()
    assert line.startswith("problem")
    assert "person-000; person-001" in line
    decided = ("directory-locks", "decide", "lock", "--account", "*", "--reason", "A layoff.")
    await run_sync(partial(terminal.run, *decided))
    assert len(await locked(company)) == 8
    unlocked = await run_sync(partial(terminal.run, "account", "unlock", "person-000"))
    assert "stays locked" in unlocked
    company.issuer.graph_status = 403
    await ask(company)
    [line] = await doctor()
    assert line.startswith("problem")
    assert "User.Read.All" in line
