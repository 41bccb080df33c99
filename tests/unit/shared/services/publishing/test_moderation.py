"""Moderation: who may withhold releases, and what owners read about held releases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors.identity import CredentialsMissing, NotPermitted, SignInAgain
from shared.domain.errors.packages import (
    PackageNotFound,
    ReleaseNotFound,
    RemovedForGood,
)
from shared.domain.errors.requests import Busy, NotListedYet
from shared.domain.identity import ANONYMOUS, OPERATOR, RECENT_SIGN_IN, Principal
from shared.domain.names import Coordinate
from shared.domain.packages import State
from shared.domain.rights import Grant, Scope
from shared.services.common import Adapters
from tests.support.archives import bala
from tests.support.port_doubles import Fault, failing
from tests.support.world import OpenWorld, Person, World

GREET = Coordinate.parse("acme", "greet", "1.0.0")
ABSENT = Coordinate.parse("acme", "absent", "1.0.0")
REASON = "reported by a user"
MAIL = "ann@example.org"
VERBS = ("hold", "quarantine", "restore", "remove")


@pytest.fixture
async def published(world: World) -> World:
    """Return a registry with a release whose owner has an address."""
    await world.push(bala(str(GREET)))
    known = world.people.ann.account.model_copy(update={"email": MAIL})
    await world.stores.directory.put(known)
    return world


async def act(world: World, verb: str, by: Principal, reason: str = REASON) -> None:
    moderation = world.registry.publishing.moderation
    if verb == "restore":
        await moderation.restore(GREET, by=by)
    else:
        await getattr(moderation, verb)(GREET, reason, by=by)


async def state(world: World) -> State:
    return (await world.registry.publishing.moderation.find(GREET, by=OPERATOR)).state


def signed_in(world: World, person: Person, ago: timedelta = timedelta(0)) -> Principal:
    at_ms = world.clock.now_ms() - ago // timedelta(milliseconds=1)
    return Principal(person.account.id, "session", (Grant(),), signed_in_ms=at_ms)


@pytest.mark.parametrize("verb", VERBS)
async def test_it_takes_an_administrator_who_signed_in_a_moment_ago(
    published: World, verb: str
) -> None:
    people = published.people
    late = RECENT_SIGN_IN + timedelta(seconds=1)
    admin = signed_in(published, people.admin)
    few = Principal(admin.id, "token", (Grant(scopes=frozenset({Scope.READ})),))
    refused = [
        (ANONYMOUS, CredentialsMissing),
        (signed_in(published, people.ann), NotPermitted),
        (signed_in(published, people.admin, late), SignInAgain),
        (Principal(admin.id, "token", (Grant(),)), SignInAgain),
        (few, NotPermitted),
    ]
    for by, refusal in refused:
        with pytest.raises(refusal):
            await act(published, verb, by)
    assert await state(published) is State.LIVE
    await act(published, verb, admin)


async def test_only_administrators_look_at_what_is_withheld(published: World) -> None:
    moderation, ann = (
        published.registry.publishing.moderation,
        signed_in(published, published.people.ann),
    )
    for asked in (
        moderation.withheld(by=ann),
        moderation.survey(GREET.package, by=ann),
        moderation.inspect(GREET, by=ann),
        moderation.find(GREET, by=ann),
    ):
        with pytest.raises(NotPermitted):
            await asked


async def test_a_missing_item_is_not_found(published: World) -> None:
    moderation = published.registry.publishing.moderation
    for asked in (
        moderation.inspect(ABSENT, by=OPERATOR),
        moderation.quarantine(ABSENT, REASON, by=OPERATOR),
    ):
        with pytest.raises(ReleaseNotFound):
            await asked
    with pytest.raises(PackageNotFound):
        await moderation.survey(ABSENT.package, by=OPERATOR)


async def test_a_release_is_shown_with_all_that_happened_to_it(published: World) -> None:
    await published.push(bala("acme/other:1.0.0"))
    published.clock.advance(timedelta(hours=1))
    admin = signed_in(published, published.people.admin)
    await act(published, "quarantine", admin)
    inspected = await published.registry.publishing.moderation.inspect(GREET, by=admin)
    kinds = [event.kind for _, event in inspected.history.events]
    assert kinds == ["release.quarantined", "release.published"]
    assert inspected.names == {admin.id: "admin", published.people.ann.account.id: "ann"}
    assert (inspected.pulls, inspected.dependents, inspected.history.next) == (0, 0, None)
    assert inspected.decided_by == admin.id
    assert inspected.release == await published.registry.publishing.moderation.find(GREET, by=admin)
    assert inspected.head.package == GREET.package
    survey = await published.registry.publishing.moderation.survey(GREET.package, by=admin)
    assert [entry.state for entry in survey.entries] == [State.QUARANTINED]


async def test_owners_are_notified_once_of_each_decision(published: World) -> None:
    for verb in ("hold", "quarantine", "quarantine", "restore", "restore", "remove"):
        await act(published, verb, OPERATOR)
    mails = published.mailer.to(MAIL)
    assert [mail.subject.removeprefix("acme/greet:1.0.0 was ") for mail in mails] == [
        *("held", "quarantined", "restored", "permanently removed"),
    ]
    for mail in mails:
        assert "/account/organizations/acme" in mail.text
        assert (REASON in mail.text) is ("restored" not in mail.subject)


async def test_a_mail_has_no_character_that_breaks_a_line(published: World) -> None:
    await act(published, "quarantine", OPERATOR, "bad\u202egood\x1b[31m")
    [mail] = published.mailer.to(MAIL)
    assert "Reason: bad good [31m\n" in mail.text


async def test_a_decision_counts_even_if_no_mail_is_sent(published: World) -> None:
    published.mailer.is_down = True
    await act(published, "quarantine", OPERATOR)
    assert await state(published) is State.QUARANTINED


@pytest.mark.parametrize("port", ["search", "directory"])
async def test_owners_are_notified_of_releases_that_are_not_listed_yet_and_failures_are_ignored(
    worlds: OpenWorld, port: str
) -> None:
    fault = Fault({"search": "remove", "directory": "list_by_owner"}[port], Busy())

    def wrap(stores: Adapters) -> Adapters:
        return replace(stores, **{port: failing(getattr(stores, port), fault)})

    world = await worlds(wrap=wrap)
    await world.push(bala(str(GREET)))
    known = world.people.ann.account.model_copy(update={"email": MAIL})
    await world.stores.directory.put(known)
    fault.calls = 0
    if port == "search":
        with pytest.raises(NotListedYet):
            await act(world, "quarantine", OPERATOR)
    else:
        await act(world, "quarantine", OPERATOR)
    assert fault.calls == 1
    assert len(world.mailer.to(MAIL)) == (1 if port == "search" else 0)
    assert await state(world) is State.QUARANTINED


async def test_a_removed_release_cannot_be_restored(published: World) -> None:
    await act(published, "remove", OPERATOR)
    with pytest.raises(RemovedForGood):
        await act(published, "restore", OPERATOR)
    assert len(published.mailer.to(MAIL)) == 1


async def test_a_refusal_to_look_names_what_was_to_be_looked_at(published: World) -> None:
    moderation, ann = (
        published.registry.publishing.moderation,
        signed_in(published, published.people.ann),
    )
    for what, asked in (
        ("read what is withheld", moderation.withheld(by=ann)),
        ("look at acme/greet", moderation.survey(GREET.package, by=ann)),
        ("look at acme/greet:1.0.0", moderation.inspect(GREET, by=ann)),
    ):
        with pytest.raises(NotPermitted) as refused:
            await asked
        right = "only administrators of the registry can do this"
        assert str(refused.value) == f"You may not {what}: {right}."
    with pytest.raises(PackageNotFound, match=r"^package not found: acme/absent$"):
        await moderation.survey(ABSENT.package, by=OPERATOR)
    newer = Coordinate.parse("acme", "greet", "2.0.0")
    for each in (ABSENT, newer):
        with pytest.raises(ReleaseNotFound) as missing:
            await moderation.inspect(each, by=OPERATOR)
        assert str(missing.value) == f"package not found for: {each.package}:{each.version}"


async def test_a_release_is_shown_with_the_number_of_packages_that_need_it(
    published: World,
) -> None:
    for name in ("one", "two"):
        await published.push(bala(f"acme/{name}:1.0.0", dependencies=[str(GREET)]))
    old = Coordinate.parse("acme", "two", "1.0.0")
    await published.registry.packages.deprecation.deprecate(old, "Use acme/one.", by=OPERATOR)
    assert (
        await published.registry.publishing.moderation.inspect(GREET, by=OPERATOR)
    ).dependents == 2


@pytest.mark.parametrize("verb", VERBS)
async def test_a_refused_decision_names_the_decision(published: World, verb: str) -> None:
    done = "release" if verb == "restore" else verb
    with pytest.raises(NotPermitted) as refused:
        await act(published, verb, signed_in(published, published.people.ann))
    assert str(refused.value).startswith(f"You may not {done} acme/greet:1.0.0: ")
    admin = replace(signed_in(published, published.people.admin), signed_in_ms=None)
    with pytest.raises(SignInAgain) as again:
        await act(published, verb, admin)
    assert str(again.value).startswith(f"To {done} acme/greet:1.0.0, sign in again")


async def test_a_refused_look_at_a_release_says_so(published: World) -> None:
    ann = signed_in(published, published.people.ann)
    with pytest.raises(NotPermitted) as refused:
        await published.registry.publishing.moderation.find(GREET, by=ann)
    assert str(refused.value).startswith("You may not look at acme/greet:1.0.0: ")


async def test_a_decision_has_its_reason_and_is_undone_without_one(
    published: World,
) -> None:
    find = published.registry.publishing.moderation.find
    await act(published, "quarantine", OPERATOR)
    assert (await find(GREET, by=OPERATOR)).state_reason == REASON
    await act(published, "restore", OPERATOR)
    assert (await find(GREET, by=OPERATOR)).state_reason == ""


async def test_a_refusal_names_the_release(published: World) -> None:
    moderation = published.registry.publishing.moderation
    with pytest.raises(ReleaseNotFound) as absent:
        await moderation.find(ABSENT, by=OPERATOR)
    assert str(absent.value) == str(ReleaseNotFound(ABSENT.package, ABSENT.version))
    await moderation.remove(GREET, REASON, by=OPERATOR)
    with pytest.raises(RemovedForGood) as removed:
        await moderation.restore(GREET, by=OPERATOR)
    assert str(removed.value) == str(RemovedForGood(GREET))
