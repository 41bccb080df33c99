"""Who publishes what: rights, spellings, tools, visibility, and what a refused push is told."""

import asyncio
from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.access import Membership
from shared.domain.errors.identity import NotPermitted
from shared.domain.errors.packages import SpelledDifferently, VersionExists
from shared.domain.identity import Grant, Principal, Role
from shared.domain.names import Package
from shared.domain.packages import Release
from shared.ports import AlreadyThere, MetadataStore
from shared.services.limits.rate_limits import PublishAllowance, RateLimiter
from shared.services.publishing.publishing import PUBLISHER_CACHED_FOR, Publishing, Upload
from tests.support.archives import bala
from tests.support.world import World


class Asked(Authorization, frozen=True):
    """Rights that note who was asked whether they publish anywhere."""

    by: tuple[list[str], ...] = ()

    async def require_publisher(self, by: Principal, of: Package | None = None) -> None:
        """Note the credential."""
        self.by[0].append(by.credential)
        await super().require_publisher(by, of)


def owner(world: World, credential: str = "session") -> Principal:
    """Return Ann, who owns `acme`."""
    return Principal(world.people.ann.account.id, credential, (Grant(),))


async def push(world: World, archive: bytes, by: Principal | None = None) -> Release:
    return (
        await world.registry.publishing.releases.push(Upload(archive), by=by or owner(world))
    ).release


@pytest.fixture
def asked(world: World) -> tuple[Publishing, list[str]]:
    """Return the service with the credentials that it asks about."""
    publishing = world.registry.publishing.releases
    there, credentials = publishing.authorization, list[str]()
    noting = Asked(there.directory, there.clock, there.readers, by=(credentials,))
    return replace(publishing, authorization=noting), credentials


async def test_a_credential_that_publishes_is_not_asked_again_for_ten_minutes(
    world: World, asked: tuple[Publishing, list[str]]
) -> None:
    publishing, credentials = asked
    one, other = owner(world, "one"), owner(world, "other")
    await publishing.push(Upload(bala("acme/greet:1.0.0")), by=one)
    await publishing.push(Upload(bala("acme/greet:1.0.1")), by=other)
    world.clock.advance(PUBLISHER_CACHED_FOR)
    await publishing.push(Upload(bala("acme/greet:1.0.2")), by=one)
    assert credentials == ["one", "other"]
    world.clock.at_ms += 1
    await publishing.push(Upload(bala("acme/greet:1.0.3")), by=one)
    assert credentials == ["one", "other", "one"]


async def test_a_push_says_what_is_left_of_the_limit_that_counted_it(world: World) -> None:
    publishing = world.registry.publishing.releases
    left = [
        (await publishing.push(Upload(bala(f"acme/greet:1.0.{patch}")), by=owner(world))).allowance
        for patch in range(2)
    ]
    assert [each.limit - each.remaining for each in left if each] == [1, 2]


class SlowRateLimiter(RateLimiter):
    """Counts a push some turns of the loop after its right is refused."""

    counted = 0

    async def count_push(self, by: Principal, package: Package) -> PublishAllowance:
        for _ in range(100):
            await asyncio.sleep(0)
        self.counted += 1
        return PublishAllowance()


async def test_a_refused_push_ends_after_it_is_counted(world: World) -> None:
    limiter = SlowRateLimiter.__new__(SlowRateLimiter)  # It needs nothing to count with.
    publishing = replace(world.registry.publishing.releases, rate_limiter=limiter)
    with pytest.raises(NotPermitted):
        await publishing.push(Upload(bala("other/greet:1.0.0")), by=owner(world))
    assert limiter.counted == 1


async def test_another_spelling_of_a_package_is_refused_with_the_registered_one(
    world: World,
) -> None:
    await push(world, bala("acme/greet:1.0.0"))
    with pytest.raises(SpelledDifferently) as refused:
        await push(world, bala("acme/Greet:1.0.1"))
    spellings = (Package.parse("acme", "Greet"), Package.parse("acme", "greet"))
    assert str(refused.value) == str(SpelledDifferently(*spellings))
    assert "Use the spelling acme/greet." in str(refused.value)


class TakenMeanwhile:
    """A store in which somebody else adds each release first."""

    def __init__(self, store: MetadataStore) -> None:
        self._store = store

    async def add_release(self, release: Release) -> None:
        await self._store.add_release(release)
        raise AlreadyThere

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def test_of_two_pushes_of_the_same_bytes_at_once_both_return_the_release(
    world: World,
) -> None:
    metadata = cast(MetadataStore, TakenMeanwhile(world.stores.metadata))
    publishing = replace(world.registry.publishing.releases, metadata=metadata)
    publication = await publishing.push(Upload(bala("acme/greet:1.0.0")), by=owner(world))
    release = publication.release
    found = await world.stores.metadata.find(release.coordinate)
    assert found.release is not None
    assert found.release.coordinate == release.coordinate
    with pytest.raises(VersionExists) as refused:
        await publishing.push(Upload(bala("acme/greet:1.0.0", readme="Other.")), by=owner(world))
    assert str(refused.value) == str(VersionExists(release.coordinate))


class SponsorLimiter(RateLimiter):
    """Says of every push that it is one of these bursts, of the publisher and of the sponsor."""

    def __init__(  # pyright: ignore[reportMissingSuperCall] - it counts nothing.
        self, own: str = "", of_both: str = "21 packages"
    ) -> None:
        self.own, self.of_both = own, of_both
        self.sponsors = list[tuple[str, Package]]()

    async def count_push(self, by: Principal, package: Package) -> PublishAllowance:
        return PublishAllowance(burst=self.own)

    async def count_burst_of(self, account_id: str, package: Package) -> str:
        self.sponsors.append((account_id, package))
        return self.of_both


async def invited_by_ann(world: World) -> Principal:
    """Return Mia, whom Ann has just invited to `acme`."""
    mia = world.people.mia.account
    member = Membership(
        org="acme",
        account=mia.id,
        role=Role.MAINTAINER,
        since_ms=world.clock.now_ms(),
        invited_by=world.people.ann.account.id,
    )
    await world.stores.directory.put(member)
    return Principal(mia.id, "session", (Grant(),))


async def test_a_push_of_a_new_member_counts_for_the_sponsor_and_may_be_one_of_a_burst(
    world: World,
) -> None:
    ann, by = world.people.ann.account, await invited_by_ann(world)
    limiter = SponsorLimiter()
    publishing = replace(world.registry.publishing.releases, rate_limiter=limiter)
    held = await publishing.push(Upload(bala("acme/greet:1.0.0")), by=by)
    assert "held: you and the inviting owner published 21 packages" in str(held.refusal)
    assert limiter.sponsors == [(ann.id, Package.parse("acme", "greet"))]
    other = (await publishing.push(Upload(bala("acme/other:1.0.0")), by=owner(world))).release
    assert not other.awaits_owner


async def test_a_push_of_a_new_member_is_published_where_neither_they_nor_the_sponsor_make_a_burst(
    world: World,
) -> None:
    limiter, by = SponsorLimiter(of_both=""), await invited_by_ann(world)
    publishing = replace(world.registry.publishing.releases, rate_limiter=limiter)
    release = (await publishing.push(Upload(bala("acme/greet:1.0.0")), by=by)).release
    assert not release.awaits_owner
    assert [account for account, _ in limiter.sponsors] == [world.people.ann.account.id]


async def test_a_burst_of_a_new_member_alone_is_not_said_to_be_of_the_sponsor_too(
    world: World,
) -> None:
    limiter, by = SponsorLimiter(own="22 packages"), await invited_by_ann(world)
    publishing = replace(world.registry.publishing.releases, rate_limiter=limiter)
    held = await publishing.push(Upload(bala("acme/greet:1.0.0")), by=by)
    assert "held: you published 22 packages" in str(held.refusal)
