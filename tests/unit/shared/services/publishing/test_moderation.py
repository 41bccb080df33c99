"""Moderation: who may withhold releases, and what owners read about held releases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.composition import Adapters
from shared.domain.errors.identity import CredentialsMissing, NotPermitted, SignInAgain
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.errors.packages import (
    NotAwaited,
    PackageNotFound,
    ReleaseNotFound,
    RemovedForGood,
)
from shared.domain.errors.requests import Busy, NotListedYet
from shared.domain.identity import ANONYMOUS, OPERATOR, RECENT_SIGN_IN, Principal
from shared.domain.names import Coordinate, parse_org
from shared.domain.packages import Release, State
from shared.domain.rights import Grant, Scope
from shared.services.publishing.moderation import MAX_HELD_RELEASES, PACKAGES_READ, HeldReleasePage
from shared.services.publishing.publishing import Upload
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
    moderation = world.registry.moderation
    if verb == "restore":
        await moderation.restore(GREET, by=by)
    else:
        await getattr(moderation, verb)(GREET, reason, by=by)


async def state(world: World) -> State:
    return (await world.registry.moderation.find(GREET, by=OPERATOR)).state


def signed_in(world: World, person: Person, ago: timedelta = timedelta(0)) -> Principal:
    at_ms = world.clock.now_ms() - ago // timedelta(milliseconds=1)
    return Principal(person.account.id, "session", (Grant(),), signed_in_ms=at_ms)


async def test_nothing_of_another_organization_waits_for_its_owners(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("other/thing:1.0.0"), by=world.people.bob)
    assert await world.registry.held_releases.all(parse_org("acme"), by=OPERATOR) == []


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
    moderation, ann = published.registry.moderation, signed_in(published, published.people.ann)
    for asked in (
        moderation.withheld(by=ann),
        moderation.survey(GREET.package, by=ann),
        moderation.inspect(GREET, by=ann),
        moderation.find(GREET, by=ann),
    ):
        with pytest.raises(NotPermitted):
            await asked


async def test_a_missing_item_is_not_found(published: World) -> None:
    moderation = published.registry.moderation
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
    inspected = await published.registry.moderation.inspect(GREET, by=admin)
    kinds = [event.kind for _, event in inspected.history.events]
    assert kinds == ["release.quarantined", "release.published"]
    assert inspected.names == {admin.id: "admin", published.people.ann.account.id: "ann"}
    assert (inspected.pulls, inspected.dependents, inspected.history.next) == (0, 0, None)
    assert inspected.decided_by == admin.id
    assert inspected.release == await published.registry.moderation.find(GREET, by=admin)
    assert inspected.head.package == GREET.package
    survey = await published.registry.moderation.survey(GREET.package, by=admin)
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


async def test_owners_confirm_what_waits_for_them_and_nothing_else(worlds: OpenWorld) -> None:
    world = await worlds(brake_packages=1)
    for name in ("live", "waiting", "held"):
        await world.push(bala(f"acme/{name}:1.0.0"))
    held_releases, ann = world.registry.held_releases, signed_in(world, world.people.ann)
    held, waiting = (Coordinate.parse("acme", name, "1.0.0") for name in ("held", "waiting"))
    await world.registry.moderation.hold(held, REASON, by=OPERATOR)
    found = await held_releases.all(parse_org("acme"), by=ann)
    assert [release.coordinate for release in found] == [waiting]
    for _ in range(2):  # A repeat finds it as it is.
        assert (await held_releases.confirm(waiting, by=ann)).state is State.LIVE
    with pytest.raises(NotAwaited):
        await held_releases.confirm(held, by=ann)


async def test_a_refusal_to_look_names_what_was_to_be_looked_at(published: World) -> None:
    moderation, ann = published.registry.moderation, signed_in(published, published.people.ann)
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
    await published.registry.deprecation.deprecate(old, "Use acme/one.", by=OPERATOR)
    assert (await published.registry.moderation.inspect(GREET, by=OPERATOR)).dependents == 2


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
        await published.registry.moderation.find(GREET, by=ann)
    assert str(refused.value).startswith("You may not look at acme/greet:1.0.0: ")


async def test_a_decision_has_its_reason_and_is_undone_without_one(
    published: World,
) -> None:
    find = published.registry.moderation.find
    await act(published, "quarantine", OPERATOR)
    assert (await find(GREET, by=OPERATOR)).state_reason == REASON
    await act(published, "restore", OPERATOR)
    assert (await find(GREET, by=OPERATOR)).state_reason == ""


async def test_a_refusal_names_the_release(published: World) -> None:
    moderation = published.registry.moderation
    with pytest.raises(ReleaseNotFound) as absent:
        await moderation.find(ABSENT, by=OPERATOR)
    assert str(absent.value) == str(ReleaseNotFound(ABSENT.package, ABSENT.version))
    await moderation.remove(GREET, REASON, by=OPERATOR)
    with pytest.raises(RemovedForGood) as removed:
        await moderation.restore(GREET, by=OPERATOR)
    assert str(removed.value) == str(RemovedForGood(GREET))


ACME = parse_org("acme")


@pytest.fixture
async def after_burst(worlds: OpenWorld) -> World:
    """Return a registry that holds the second package of a burst already."""
    return await worlds(brake_packages=1)


def by(person: Person) -> Principal:
    return Principal(person.account.id, "session", (Grant(),))


async def waiting(after_burst: World, after: str = "") -> HeldReleasePage:
    return await after_burst.registry.held_releases.page(ACME, after, by=by(after_burst.people.ann))


def shown(review: HeldReleasePage) -> list[str]:
    return [str(each.release.coordinate) for each in review.releases]


async def push(after_burst: World, coordinate: str, **spec: object) -> Release:
    """Publish as Ann, whom the brake stops."""
    ann = Principal(after_burst.people.ann.account.id, "token", (Grant(),))
    upload = Upload(bala(coordinate, **spec))
    return (await after_burst.registry.publishing.push(upload, ann)).release


async def test_nothing_waits_where_nothing_was_held(after_burst: World) -> None:
    await push(after_burst, "acme/greet:1.0.0")
    review = await waiting(after_burst)
    assert (review.releases, review.next) == ((), "")


async def test_a_held_release_is_compared_with_the_live_one(after_burst: World) -> None:
    await push(after_burst, "acme/greet:1.0.0")
    await push(after_burst, "acme/base:1.0.0")
    await push(after_burst, "acme/greet:1.1.0", platform="java21")
    review = await waiting(after_burst)
    assert shown(review) == ["acme/base:1.0.0", "acme/greet:1.1.0"]
    first, second = (each.comparison for each in review.releases)
    assert first is None
    assert second
    assert (second.version, second.platform, second.has_other_publisher) == ("1.0.0", "any", False)
    assert review.names == {after_burst.people.ann.account.id: "ann"}


async def test_the_token_that_published_it_is_there_to_be_ended(after_burst: World) -> None:
    await after_burst.push(bala("acme/greet:1.0.0"))
    await after_burst.push(bala("acme/base:1.0.0"))
    [each] = (review := await waiting(after_burst)).releases
    assert review.tokens[each.release.origin.credential].name == "test"


async def test_a_release_that_the_operator_holds_waits_for_no_owner(after_burst: World) -> None:
    await push(after_burst, "acme/greet:1.0.0")
    held = Coordinate.parse("acme", "greet", "1.0.0")
    await after_burst.registry.moderation.hold(held, "Looked at.", by=OPERATOR)
    assert shown(await waiting(after_burst)) == []


async def test_owners_alone_read_it(after_burst: World) -> None:
    with pytest.raises(NotPermitted):
        await after_burst.registry.held_releases.page(ACME, by=by(after_burst.people.mia))
    with pytest.raises(OrganizationNotFound):
        await after_burst.registry.held_releases.page(ACME, by=by(after_burst.people.bob))


async def test_a_page_looks_through_so_many_packages(after_burst: World) -> None:
    for number in range(PACKAGES_READ + 1):
        await after_burst.push(bala(f"acme/p{number:02}:1.0.0"), by=after_burst.people.admin)
    await push(after_burst, "acme/a:1.0.0")
    await push(after_burst, "acme/z:1.0.0")
    first = await waiting(after_burst)
    assert (shown(first), first.next) == ([], f"p{PACKAGES_READ - 2:02}")
    assert shown(await waiting(after_burst, first.next)) == ["acme/z:1.0.0"]


async def test_a_page_ends_after_so_many_releases(after_burst: World) -> None:
    await push(after_burst, "acme/a:1.0.0")
    for number in range(MAX_HELD_RELEASES + 1):
        await push(after_burst, f"acme/p:1.0.{number}")
    await push(after_burst, "acme/z:1.0.0")
    first = await waiting(after_burst)
    assert (len(first.releases), first.next) == (MAX_HELD_RELEASES, "p")
    assert shown(await waiting(after_burst, first.next)) == ["acme/z:1.0.0"]
