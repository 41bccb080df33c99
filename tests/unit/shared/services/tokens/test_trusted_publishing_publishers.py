"""Owners say which jobs publish a package; a job makes one that is not there yet."""

from dataclasses import replace

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import NotPermitted
from shared.domain.errors.packages import PackageNotFound
from shared.domain.errors.publishers import (
    PublisherExists,
    PublisherNotFound,
    WorkloadDiffers,
)
from shared.domain.errors.requests import Busy
from shared.domain.names import Package, parse_org
from shared.domain.packages import Pushers
from shared.domain.trusted_publishing.jobs import Provider
from shared.services.common import Adapters
from shared.services.tokens.trusted_publishing import (
    MAX_PUBLISHERS,
)
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.port_doubles import Fault, Moment, failing
from tests.support.trusted_publishing import TrustedPublishingWorld, trusting
from tests.support.world import OpenWorld

ACME = parse_org("acme")
GREET = Package.parse("acme", "greet")


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    """Return a registry that takes jobs."""
    return await trusting(worlds)


async def pending_of(trust: TrustedPublishingWorld) -> list[bool]:
    """Return which publishers of acme wait for their package."""
    found = await trust.world.registry.tokens.trusted_publishers.of_organization(
        ACME, by=trust.owner
    )
    return [each.pending_until_ms is not None for each in found]


async def test_an_added_publisher_is_in_the_log_with_its_rules(
    trust: TrustedPublishingWorld,
) -> None:
    added = await trust.add()
    [event] = [each for each in await trust.log() if each.kind == "publisher.added"]
    assert (event.subject, event.actor) == ("acme/greet", trust.owner.id)
    assert event.details == {
        "publisher": added.id,
        "provider": "github",
        "repository": "octo/greet",
        "repository_id": "74",
        "repository_owner_id": "65",
        "workflow": "release.yml",
        "refs": "refs/tags/v*",
        "environment": "release",
        "protected": "yes",
    }


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


async def test_a_provider_that_the_operator_does_not_take_is_refused(worlds: OpenWorld) -> None:
    trust = await trusting(worlds, publish_from_gitlab="")
    with pytest.raises(InvalidRequest, match="knows none"):
        await trust.add(provider=Provider.GITLAB)


async def test_a_job_whose_push_is_lost_and_repeated_reads_that_it_is_done(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    job = await trust.job()
    for _ in range(2):
        await trust.world.push(bala("acme/greet:1.0.0"), by=job)


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("method", ["list_by_owner", "replace"])
async def test_a_push_that_fails_while_it_binds_its_publisher_is_completed_by_its_repeat(
    worlds: OpenWorld, moment: Moment, method: str
) -> None:
    fault = Fault(method, Busy(), moment, nth=0)

    def breaking(stores: Adapters) -> Adapters:
        return replace(stores, directory=failing(stores.directory, fault))

    trust = await trusting(worlds, breaking)
    await trust.add()
    job = await trust.job()
    fault.nth = fault.calls + 1
    form = multipart("greet.bala", bala("acme/greet:1.0.0"))
    assert (await trust.world.upload(form, by=job)).status_code == 503
    assert await trust.world.stores.metadata.releases(GREET) == []
    assert (await trust.world.upload(form, by=job)).status_code == 204
    assert await pending_of(trust) == [False]
    await trust.world.registry.maintenance.upkeep.run("process-outboxes")
    assert [event.kind for event in await trust.log()].count("publisher.bound") == 1


async def test_a_publisher_does_not_take_a_package_that_somebody_else_made(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    await trust.world.push(bala("acme/greet:1.0.0"))
    with pytest.raises(WorkloadDiffers, match="made by another"):
        await trust.mint()


async def test_a_package_of_publishers_alone_takes_no_stored_token(
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


async def test_a_package_without_publishers_is_never_closed_for_all(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    publishers = trust.world.registry.tokens.trusted_publishers
    with pytest.raises(InvalidRequest, match="nobody could push"):
        await publishers.restrict_pushers(GREET, Pushers.PUBLISHERS, by=trust.owner)
    nothing = Package.parse("acme", "nothing")
    with pytest.raises(PackageNotFound):
        await publishers.restrict_pushers(nothing, Pushers.MEMBERS, by=trust.owner)


async def test_each_refusal_of_a_publisher_names_what_is_there(
    trust: TrustedPublishingWorld,
) -> None:
    added = await trust.add()
    publishers = trust.world.registry.tokens.trusted_publishers
    with pytest.raises(PublisherExists) as exists:
        await trust.add()
    assert str(exists.value) == str(PublisherExists(GREET, added.id))
    for id_ in ("publisher1", "a/b"):
        with pytest.raises(PublisherNotFound) as absent:
            await publishers.remove(ACME, id_, by=trust.owner)
        assert str(absent.value) == str(PublisherNotFound(id_))
