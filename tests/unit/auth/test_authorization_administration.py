"""Who may look into and change what holds for the whole registry."""

import pytest

from shared.auth.authorization import Administration
from shared.domain.accounts import Account, AccountLock
from shared.domain.errors.identity import CredentialsMissing, NotPermitted, SignInAgain
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.rights import Grant, Scope
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock

EVERYTHING = (Grant(),)
MEMBER = Principal("member0000", "token", EVERYTHING)
ADMINISTRATOR = Principal("admin00000", "token", EVERYTHING)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory.holding(
        Account(id=MEMBER.id, name="member", created_ms=0),
        Account(id=ADMINISTRATOR.id, name="admin", administrator=True, created_ms=0),
    )


@pytest.fixture
def administration(directory: FakeDirectory, clock: FakeClock) -> Administration:
    return Administration(directory, clock)


async def test_an_administrator_is_asked_for_each_time(
    administration: Administration, directory: FakeDirectory
) -> None:
    await administration.require(ADMINISTRATOR, "run", "tasks")
    await administration.require(ADMINISTRATOR, "run", "tasks")
    assert directory.calls == ["get", "get"]


async def test_an_administrator_who_is_locked_administers_nothing_from_that_moment_on(
    administration: Administration, directory: FakeDirectory
) -> None:
    lock = {"lock": AccountLock(at_ms=0, by="operator", reason="Stolen.")}
    [admin] = [each for each in directory.every(Account) if each.administrator]
    await directory.put(admin.model_copy(update=lock))
    with pytest.raises(NotPermitted):
        await administration.require(ADMINISTRATOR, "run", "tasks")


async def test_the_operator_may_everything_without_a_call(
    administration: Administration, directory: FakeDirectory
) -> None:
    await administration.require_fresh(OPERATOR, "run", "tasks")
    assert directory.calls == []


async def test_nobody_known_is_asked_to_say_who_they_are(administration: Administration) -> None:
    with pytest.raises(CredentialsMissing):
        await administration.require(ANONYMOUS, "run", "tasks")


@pytest.mark.parametrize("who", [MEMBER, Principal("gone000000", "token", EVERYTHING)])
async def test_everybody_else_is_told_what_it_takes(
    administration: Administration, who: Principal
) -> None:
    sentence = "^You may not run tasks: it takes being administrator of the registry.$"
    with pytest.raises(NotPermitted, match=sentence):
        await administration.require(who, "run", "tasks")


@pytest.mark.parametrize(
    "grant",
    [
        Grant(scopes=frozenset({Scope.READ})),
        Grant(org="acme"),
        Grant(package="greet"),
    ],
)
async def test_a_token_for_less_than_everything_administers_nothing(
    administration: Administration, grant: Grant
) -> None:
    limited = Principal(ADMINISTRATOR.id, "token", (grant,))
    sentence = "^You may not run tasks: the token does not manage everything.$"
    with pytest.raises(NotPermitted, match=sentence):
        await administration.require(limited, "run", "tasks")


async def test_changes_ask_for_a_fresh_sign_in(
    administration: Administration, clock: FakeClock
) -> None:
    def signed_in(at_ms: int) -> Principal:
        return Principal(ADMINISTRATOR.id, "session", EVERYTHING, signed_in_ms=at_ms)

    now_ms = clock.now_ms()
    await administration.require_fresh(signed_in(now_ms - 600_000), "run", "tasks")
    for stale in (ADMINISTRATOR, signed_in(now_ms - 600_001)):
        with pytest.raises(SignInAgain, match=r"^To run tasks, sign in again"):
            await administration.require_fresh(stale, "run", "tasks")
