"""A job that proves what it is gets a token for what it is trusted with, and for nothing else."""

import asyncio

import pytest

from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import NotPermitted
from shared.domain.errors.requests import Busy
from shared.domain.names import parse_org
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import Pushers
from shared.domain.trusted_publishing.jobs import Provider
from shared.services.tokens.trusted_publishers import MAX_PUBLISHERS
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.port_doubles import Fault, Moment
from tests.support.refusals import raises_refusal
from tests.support.trusted_publishing import TrustedPublishingWorld, trusting
from tests.support.world import OpenWorld

ACME = parse_org("acme")


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    """Return a registry that takes jobs."""
    return await trusting(worlds)


async def _two_organizations(trust: TrustedPublishingWorld) -> None:
    await trust.add("acme/greet")
    await trust.add("other/greet", by=trust.person(trust.world.people.bob))


async def test_a_job_of_two_organizations_says_for_which_it_publishes(
    trust: TrustedPublishingWorld,
) -> None:
    await _two_organizations(trust)
    with pytest.raises(InvalidRequest, match="acme, other"):
        await trust.mint()
    token = await trust.exchange(trust.ci.token(Provider.GITHUB), org=parse_org("OTHER"))
    assert token.token.org == "other"
    assert {grant.org for grant in token.token.grants} == {"other"}


async def test_a_question_that_cannot_be_answered_uses_no_token_up(
    trust: TrustedPublishingWorld,
) -> None:
    await _two_organizations(trust)
    token = trust.ci.token(Provider.GITHUB)
    with pytest.raises(InvalidRequest):
        await trust.exchange(token)
    assert await trust.exchange(token, org=ACME)


async def test_a_deleted_organization_publishes_nothing(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    directory = trust.world.stores.directory
    organization = await directory.get(Organization, organization_place(ACME))
    assert organization is not None
    now_ms = trust.world.clock.now_ms()
    await directory.replace(organization.model_copy(update={"deleting_ms": now_ms}))
    with raises_refusal("workload-unknown"):
        await trust.mint()


async def test_jobs_at_the_same_time_get_tokens_of_their_own(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    issued = await asyncio.gather(*(trust.mint() for _ in range(5)))
    assert len({each.token.id for each in issued}) == 5
    assert len({each.text.reveal() for each in issued}) == 5


# --- publishers -----------------------------------------------------------------------------------


GREET = Package.parse("acme", "greet")


async def pending_of(trust: TrustedPublishingWorld) -> list[bool]:
    """Return which publishers of acme wait for their package."""
    found = await trust.world.registry.tokens.trusted_publishers.of_organization(
        ACME, by=trust.owner
    )
    return [each.pending_until_ms is not None for each in found]


async def test_an_organization_has_a_thousand_publishers_at_most(
    trust: TrustedPublishingWorld,
) -> None:
    first = await trust.add("acme/package")
    copies = [
        first.model_copy(update={"id": f"copy{number}", "package": f"package{number}"})
        for number in range(MAX_PUBLISHERS - 1)
    ]
    await trust.world.stores.directory.add(*copies)
    with pytest.raises(NotPermitted) as refused:
        await trust.add()
    assert str(refused.value) == (
        "You may not add another trusted publisher: acme has 1000 publishers; remove some first."
    )


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("method", ["list_by_owner", "replace"])
async def test_a_push_that_fails_while_it_binds_its_publisher_is_completed_by_its_repeat(
    worlds: OpenWorld, moment: Moment, method: str
) -> None:
    fault = Fault(method, Busy(), moment, nth=0)
    trust = await trusting(worlds, fault.at("directory"))
    await trust.add()
    job = await trust.job()
    fault.nth = fault.calls + 1
    form = multipart("greet.bala", bala("acme/greet:1.0.0"))
    assert (await trust.world.upload(form, by=job)).status_code == 503
    assert await trust.world.stores.metadata.releases(GREET) == []
    assert (await trust.world.upload(form, by=job)).status_code == 204
    assert await pending_of(trust) == [False]
    await trust.world.registry.maintenance.task_runner.run("process-outboxes")
    assert [event.kind for event in await trust.log()].count("publisher.bound") == 1


async def test_a_package_that_only_publishers_push_takes_no_stored_token(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    await trust.add()
    publishers = trust.world.registry.tokens.trusted_publishers
    await publishers.restrict_pushers(GREET, Pushers.PUBLISHERS, by=trust.owner)
    for person in (trust.world.people.ann, trust.world.people.admin):
        with pytest.raises(ClientFailure, match="published by its trusted publishers alone"):
            await trust.world.push(bala("acme/greet:1.1.0"), by=person)
    await trust.world.push(bala("acme/greet:1.1.0"), by=await trust.job())
    await publishers.restrict_pushers(GREET, Pushers.MEMBERS, by=trust.owner)
    await trust.world.push(bala("acme/greet:1.2.0"))


async def test_saying_the_same_twice_changes_the_package_once(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    await trust.add()
    publishers = trust.world.registry.tokens.trusted_publishers
    first = await publishers.restrict_pushers(GREET, Pushers.PUBLISHERS, by=trust.owner)
    again = await publishers.restrict_pushers(GREET, Pushers.PUBLISHERS, by=trust.owner)
    assert again.revision == first.revision
    kinds = [event.kind for event in await trust.log()]
    assert kinds.count("package.pushers-changed") == 1


@pytest.mark.parametrize("unknown", ["publisher1", "a/b"])
async def test_a_publisher_that_is_not_there_is_not_found(
    trust: TrustedPublishingWorld, unknown: str
) -> None:
    with raises_refusal("publisher-not-found", match=unknown):
        await trust.world.registry.tokens.trusted_publishers.remove(ACME, unknown, by=trust.owner)
