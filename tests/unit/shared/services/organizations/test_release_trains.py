"""Release trains: who announces one, how long it runs, and how many packages it lets through."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import NotPermitted, SignInAgain
from shared.domain.errors.organizations import (
    NoReleaseTrain,
    OrganizationNotFound,
    ReleaseTrainRunning,
)
from shared.domain.identity import OPERATOR
from shared.domain.names import Package
from shared.domain.organizations import Organization, ReleaseTrainPlan, organization_place
from shared.domain.rights import Role
from shared.ports import Stale
from shared.services.organizations.release_trains import (
    RELEASES_FOR_EACH_PACKAGE,
    ReleaseTrainProgress,
    ReleaseTrains,
)
from tests.support.port_doubles import Fault, failing
from tests.support.services import ACME, KIM, LEE, MAX, OrganizationServices, acme_of_kim

PLAN = ReleaseTrainPlan(packages=3, hours=2)


@pytest.fixture
async def acme() -> OrganizationServices:
    """Return a world in which kim and lee own Acme."""
    world = await acme_of_kim()
    await world.add_members(LEE)
    return world


def trains(world: OrganizationServices) -> ReleaseTrains:
    return world.release_trains


async def announce(world: OrganizationServices, plan: ReleaseTrainPlan = PLAN) -> None:
    await trains(world).announce(ACME, plan, by=world.signed_in(KIM))


async def organization(world: OrganizationServices) -> Organization:
    found = await world.directory.get(Organization, organization_place(ACME))
    assert found
    return found


async def push(world: OrganizationServices, name: str) -> bool:
    return await trains(world).admits(await organization(world), Package.parse("acme", name))


async def progress(world: OrganizationServices) -> ReleaseTrainProgress | None:
    return await trains(world).show(ACME, by=world.signed_in(KIM))


async def counted(world: OrganizationServices) -> tuple[int, int]:
    shown = await progress(world)
    assert shown
    return shown.packages, shown.releases


async def test_so_many_packages_are_let_through_and_no_more(acme: OrganizationServices) -> None:
    assert not await push(acme, "before")
    await announce(acme)
    assert [await push(acme, name) for name in "abcdef"] == [True] * 3 + [False] * 3
    assert await counted(acme) == (3, 3)


async def test_further_versions_of_a_package_are_let_through_up_to_three_for_each(
    acme: OrganizationServices,
) -> None:
    await announce(acme)
    for name in "abc":
        assert await push(acme, name)
    assert not await push(acme, "d")
    versions = 3 * RELEASES_FOR_EACH_PACKAGE - 3
    assert [await push(acme, "a") for _ in range(versions + 1)] == [True] * versions + [False]
    assert await counted(acme) == (3, 3 * RELEASES_FOR_EACH_PACKAGE)


async def test_pushes_at_the_same_moment_are_counted_exactly(acme: OrganizationServices) -> None:
    await announce(acme, ReleaseTrainPlan(packages=10, hours=1))
    names = [f"p{number % 20}" for number in range(40)]
    admitted = await asyncio.gather(*(push(acme, name) for name in names))
    assert len({name for name, is_in in zip(names, admitted, strict=True) if is_in}) == 10
    packages, _ = await counted(acme)
    assert packages == 10


async def test_a_train_ends_by_itself(acme: OrganizationServices) -> None:
    await announce(acme)
    acme.clock.advance(timedelta(hours=2, milliseconds=-1))
    assert await push(acme, "a")
    acme.clock.advance(timedelta(milliseconds=1))
    assert not await push(acme, "a")
    assert await progress(acme) is None
    await announce(acme)
    assert await counted(acme) == (0, 0)


async def test_an_owner_ends_a_train_and_begins_another_one(acme: OrganizationServices) -> None:
    await announce(acme)
    assert await push(acme, "a")
    await trains(acme).end(ACME, by=acme.signed_in(LEE))
    assert not await push(acme, "a")
    with pytest.raises(NoReleaseTrain, match="Acme has no release train"):
        await trains(acme).end(ACME, by=acme.signed_in(LEE))
    await announce(acme)
    assert await counted(acme) == (0, 0)


async def test_one_train_runs_at_a_time(acme: OrganizationServices) -> None:
    await announce(acme)
    with pytest.raises(ReleaseTrainRunning, match="End it before you announce another one"):
        await announce(acme)


async def test_the_log_and_a_mail_to_each_owner_say_what_was_announced(
    acme: OrganizationServices,
) -> None:
    for account in (KIM, LEE):
        known = account.model_copy(update={"email": f"{account.name}@example.org"})
        await acme.directory.put(known)
    await announce(acme)
    await trains(acme).end(ACME, by=acme.signed_in(KIM))
    announced, ended = acme.events.feed[-2:]
    assert (announced.kind, announced.org, announced.actor) == ("train.announced", "acme", KIM.id)
    assert announced.details == {"packages": "3", "hours": "2"}
    assert ended.kind == "train.ended"
    for account in (KIM, LEE):
        [mail] = acme.mailer.to(f"{account.name}@example.org")
        assert mail.subject == "Acme publishes up to 3 packages"
        assert "/account/organizations/Acme/held" in mail.text


async def test_it_takes_an_owner_who_signed_in_recently(acme: OrganizationServices) -> None:
    await acme.memberships.set_member(ACME, MAX, Role.MAINTAINER, by=OPERATOR)
    service, old = trains(acme), acme.token_of(KIM)
    for refusal, by in (
        (SignInAgain, old),
        (NotPermitted, acme.signed_in(MAX)),
    ):
        with pytest.raises(refusal):
            await service.announce(ACME, PLAN, by=by)
        with pytest.raises(refusal):
            await service.end(ACME, by=by)
    assert await service.show(ACME, by=old) is None
    with pytest.raises(NotPermitted):
        await service.show(ACME, by=acme.signed_in(MAX))
    await acme.memberships.remove_member(ACME, MAX, by=OPERATOR)
    with pytest.raises(OrganizationNotFound):
        await service.announce(ACME, PLAN, by=acme.signed_in(MAX))


async def test_an_announcement_is_repeated_when_the_organization_changed_meanwhile(
    acme: OrganizationServices,
) -> None:
    service = trains(acme)
    writer = service.record_writer
    directory = failing(writer.directory, Fault("replace", Stale()))
    broken = replace(service, record_writer=replace(writer, directory=directory))
    await broken.announce(ACME, PLAN, by=acme.signed_in(KIM))
    assert await counted(acme) == (0, 0)


@pytest.mark.parametrize(
    ("packages", "hours"),
    [("0", "1"), ("501", "1"), ("3", "0"), ("3", "25"), ("x", "1"), ("", ""), ("²", "1")],
)
def test_a_plan_has_limits(packages: str, hours: str) -> None:
    with pytest.raises(InvalidRequest, match=r"from 1 to (500|24)"):
        ReleaseTrainPlan.parse(packages, hours)


def test_the_largest_plan_is_read() -> None:
    assert ReleaseTrainPlan.parse("500", "24") == ReleaseTrainPlan(packages=500, hours=24)


def test_an_organization_of_before_has_no_train() -> None:
    stored = Organization(name="acme", founder=KIM.id, created_ms=0).model_dump(mode="json")
    del stored["release_train"]
    assert Organization.model_validate(stored).release_train is None
