"""Identities: who signs in to which account, also where several sign in at once or halfway."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from shared.auth.identity_providers import VerifiedIdentity
from shared.domain.account_erasure import AccountErasure
from shared.domain.account_names import AccountName
from shared.domain.accounts import Account
from shared.domain.errors.identity import TokenUnknown
from shared.domain.errors.requests import Busy
from shared.domain.grants import Grant
from shared.domain.identities import Identity
from shared.domain.principals import Principal
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.identity.mail import AccountMail
from shared.services.identity.sessions import (
    ACCOUNT_NAME_ATTEMPTS,
    Accounts,
    Identities,
    suggested_account_name,
)
from shared.services.leases import Leases
from tests.fakes.mail import FakeMailer
from tests.fakes.services import (
    NoGroups,
    changes_allowed,
    fake_audited_writer,
    fake_mail_delivery,
    fake_retired_names,
)
from tests.fakes.stores import FakeDirectory, FakeWork
from tests.fakes.system import START_MS, FakeClock, FakeRandomness
from tests.support.port_doubles import Fault, Moment, OtherWriter, count_calls, with_fault

BROWSER = Principal(address="192.0.2.1")


def person(label: str = "kim", **changed: Any) -> VerifiedIdentity:
    """Return somebody whom a provider vouches for."""
    values: dict[str, Any] = {"email": "kim@example.org", "display_name": "Kim Larsen", **changed}
    return VerifiedIdentity(
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


def identities(directory: FakeDirectory) -> Identities:
    """Return what is tested, over doubles."""
    clock = FakeClock()
    randomness = SameDigits("identities")
    written = fake_audited_writer(directory)
    mail_delivery = fake_mail_delivery(FakeMailer(), directory, clock)
    return Identities(
        directory=directory,
        accounts=Accounts(
            directory, fake_retired_names(directory, randomness), written, clock, randomness
        ),
        audited_writer=written,
        clock=clock,
        randomness=randomness,
        account_mail=AccountMail(
            directory, mail_delivery, "https://registry.test", BackgroundTasks()
        ),
        read_only_mode=changes_allowed(),
        rights=NoGroups(),
        leases=Leases(FakeWork(), clock, randomness),
    )


async def test_exactly_one_of_concurrent_first_sign_ins_creates_the_account() -> None:
    directory = FakeDirectory()
    known = identities(directory)
    made = await asyncio.gather(*(known.register(person(), "oidc", by=BROWSER) for _ in range(5)))
    assert len(set(made)) == 1
    assert [each.id for each in directory.every(Account)] == [made[0]]


async def test_an_account_that_another_process_made_meanwhile_is_taken() -> None:
    directory = FakeDirectory()
    known = identities(directory)
    account_id = await known.register(person(), "oidc", by=BROWSER)
    for each in directory.every(AccountName):  # As if they had never been written.
        del directory.entities[each.kind, each.place]
    await known._create_account(account_id, person(), "oidc")
    assert len(directory.every(Account)) == 1


async def test_names_that_are_all_taken_are_tried_a_few_times() -> None:
    known = identities(FakeDirectory())
    for number in range(2):
        await known.register(person(f"kim@{number}.test"), "oidc", by=BROWSER)
    with pytest.raises(Busy):
        await known.register(person("kim@third.test"), "oidc", by=BROWSER)
    assert ACCOUNT_NAME_ATTEMPTS == 5


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
        ("-.-" * 10 + "x" * 80, "", "", "x" * 30),
        ("x" * 29 + ".y", "", "", "x" * 29),
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
    assert suggested_account_name(person(label, display_name=name, email=email)) == expected


def owner_of(account_id: str) -> Principal:
    return Principal(account_id, "session", (Grant(),), signed_in_ms=START_MS)


def providers_in(directory: FakeDirectory) -> set[str]:
    return {each.provider for each in directory.every(Identity)}


async def linked_twice() -> tuple[FakeDirectory, str, Principal]:
    """Return a directory with an account of two identities, the id of the first of them, and who
    may remove it."""
    directory = FakeDirectory()
    known = identities(directory)
    by = owner_of(await known.register(person(), "entra", by=BROWSER))
    await known.link(person("kim again"), "oidc", by=by)
    [first] = [each for each in directory.every(Identity) if each.provider == "entra"]
    return directory, first.id, by


async def test_the_provider_of_a_removed_identity_is_forgotten_whatever_fails() -> None:
    fault = Fault(None, Busy())

    async def prepared() -> tuple[FakeDirectory, Callable[[], Awaitable[None]]]:
        directory, first_id, by = await linked_twice()
        known = identities(fault.over(directory))
        return directory, partial(known.remove, first_id, by=by)

    directory, remove = await prepared()
    calls = await count_calls(fault, remove)
    [account] = directory.every(Account)
    assert {*account.providers} == providers_in(directory) == {"oidc"}
    for nth in range(1, calls + 1):
        directory, remove = await prepared()
        assert await with_fault(fault, nth, remove), nth
        [account] = directory.every(Account)
        assert {*account.providers} <= providers_in(directory), nth


async def test_a_link_does_not_undo_a_removal_at_the_same_time() -> None:
    async def linked(nth: int) -> OtherWriter:
        """Link a third identity, and remove the first one after the n-th call of the link."""
        directory, first_id, by = await linked_twice()
        remove = partial(identities(directory).remove, first_id, by=by)
        other = OtherWriter(None, remove, Moment.AFTER, nth)
        linking = identities(other.over(directory))
        await linking.link(person("kim elsewhere"), "github", by=by)
        [account] = directory.every(Account)
        assert {*account.providers} == providers_in(directory), nth
        return other

    calls = (await linked(nth=0)).calls  # Nothing is removed.
    assert calls
    for nth in range(1, calls + 1):
        assert (await linked(nth)).has_acted, nth


async def erase(directory: FakeDirectory) -> None:
    """Remove all accounts and their identities."""
    for each in (*directory.every(Identity), *directory.every(Account)):
        await directory.remove(each)


async def test_nothing_is_linked_to_an_account_that_is_erased_meanwhile() -> None:
    directory = FakeDirectory()
    account_id = await identities(directory).register(person(), "entra", by=BROWSER)
    erasing = OtherWriter("add", partial(erase, directory))  # Before the identity is added.
    linking = identities(erasing.over(directory))
    with pytest.raises(TokenUnknown):
        await linking.link(person("kim again"), "oidc", by=owner_of(account_id))
    assert erasing.has_acted
    assert directory.every(Identity) == []


async def test_no_sign_in_creates_an_account_again_that_is_being_erased() -> None:
    directory = FakeDirectory()
    known = identities(directory)
    account_id = await known.register(person(), "oidc", by=BROWSER)
    erasure = AccountErasure(
        account=account_id, by="operator", reason="", asked_ms=START_MS, due_ms=START_MS
    )
    await directory.add(erasure)
    [account] = directory.every(Account)
    await directory.remove(account)
    with pytest.raises(Busy):
        await known.account_id_of(person())
    assert directory.every(Account) == []


async def test_a_sign_in_that_read_the_identity_before_an_erasure_creates_no_account() -> None:
    directory = FakeDirectory()
    await identities(directory).register(person(), "oidc", by=BROWSER)
    # After the read of the identity.
    erasing = OtherWriter("get", partial(erase, directory), Moment.AFTER)
    known = identities(erasing.over(directory))
    assert await known.account_id_of(person()) is None
    assert erasing.has_acted
    assert directory.every(Account) == []
