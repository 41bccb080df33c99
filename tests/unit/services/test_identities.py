"""Identities: who signs in to which account, also where several sign in at once or halfway."""

import asyncio

import pytest

from shared.auth.beside import Beside
from shared.auth.providers import SignedIn
from shared.domain.accounts import Account, AccountName, Identity
from shared.domain.entity import Entity
from shared.domain.errors import Busy, TakesNoChanges
from shared.domain.identity import Principal
from shared.domain.rights import Grant
from shared.domain.sign_in_errors import IdentityTaken
from shared.services.accounts import Accounts
from shared.services.identities import NAME_ATTEMPTS, Identities, account_name
from shared.services.noticing import Noticing
from shared.services.notifying import Notifying
from shared.services.pausing import Pausing
from tests.fakes.clock import START_MS, FakeClock
from tests.fakes.directory import FakeDirectory
from tests.fakes.mailer import FakeMailer
from tests.fakes.pausing import taking_changes, taking_none
from tests.fakes.randomness import FakeRandomness
from tests.fakes.recording import recording

BROWSER = Principal(address="192.0.2.1")


def person(label: str = "kim", **changed: str) -> SignedIn:
    """Return somebody whom a provider vouches for."""
    values = {"email": "kim@example.org", "display_name": "Kim Larsen", **changed}
    return SignedIn(
        issuer="https://login.test",
        identifier=f"subject of {label}",
        label=label,
        strong=False,
        authenticated_ms=START_MS,
        **values,
    )


class SameDigits(FakeRandomness):
    """Randomness that gives the same three bytes each time, and other ids."""

    def token_bytes(self, count: int) -> bytes:
        """Return the next bytes."""
        return bytes(3) if count == 3 else super().token_bytes(count)


def identities(directory: FakeDirectory, pausing: Pausing | None = None) -> Identities:
    """Return what is tested, over doubles."""
    clock, randomness = FakeClock(), SameDigits("identities")
    written = recording(directory)
    notifying = Notifying(FakeMailer(), failed=lambda _kind, _count: None)
    return Identities(
        directory=directory,
        accounts=Accounts(directory, written, clock, randomness),
        recording=written,
        clock=clock,
        randomness=randomness,
        noticing=Noticing(directory, notifying, "https://registry.test", Beside()),
        pausing=pausing or taking_changes(),
    )


async def test_a_stranger_has_no_account_until_they_enrol() -> None:
    directory = FakeDirectory()
    known = identities(directory)
    assert await known.account_of(person()) is None
    account_id = await known.enrol(person(), "oidc", by=BROWSER)
    assert await known.account_of(person()) == account_id
    [account] = directory.every(Account)
    assert (account.id, account.name, account.email) == (account_id, "kim", "kim@example.org")


async def test_of_two_first_sign_ins_at_once_one_makes_the_account() -> None:
    directory = FakeDirectory()
    known = identities(directory)
    made = await asyncio.gather(*(known.enrol(person(), "oidc", by=BROWSER) for _ in range(5)))
    assert len(set(made)) == 1
    assert [each.id for each in directory.every(Account)] == [made[0]]


async def test_a_first_sign_in_that_died_halfway_is_finished_by_the_next() -> None:
    directory = FakeDirectory()
    known = identities(directory)
    await known.enrol(person(), "oidc", by=BROWSER)
    for kind in (Account, AccountName):
        forget(directory, *directory.every(kind))
    account_id = await known.account_of(person())
    [account] = directory.every(Account)
    assert account.id == account_id


async def test_an_account_that_another_process_made_meanwhile_is_taken() -> None:
    directory = FakeDirectory()
    known = identities(directory)
    account_id = await known.enrol(person(), "oidc", by=BROWSER)
    forget(directory, *directory.every(AccountName))
    await known._make_account(account_id, person())
    assert len(directory.every(Account)) == 1


async def test_names_that_are_all_taken_are_tried_a_few_times() -> None:
    known = identities(FakeDirectory())
    for number in range(2):
        await known.enrol(person(f"kim@{number}.test"), "oidc", by=BROWSER)
    with pytest.raises(Busy):
        await known.enrol(person("kim@third.test"), "oidc", by=BROWSER)
    assert NAME_ATTEMPTS == 5


async def test_an_identity_is_linked_once() -> None:
    directory = FakeDirectory()
    known = identities(directory)
    mine = Principal(await known.enrol(person(), "oidc", by=BROWSER), "session:a", (Grant(),))
    other = Principal(await known.enrol(person("sam"), "oidc", by=BROWSER), "session:b", (Grant(),))
    await known.link(person("kim-at-github"), "github", by=mine)
    await known.link(person("kim-at-github"), "github", by=mine)
    with pytest.raises(IdentityTaken, match="kim-at-github"):
        await known.link(person("kim-at-github"), "github", by=other)
    assert len(directory.every(Identity)) == 3


@pytest.mark.parametrize(
    ("label", "name", "email", "expected"),
    [
        ("kim", "", "", "kim"),
        ("Kim@example.org", "", "", "kim"),
        ("K\N{LATIN SMALL LETTER I WITH ACUTE}m Larsen", "", "", "k-m-larsen"),
        ("", "Kim Larsen", "", "kim-larsen"),
        ("", "", "kim.larsen@example.org", "kim.larsen"),
        ("...", "", "", "someone"),
        ("root", "Operator", "support@example.org", "someone"),
        ("ballerina", "", "", "someone"),
        ("x" * 80, "", "", "x" * 30),
        ("aB3dE6gH9k", "", "", "ab3de6gh9k-1"),
        ("christophe@example.org", "", "", "christophe-1"),
        ("blr_ab", "upkeep", "entra-1@example.org", "someone"),
        ("s-e-c-u-r-i-t-y", "Kim", "", "kim"),
        ("", "", "", "someone"),
    ],
)
def test_an_account_is_named_like_its_person(
    label: str, name: str, email: str, expected: str
) -> None:
    assert account_name(person(label, display_name=name, email=email)) == expected


def forget(directory: FakeDirectory, *entities: Entity) -> None:
    """Take entities out, as if they had never been written."""
    for each in entities:
        del directory.entities[each.kind, each.place]


async def test_while_the_registry_takes_no_changes_those_who_are_known_come_in_and_nobody_new() -> (
    None
):
    directory = FakeDirectory()
    kim = await identities(directory).enrol(person(), "test", by=BROWSER)
    paused = identities(directory, taking_none())
    assert await paused.account_of(person()) == kim
    with pytest.raises(TakesNoChanges):
        await paused.enrol(person("sam"), "test", by=BROWSER)
    with pytest.raises(TakesNoChanges):
        await paused.link(person("sam"), "test", by=Principal(kim))
    assert len(directory.every(Identity)) == 1
