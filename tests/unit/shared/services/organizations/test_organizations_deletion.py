"""Organizations that never published anything can be deleted, with two days to think again."""

from datetime import timedelta

import pytest

from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.entities import Entity
from shared.domain.errors.base import Forbidden
from shared.domain.errors.identity import OrganizationExists
from shared.domain.errors.requests import Busy
from shared.domain.memberships import OWNER_CHANGE_DELAY
from shared.domain.names import OrgName
from shared.domain.organizations import NameOwner
from shared.domain.packages import Head, Release
from shared.domain.principals import OPERATOR, Principal
from shared.domain.release_states import State
from shared.domain.visibility import Visibility
from shared.ports.conflicts import Stale
from shared.services.maintenance.finish_deletions import NAME_FREE_AFTER
from shared.services.organizations import organizations
from tests.support.port_doubles import Fault, OtherWriter
from tests.support.refusals import raises_refusal
from tests.support.services import (
    ACME,
    KIM,
    LEE,
    MAX,
    FakePackages,
    OrganizationServices,
    acme_of_kim,
)

GREET = Package.parse("acme", "greet")


@pytest.fixture
async def acme() -> OrganizationServices:
    """Return a world in which kim and lee own Acme, which is empty."""
    world = await acme_of_kim()
    await world.add_members(LEE)
    return world


def head(package: Package) -> Head:
    return Head(org=package.org, name=package.name, visibility=Visibility.PUBLIC, created_ms=0)


def release(package: Package, state: State = State.LIVE) -> Release:
    """Return a release of the package, with what is asked about it alone."""
    fields = {"org": package.org, "name": package.name, "version": "1.0.0", "state": state}
    return Release.model_construct(None, **fields)


async def test_a_repeat_does_not_begin_the_two_days_again(acme: OrganizationServices) -> None:
    first = await acme.organization_deletion.delete(ACME, by=acme.signed_in(KIM))
    acme.clock.advance(timedelta(hours=1))
    acme.clear_calls()
    again = await acme.organization_deletion.delete(ACME, by=acme.signed_in(LEE))
    assert again.deleting_ms == first.deleting_ms
    assert acme.events.feed == []


async def test_all_owners_are_told_where_to_cancel_a_deletion(acme: OrganizationServices) -> None:
    await acme.organization_deletion.delete(ACME, by=acme.signed_in(KIM))
    assert sorted(each.to for each in acme.mailer.sent) == ["kim@example.org", "lee@example.org"]
    page = acme.membership_records.organization_url(ACME)
    assert all(page in each.text for each in acme.mailer.sent)


async def test_all_owners_are_told_who_cancels_a_deletion(acme: OrganizationServices) -> None:
    await acme.organization_deletion.delete(ACME, by=acme.signed_in(KIM))
    acme.mailer.sent.clear()
    kept = await acme.organization_deletion.cancel(ACME, by=acme.signed_in(LEE))
    assert kept.deleting_ms is None
    assert sorted(each.to for each in acme.mailer.sent) == ["kim@example.org", "lee@example.org"]
    assert all("lee" in each.text for each in acme.mailer.sent)


async def test_nobody_but_an_administrator_is_given_a_name_of_the_language(
    acme: OrganizationServices,
) -> None:
    with pytest.raises(Forbidden, match="Give it to an administrator, and not to max"):
        await acme.organizations.create(OrgName("ballerinaxyz"), MAX, by=OPERATOR)


async def test_behind_many_claimed_names_a_release_is_found(acme: OrganizationServices) -> None:
    claimed = [
        Package.parse("acme", f"p{number:03}")
        for number in range(organizations.PACKAGES_READ_AT_ONCE + 1)
    ]
    last = claimed[-1]
    acme.packages = FakePackages([head(each) for each in claimed], {str(last): [release(last)]})
    with raises_refusal("organization-not-empty", match=str(last)):
        await acme.organization_deletion.delete(ACME, by=acme.signed_in(KIM))


async def test_a_push_that_was_running_prevents_the_deletion(acme: OrganizationServices) -> None:
    other = OrgName("other")
    await acme.organizations.create(other, MAX, by=OPERATOR)
    await acme.organization_deletion.delete(ACME, by=acme.signed_in(KIM))
    await acme.organization_deletion.delete(other, by=acme.signed_in(MAX))
    acme.packages = FakePackages([head(GREET)], {str(GREET): [release(GREET)]})
    acme.clear_calls()
    report = await acme.finish_deletions.run()
    assert (report.seen, report.changed) == (2, 1)
    assert (await acme.acme()).deleting_ms is None
    assert {mail.to for mail in acme.mailer.sent} == {KIM.email, LEE.email}
    assert {event.actor for event in acme.events.feed} == {"upkeep"}
    assert (await acme.finish_deletions.run()).changed == 0


@pytest.mark.parametrize("by", [OPERATOR, None], ids=["operator", "owner"])
@pytest.mark.parametrize("later", [timedelta(0), OWNER_CHANGE_DELAY + NAME_FREE_AFTER])
async def test_a_push_that_was_under_way_revives_its_organization(
    acme: OrganizationServices, by: Principal | None, later: timedelta
) -> None:
    await acme.organization_deletion.delete(
        ACME, by=by or acme.signed_in(KIM), reason="It was decided."
    )
    acme.packages = FakePackages([head(GREET)], {str(GREET): [release(GREET)]})
    acme.clock.advance(later)
    report = await acme.finish_deletions.run()
    assert (report.seen, report.changed) == (1, 1)
    assert (await acme.acme()).deleting_ms is None
    assert "kim" in acme.roles()


async def test_a_deletion_that_an_owner_cancels_before_the_task_does_is_cancelled_once(
    acme: OrganizationServices,
) -> None:
    await acme.organization_deletion.delete(ACME, by=acme.signed_in(KIM))
    acme.packages = FakePackages([head(GREET)], {str(GREET): [release(GREET)]})
    acme.clear_calls()
    owner = OtherWriter(
        "replace", lambda: acme.organization_deletion.cancel(ACME, by=acme.signed_in(LEE))
    )
    acme.directory = owner.over(acme.directory)
    assert (await acme.finish_deletions.run()).problems == ()
    assert owner.has_acted
    assert (await acme.acme()).deleting_ms is None
    events = [(event.kind, event.actor) for event in acme.events.feed]
    assert events == 3 * [("organization.kept", LEE.id)]  # Of Acme, and of each owner.
    assert all("lee" in mail.text for mail in acme.mailer.sent)
    assert len(acme.mailer.sent) == 2


async def of_an_organization(acme: OrganizationServices) -> list[Entity]:
    """Return everything that is stored of Acme, without accounts and the owner of its name."""
    kept = (Account, NameOwner)
    return [each for each in acme.directory.entities.values() if not isinstance(each, kept)]


async def test_a_release_of_a_name_that_was_cut_off_is_finished_by_the_next(
    acme: OrganizationServices,
) -> None:
    await acme.organization_deletion.delete(ACME, by=OPERATOR, reason="It was decided.")
    acme.clock.advance(NAME_FREE_AFTER)
    whole = acme.directory
    acme.directory = Fault("remove", Busy(), nth=2).over(acme.directory)
    report = await acme.finish_deletions.run()
    assert (report.seen, report.changed) == (1, 0)
    assert report.problems == (f"Acme: {Busy()}",)
    acme.directory = whole
    with pytest.raises(OrganizationExists):
        await acme.organizations.create(ACME, MAX, by=OPERATOR)
    assert (await acme.finish_deletions.run()).changed == 1
    assert await of_an_organization(acme) == []


@pytest.mark.parametrize(
    ("error", "sentence"), [(Busy(), str(Busy())), (Stale(), "it was changed meanwhile.")]
)
async def test_an_organization_that_cannot_be_removed_does_not_delay_others(
    acme: OrganizationServices, error: Exception, sentence: str
) -> None:
    for name in ("beta", "gamma"):
        await acme.organizations.create(OrgName(name), MAX, by=OPERATOR)
    for name in ("acme", "beta", "gamma"):
        await acme.organization_deletion.delete(
            OrgName(name), by=OPERATOR, reason="It was decided."
        )
    acme.clock.advance(NAME_FREE_AFTER)
    acme.directory = Fault("remove", error).over(acme.directory)
    report = await acme.finish_deletions.run()
    assert (report.seen, report.changed) == (3, 2)
    assert report.problems == (f"Acme: {sentence}",)
    assert (await acme.finish_deletions.run()).changed == 1
    assert await of_an_organization(acme) == []


async def test_a_name_with_a_claimed_package_never_becomes_available(
    acme: OrganizationServices,
) -> None:
    other = Package.parse("acmeother", "greet")
    acme.packages.heads = [head(GREET), head(other)]
    await acme.organization_deletion.delete(ACME, by=OPERATOR, reason="It was decided.")
    acme.clock.advance(timedelta(days=1000))
    assert (await acme.finish_deletions.run()).changed == 0
    with pytest.raises(OrganizationExists):
        await acme.organizations.create(ACME, MAX, by=OPERATOR)
    acme.packages.heads = [head(other)]
    assert (await acme.finish_deletions.run()).changed == 1
