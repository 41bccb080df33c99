"""Mail about decisions that the mail server refuses, or that a store stops, is sent later."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.visibility import Visibility
from shared.services.adapters import Adapters
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.support.archives import bala
from tests.support.port_doubles import Fault, count_calls, intercepted, with_fault
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

GREET = Coordinate.parse("acme", "greet", "1.0.0")
OTHER = Coordinate.parse("acme", "hello", "1.0.0")
WHY = "The court ordered it."


async def set_successor(world: World) -> None:
    successors = world.registry.packages.successors
    await successors.change(GREET.package, OTHER.package, WHY, by=OPERATOR)


async def lock(world: World) -> None:
    await world.registry.administration.accounts.lock(world.people.ann.account, WHY, by=OPERATOR)


async def remove_by_a_command(world: World) -> None:
    second = world.registry.administration.second_administrator
    await second.send_command_mail(f"{GREET} was removed permanently", WHY)


async def quarantine(world: World) -> None:
    await world.registry.publishing.moderation.quarantine(GREET, WHY, by=OPERATOR)


async def hide(world: World) -> None:
    visibility = world.registry.packages.visibility
    await visibility.change(GREET.package, Visibility.PRIVATE, by=OPERATOR, reason=WHY)


async def schedule_owner(world: World) -> None:
    await world.registry.organizations.memberships.set_member(
        parse_org("acme"), world.people.mia.account, Role.OWNER, by=world.fresh(world.people.ann)
    )


async def appoint(world: World) -> None:
    people = world.people
    await world.registry.administration.administrators.appoint(people.mia.account, by=OPERATOR)


# Reads of lists before that of whom the mail is for.
READS_BEFORE = {"lock": 1, "schedule_owner": 1}


DECISIONS = [
    pytest.param(set_successor, "bob@example.org", "greet", id="successor"),
    pytest.param(lock, "bob@example.org", "stops", id="maker"),
    pytest.param(remove_by_a_command, "admin@example.org", "removed", id="second-administrator"),
    pytest.param(quarantine, "bob@example.org", "quarantine", id="release"),
    pytest.param(hide, "bob@example.org", "private", id="decision"),
    pytest.param(appoint, "admin@example.org", "administrator", id="administrators"),
    pytest.param(schedule_owner, "bob@example.org", "owner", id="change-of-owners"),
]
Act = Callable[[World], Awaitable[None]]


async def prepared(worlds: OpenWorld, **settings: Any) -> World:
    """Return a registry where Ann and Bob own acme, for which Ann made a token, and everybody reads
    mail."""
    world = await worlds(two_administrators=True, **settings)
    for name, person in vars(world.people).items():
        stored = await world.stores.directory.get(Account, person.account.place)
        assert stored
        email = {"email": f"{name}@example.org"}
        await world.stores.directory.replace(stored.model_copy(update=email))
    acme = parse_org("acme")
    await world.registry.organizations.memberships.set_member(
        acme, world.people.bob.account, Role.OWNER, by=OPERATOR, reason=WHY
    )
    wanted = TokenRequest.parse("ci", ["read"], org="acme", package="*", days=30)
    ann = world.fresh(world.people.ann)
    await world.registry.tokens.access_tokens.issue(OfOrganization(acme), wanted, by=ann)
    for each in (GREET, OTHER):
        await world.push(bala(str(each)))
    world.mailer.sent.clear()
    return world


def told(world: World, address: str, word: str) -> list[str]:
    return [each.subject for each in world.mailer.to(address) if word in each.subject]


async def later(world: World) -> None:
    """Run the task when refused mail is due."""
    world.clock.advance(timedelta(minutes=10))
    report = await world.registry.maintenance.task_runner.run("notify-dependents")
    assert report is not None
    assert report.problems == ()


@pytest.mark.parametrize(("act", "address", "word"), DECISIONS)
async def test_mail_that_the_mail_server_refuses_is_sent_later(
    worlds: OpenWorld, act: Act, address: str, word: str
) -> None:
    world = await prepared(worlds)
    world.mailer.is_down = True
    await act(world)
    world.mailer.is_down = False
    assert world.mailer.sent == []
    await later(world)
    assert len(told(world, address, word)) == 1
    await later(world)
    assert len(told(world, address, word)) == 1


@pytest.mark.parametrize(("act", "address", "word"), DECISIONS)
async def test_mail_whose_recipients_cannot_be_read_is_sent_later(
    worlds: OpenWorld, act: Act, address: str, word: str
) -> None:
    reads = ["list_by_owner", "list_by_subject"]
    fault = Fault(None, Busy(), nth=0)

    def wrap(stores: Adapters) -> Adapters:
        return replace(stores, directory=intercepted(stores.directory, fault.intercept, reads))

    world = await prepared(worlds, wrap=wrap)
    assert await with_fault(fault, 1 + READS_BEFORE.get(act.__name__, 0), lambda: act(world))
    assert told(world, address, word) == []
    await later(world)
    assert len(told(world, address, word)) == 1


async def test_mail_about_a_token_whose_account_cannot_be_read_is_sent_later(
    worlds: OpenWorld,
) -> None:
    fault = Fault("get", Busy(), nth=0)
    world = await prepared(worlds, wrap=fault.at("directory"))
    tokens = world.registry.tokens.access_tokens
    ann = world.fresh(world.people.ann)

    async def issue() -> str:
        wanted = TokenRequest.parse("laptop", ["read"], org="acme", package="*", days=30)
        return (await tokens.issue(ann.id, wanted, by=ann)).token.id

    first = await issue()
    second = await issue()
    reads = await count_calls(fault, lambda: tokens.revoke(ann.id, first, by=OPERATOR, reason=WHY))
    world.mailer.sent.clear()
    # The last read is that of the account.
    assert await with_fault(
        fault, reads, lambda: tokens.revoke(ann.id, second, by=OPERATOR, reason=WHY)
    )
    assert told(world, "ann@example.org", "revoked") == []
    await later(world)
    assert len(told(world, "ann@example.org", "revoked")) == 1
