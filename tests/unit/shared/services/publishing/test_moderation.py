"""Moderation: who may withhold releases, and what owners read about held releases."""

from collections.abc import Awaitable, Callable

import pytest

from shared.auth.authentication import RequestClient
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import InvalidRequest, Refusal
from shared.domain.errors.identity import NotPermitted
from shared.domain.errors.requests import Busy
from shared.domain.principals import OPERATOR, Principal
from shared.domain.release_states import State
from shared.services.publishing.moderation import Moderation
from tests.support.archives import bala
from tests.support.port_doubles import Fault
from tests.support.refusals import raises_refusal
from tests.support.world import OpenWorld, Person, World

GREET = Coordinate.parse("acme", "greet", "1.0.0")
REASON = "reported by a user"
MAIL = "ann@example.org"


@pytest.fixture
async def published(world: World) -> World:
    """Return a registry with a release whose owner has an address."""
    await world.push(bala(str(GREET)))
    known = world.people.ann.account.model_copy(update={"email": MAIL})
    await world.stores.directory.put(known)
    return world


async def act(world: World, verb: str, by: Principal, reason: str = REASON) -> None:
    service = world.registry.publishing.moderation
    if verb == "restore":
        await service.restore(GREET, by=by)
    else:
        await getattr(service, verb)(GREET, reason, by=by)


async def state(world: World) -> State:
    return (await world.registry.publishing.moderation.find(GREET, by=OPERATOR)).state


async def test_owners_are_notified_once_of_each_decision(published: World) -> None:
    for verb in ("hold", "quarantine", "quarantine", "restore", "restore", "remove"):
        await act(published, verb, OPERATOR)
    mails = published.mailer.to(MAIL)
    assert [mail.subject.removeprefix("acme/greet:1.0.0 was ") for mail in mails] == [
        "held",
        "quarantined",
        "restored",
        "permanently removed",
    ]
    for mail in mails:
        assert "/account/organizations/acme" in mail.text
        assert (REASON in mail.text) is ("restored" not in mail.subject)


async def test_a_reason_with_characters_that_break_a_line_of_its_mail_is_refused(
    published: World,
) -> None:
    with pytest.raises(InvalidRequest, match="characters that nobody sees"):
        await act(published, "quarantine", OPERATOR, "bad\u202egood\x1b[31m")
    assert not published.mailer.to(MAIL)


@pytest.mark.parametrize("port", ["search", "directory"])
async def test_owners_are_notified_of_releases_that_are_not_listed_yet_and_failures_are_ignored(
    worlds: OpenWorld, port: str
) -> None:
    fault = Fault({"search": "remove", "directory": "list_by_owner"}[port], Busy())
    world = await worlds(wrap=fault.at(port))
    await world.push(bala(str(GREET)))
    known = world.people.ann.account.model_copy(update={"email": MAIL})
    await world.stores.directory.put(known)
    fault.calls = 0
    if port == "search":
        with raises_refusal("not-listed-yet"):
            await act(world, "quarantine", OPERATOR)
    else:
        await act(world, "quarantine", OPERATOR)
    assert fault.calls  # The store failed where the test says.
    assert len(world.mailer.to(MAIL)) == (1 if port == "search" else 0)
    assert await state(world) is State.QUARANTINED


# --- Who may ------------------------------------------------------------------------------------


Call = Callable[[Moderation, Principal], Awaitable[object]]
READING: list[tuple[str, Call]] = [
    ("look at acme/greet", lambda service, by: service.survey(GREET.package, by=by)),
    ("look at acme/greet:1.0.0", lambda service, by: service.find(GREET, by=by)),
    ("look at acme/greet:1.0.0", lambda service, by: service.inspect(GREET, by=by)),
    ("read what is withheld", lambda service, by: service.withheld(by=by)),
]
CHANGING: list[tuple[str, Call]] = [
    ("hold acme/greet:1.0.0", lambda service, by: service.hold(GREET, REASON, by=by)),
    ("quarantine acme/greet:1.0.0", lambda service, by: service.quarantine(GREET, REASON, by=by)),
    ("release acme/greet:1.0.0", lambda service, by: service.restore(GREET, by=by)),
    ("remove acme/greet:1.0.0", lambda service, by: service.remove(GREET, REASON, by=by)),
]


async def test_only_administrators_look_and_only_after_a_recent_sign_in_they_decide(
    world: World,
) -> None:
    service = world.registry.publishing.moderation
    people = world.people
    ann = await principal(world, people.ann)
    admin = await principal(world, people.admin)
    await world.push(bala(str(GREET)))
    for what, call in (*READING, *CHANGING):
        with pytest.raises(NotPermitted, match=f"^You may not {what}: only administrators"):
            await call(service, ann)
    for _, call in READING:
        assert await call(service, admin)
    for what, call in CHANGING:
        # A token without the scope moderate is refused; one with it cannot remove either.
        lacking = f"^You may not {what}: the token lacks the scope moderate"
        with pytest.raises(Refusal, match=f"{lacking}|^To {what}, sign in again"):
            await call(service, admin)


async def principal(world: World, person: Person) -> Principal:
    """Return who sends the token of a person."""
    headers = {"authorization": f"Bearer {person.token}"}
    return await world.registry.identity.authentication.authenticate(headers, RequestClient())


# --- What is shown ------------------------------------------------------------------------------


async def test_a_release_is_inspected_with_its_pulls_dependents_and_history(world: World) -> None:
    people = world.people
    service = world.registry.publishing.moderation
    await world.push(bala(str(GREET)))
    for name in ("one", "two"):
        await world.push(bala(f"acme/{name}:1.0.0", dependencies=[str(GREET)]))
    deprecated = Coordinate.parse("acme", "two", "1.0.0")  # It counts as well.
    await world.registry.packages.deprecation.deprecate(deprecated, "Use one.", by=OPERATOR)
    await world.stores.pulls.restore(GREET.package, {"1.0.0": {"2026-01-01": 3, "2026-01-02": 4}})
    await service.hold(GREET, REASON, by=OPERATOR)
    found = await service.inspect(GREET, by=OPERATOR)
    assert (found.head.package, found.release.coordinate) == (GREET.package, GREET)
    assert (found.pulls, found.dependents, found.decided_by) == (7, 2, OPERATOR.id)
    assert found.names == {people.ann.account.id: people.ann.account.name}
    [(_, held), (number, published)] = found.history.events
    assert (held.kind, published.kind) == ("release.held", "release.published")
    older = await service.inspect(GREET, number + 1, by=OPERATOR)
    assert [event.kind for _, event in older.history.events] == ["release.published"]
    assert older.decided_by == ""
    assert (await service.inspect(deprecated, by=OPERATOR)).pulls == 0
