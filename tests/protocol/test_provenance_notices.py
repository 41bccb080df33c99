"""Owners are told when a release has lost the provenance that the one before it had."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.mail import Mail
from shared.domain.principals import OPERATOR
from shared.ports.mail import Undelivered
from shared.services.maintenance.notify_dependents import NotifyDependents
from shared.services.maintenance.tasks import require_task
from tests.fakes.mail import FakeMailer
from tests.support.archives import bala
from tests.support.sigstore_instances import SigstoreInstance
from tests.support.sigstore_pushes import hex_of, opened, push
from tests.support.trusted_publishing import TrustedPublishingWorld, trusting
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured


async def with_addresses(world: World) -> None:
    for name in ("ann", "mia"):
        account = getattr(world.people, name).account
        known = account.model_copy(update={"email": f"{name}@example.org"})
        await world.stores.directory.put(known)


async def notify(world: World) -> None:
    await world.registry.maintenance.task_runner.run("notify-dependents")


def mail_to(world: World, name: str = "ann") -> list[str]:
    found = world.mailer.to(f"{name}@example.org")
    return [each.text for each in found if "provenance" in each.subject]


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    """Return a registry with a release that CI published."""
    trust = await trusting(worlds)
    await trust.add()
    await with_addresses(trust.world)
    await trust.world.push(bala("acme/greet:1.0.0"), by=await trust.job())
    trust.world.clock.advance(timedelta(minutes=1))
    return trust


async def test_owners_get_one_mail_when_a_token_publishes_after_ci(
    trust: TrustedPublishingWorld,
) -> None:
    world = trust.world
    await world.push(bala("acme/greet:1.0.1"))
    for _ in range(2):
        await notify(world)
    [mail] = mail_to(world)
    assert "acme/greet:1.0.1 was published with a stored token" in mail
    assert "1.0.0" in mail
    assert "/packages/acme/greet/1.0.1" in mail
    assert mail_to(world, "mia") == []  # A member.


async def test_releases_that_follow_it_tell_nobody_again(trust: TrustedPublishingWorld) -> None:
    world = trust.world
    for version in ("1.0.1", "1.0.2"):
        await world.push(bala(f"acme/greet:{version}"))
        world.clock.advance(timedelta(minutes=1))
        await notify(world)
    assert len(mail_to(world)) == 1


async def test_a_second_loss_is_told_after_the_first_one_was_withdrawn(
    trust: TrustedPublishingWorld,
) -> None:
    world = trust.world
    await world.push(bala("acme/greet:1.0.1"))
    await notify(world)
    removed = Coordinate.from_text("acme/greet:1.0.1")
    await world.registry.publishing.moderation.remove(removed, "Stolen.", by=OPERATOR)
    world.clock.advance(timedelta(minutes=1))
    await world.push(bala("acme/greet:1.0.2"))
    await notify(world)
    assert ["acme/greet:1.0.2" in each for each in mail_to(world)] == [False, True]


async def test_packages_without_provenance_tell_nobody(trust: TrustedPublishingWorld) -> None:
    world = trust.world
    for version in ("1.0.0", "1.0.1"):
        await world.push(bala(f"acme/other:{version}"))
    await world.push(bala("acme/greet:1.0.1"), by=await trust.job())
    await notify(world)
    assert mail_to(world) == []


async def test_a_mail_that_was_lost_with_its_process_is_sent_by_a_later_run(
    trust: TrustedPublishingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = trust.world
    await world.push(bala("acme/greet:1.0.1"))
    with monkeypatch.context() as ended:
        ended.setattr(FakeMailer, "send", _end)
        with pytest.raises(asyncio.CancelledError):
            await notify(world)
    world.clock.advance(timedelta(minutes=11))  # The claim of the process that ended has lapsed.
    await notify(world)
    assert len(mail_to(world)) == 1


async def _end(_mailer: FakeMailer, _mail: Mail) -> None:
    raise asyncio.CancelledError


async def test_a_run_with_a_slow_mail_server_ends_when_its_time_is_over(
    trust: TrustedPublishingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = trust.world
    await trust.add("acme/other")
    await world.push(bala("acme/other:1.0.0"), by=await trust.job())
    world.clock.advance(timedelta(minutes=1))
    for name in ("greet", "other"):
        await world.push(bala(f"acme/{name}:1.0.1"))

    async def refuse(_mailer: FakeMailer, _mail: Mail) -> None:
        world.clock.advance(timedelta(seconds=10))
        reason = "timed out"
        raise Undelivered(reason)

    monkeypatch.setattr(FakeMailer, "send", refuse)
    task = require_task(world.registry.maintenance.tasks, "notify-dependents")
    assert isinstance(task, NotifyDependents)
    began_ms = world.clock.now_ms()
    for runs in (1, 2):  # The second goes on with the next release.
        await task.provenance_notices.run(world.clock.now_ms() + 1)
        assert world.clock.now_ms() - began_ms == runs * 10_000


# --- Sigstore ------------------------------------------------------------------------------------


@pytest.fixture
async def verified(worlds: OpenWorld, tmp_path: Path) -> TrustedPublishingWorld:
    """Return a registry with a release that has a Sigstore bundle."""
    public = SigstoreInstance.public_good()
    trust = await opened(worlds, tmp_path, public)
    await with_addresses(trust.world)
    archive = bala("acme/greet:1.0.0")
    answer = await push(trust, archive, public.bundle(hex_of(archive)))
    assert answer.status_code == 204, answer.text
    trust.world.clock.advance(timedelta(minutes=1))
    return trust


async def test_a_release_without_the_bundle_that_the_one_before_had_is_told_after_an_hour(
    verified: TrustedPublishingWorld,
) -> None:
    """A bundle comes up to an hour after a Maven artifact."""
    world = verified.world
    await world.push(bala("acme/greet:1.0.1"), by=await verified.job())
    await notify(world)
    assert mail_to(world) == []
    world.clock.advance(timedelta(minutes=61))
    for _ in range(2):
        await notify(world)
    [mail] = mail_to(world)
    assert "acme/greet:1.0.1 was published without a Sigstore bundle" in mail


async def test_a_release_that_waits_for_its_bundle_keeps_no_other_mail_back(
    verified: TrustedPublishingWorld,
) -> None:
    world = verified.world
    await verified.add("acme/other")
    await world.push(bala("acme/other:1.0.0"), by=await verified.job())
    await world.push(bala("acme/greet:1.0.1"), by=await verified.job())
    world.clock.advance(timedelta(minutes=1))
    await world.push(bala("acme/other:1.0.1"))
    await notify(world)
    [mail] = mail_to(world)
    assert "acme/other:1.0.1" in mail
