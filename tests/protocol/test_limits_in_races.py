"""Limits of what somebody may have, when many add at the same time."""

import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from shared.domain.coordinates import Package
from shared.domain.errors.base import Refusal
from shared.domain.grants import Grant
from shared.domain.identities import Identity
from shared.domain.invitations import INVITATION_LIFETIME, MAX_INVITATIONS, Invitation
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Principal
from shared.domain.reserved_names import MAX_RESERVED_NAMES, RESERVED_NAMES_OWNER, ReservedName
from shared.domain.scopes import Role
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.webhooks import Topic, Webhook, webhook_owner
from shared.services.organizations.invitations import InvitationRequest
from shared.services.organizations.webhooks import MAX_WEBHOOKS
from shared.services.tokens.trusted_publishers import PublisherRequest
from tests.support.trusted_publishing import IDS, RULES
from tests.support.trusted_publishing import SETTINGS as TRUSTING
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

ACME = parse_org("acme")


async def outcomes(calls: Sequence[Awaitable[object]]) -> dict[str, int]:
    """Run calls at the same time, and count how they end: with the code of a refusal, or empty."""
    ends = await asyncio.gather(*calls, return_exceptions=True)
    counted = dict[str, int]()
    for each in ends:
        if isinstance(each, BaseException) and not isinstance(each, Refusal):
            raise each
        code = each.code if isinstance(each, Refusal) else ""
        counted[code] = counted.get(code, 0) + 1
    return counted


def owner(world: World) -> Principal:
    return world.fresh(world.people.ann)


async def test_webhooks_that_are_added_at_once_stay_within_the_limit(world: World) -> None:
    calls = [
        each.organizations.webhooks.add(
            ACME, f"https://hooks.example.org/{number}", [Topic.RELEASE], by=owner(world)
        )
        for number in range(24)
        for each in (world.instances[number % len(world.instances)],)
    ]
    assert await outcomes(calls) == {"": MAX_WEBHOOKS, "not-permitted": 24 - MAX_WEBHOOKS}
    stored = await world.stores.directory.list_by_owner(Webhook, webhook_owner("acme"))
    assert len(stored) == MAX_WEBHOOKS


async def stored_invitation(world: World, number: int, expires_ms: int) -> None:
    await world.stores.directory.add(
        Invitation(
            org="acme",
            id=f"{number:020}",
            role=Role.MEMBER,
            code_hash=f"{number}",
            label="",
            by=owner(world).id,
            created_ms=0,
            expires_ms=expires_ms,
        )
    )


@pytest.mark.parametrize("email", [None, "kim{}@example.org"])
async def test_invitations_that_are_sent_at_once_stay_within_the_limit(
    worlds: OpenWorld, email: str | None
) -> None:
    world = await worlds(limit_invitation="account=1000", invitation_mail_minutes=0)
    invitations = world.registry.organizations.invitations
    by = owner(world)

    def sent(count: int) -> list[Awaitable[object]]:
        addresses = [email and email.format(number) for number in range(count)]
        wanted = [InvitationRequest.parse(Role.MEMBER, each, "x") for each in addresses]
        return [invitations.invite(ACME, each, by=by) for each in wanted]

    for each in sent(12):  # The same addresses again, after these have expired.
        await each
    world.clock.advance(INVITATION_LIFETIME)
    for number in range(MAX_INVITATIONS - 5):
        await stored_invitation(world, number, world.clock.now_ms() + 1)
    by = owner(world)
    assert await outcomes(sent(12)) == {"": 5, "invitations-full": 7}
    assert len(await invitations.pending(ACME, by=by)) == MAX_INVITATIONS


async def test_an_address_is_invited_again_where_no_other_invitation_would_fit(
    worlds: OpenWorld,
) -> None:
    world = await worlds(invitation_mail_minutes=0)
    invitations = world.registry.organizations.invitations
    by = owner(world)
    wanted = InvitationRequest.parse(Role.MEMBER, "kim@example.org", "")
    await invitations.invite(ACME, wanted, by=by)
    for number in range(MAX_INVITATIONS - 1):
        await stored_invitation(world, number, world.clock.now_ms() + 1)
    await invitations.invite(ACME, wanted, by=by)
    assert len(await invitations.pending(ACME, by=by)) == MAX_INVITATIONS


async def test_a_trusted_publisher_that_is_added_at_once_is_added_once(worlds: OpenWorld) -> None:
    world = await worlds(**TRUSTING)
    wanted = PublisherRequest(
        Package.parse("acme", "greet"),
        Provider.GITHUB,
        IDS[Provider.GITHUB],
        rules=RULES[Provider.GITHUB],
    )
    publishers = world.registry.tokens.trusted_publishers
    calls = [publishers.add(wanted, by=owner(world)) for _ in range(6)]
    assert await outcomes(calls) == {"": 1, "publisher-exists": 5}
    assert len(await world.stores.directory.list_by_owner(Publisher, "acme")) == 1


async def test_names_that_are_reserved_at_once_stay_within_the_limit(world: World) -> None:
    for number in range(MAX_RESERVED_NAMES - 3):
        await world.stores.directory.add(
            ReservedName(pattern=f"x{number}", reason="x", by="x", since_ms=0)
        )
    reserved = world.registry.organizations.reserved_names
    calls = [reserved.add(f"name{number}", "Ours.", by=OPERATOR) for number in range(8)]
    assert await outcomes(calls) == {"": 3, "reserved-names-full": 5}
    found = await world.stores.directory.list_by_owner(ReservedName, RESERVED_NAMES_OWNER)
    assert len(found) == MAX_RESERVED_NAMES


async def test_of_the_last_two_identities_that_are_removed_at_once_one_stays(world: World) -> None:
    account = world.people.ann.account.id
    identities = world.registry.identity.identities
    added = [
        await world.stores.directory.add(
            Identity(
                issuer="https://login.test",
                identifier=f"{number}",
                account=account,
                label="ann",
                provider="oidc",
                linked_ms=number,
            )
        )
        for number in range(2)
    ]
    by = Principal(account, "session", (Grant(),), signed_in_ms=world.clock.now_ms())
    calls = [identities.remove(each.id, by=by) for each in added]
    assert await outcomes(calls) == {"": 1, "last-identity": 1}
    assert len(await identities.of(by=by)) == 1
