"""Moderation: who may withhold releases, and what owners read about held releases."""

from dataclasses import replace

import pytest

from shared.domain.errors.requests import Busy, NotListedYet
from shared.domain.identity import OPERATOR, Principal
from shared.domain.names import Coordinate
from shared.domain.packages import State
from shared.services.common import Adapters
from tests.support.archives import bala
from tests.support.port_doubles import Fault, failing
from tests.support.world import OpenWorld, World

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
    moderation = world.registry.publishing.moderation
    if verb == "restore":
        await moderation.restore(GREET, by=by)
    else:
        await getattr(moderation, verb)(GREET, reason, by=by)


async def state(world: World) -> State:
    return (await world.registry.publishing.moderation.find(GREET, by=OPERATOR)).state


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
