"""Owners say which jobs publish a package; a job makes one that is not there yet."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.errors.base import InvalidRequest, Refusal
from shared.domain.errors.identity import NotPermitted, SignInAgain
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.errors.packages import PackageNotFound
from shared.domain.errors.publishers import (
    PublisherExists,
    PublisherNotFound,
    PublishersAlone,
    WorkloadDiffers,
    WorkloadUnknown,
)
from shared.domain.errors.requests import Busy
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate, Package, parse_org
from shared.domain.packages import Pushers
from shared.domain.trusted_publishing.jobs import Provider
from shared.services.common import Adapters
from shared.services.tokens.trusted_publishing import (
    MAX_PUBLISHERS,
    PENDING_FOR,
    PUBLISHER_ID_LENGTH,
)
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.port_doubles import Fault, Moment, failing
from tests.support.trusted_publishing import RULES, TrustedPublishingWorld, trusting
from tests.support.world import OpenWorld, limited

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


async def test_an_owner_lists_the_publishers_of_an_organization(
    trust: TrustedPublishingWorld,
) -> None:
    added = await trust.add()
    assert await trust.world.registry.tokens.trusted_publishers.of_organization(
        ACME, by=trust.owner
    ) == [added]


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


@pytest.mark.parametrize(("who", "refusal"), [("mia", NotPermitted), ("bob", OrganizationNotFound)])
async def test_only_owners_add_list_and_remove(
    trust: TrustedPublishingWorld, who: str, refusal: type[Refusal]
) -> None:
    added = await trust.add()
    other = trust.person(getattr(trust.world.people, who))
    publishers = trust.world.registry.tokens.trusted_publishers
    with pytest.raises(refusal):
        await trust.add(by=other)
    with pytest.raises(refusal):
        await publishers.of_organization(ACME, by=other)
    with pytest.raises(refusal):
        await publishers.remove(ACME, added.id, by=other)
    with pytest.raises(refusal):
        await publishers.restrict_pushers(GREET, Pushers.PUBLISHERS, by=other)


@pytest.mark.parametrize("minutes", [None, 11])
async def test_changing_publishers_takes_a_fresh_sign_in(
    trust: TrustedPublishingWorld, minutes: int | None
) -> None:
    added = await trust.add()
    owner = trust.owner
    stale_ms = None if minutes is None else (owner.signed_in_ms or 0) - minutes * 60_000
    stale = trust.person(trust.world.people.ann, signed_in_ms=stale_ms)
    publishers = trust.world.registry.tokens.trusted_publishers
    with pytest.raises(SignInAgain):
        await trust.add("acme/other", by=stale)
    with pytest.raises(SignInAgain):
        await publishers.remove(ACME, added.id, by=stale)
    with pytest.raises(SignInAgain):
        await publishers.restrict_pushers(GREET, Pushers.PUBLISHERS, by=stale)
    assert await publishers.of_organization(ACME, by=stale) == [added]


async def test_an_organization_that_does_not_exist_has_no_publishers(
    trust: TrustedPublishingWorld,
) -> None:
    with pytest.raises(OrganizationNotFound):
        await trust.add("nobody/greet", by=OPERATOR)
    with pytest.raises(OrganizationNotFound):
        await trust.world.registry.tokens.trusted_publishers.of_organization(
            parse_org("nobody"), by=OPERATOR
        )


async def test_the_very_same_publisher_is_added_once(trust: TrustedPublishingWorld) -> None:
    added = await trust.add()
    with pytest.raises(PublisherExists, match=added.id):
        await trust.add("acme/GREET")


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


async def test_another_workflow_of_the_repository_is_another_publisher(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    await trust.add(rules={**RULES[Provider.GITHUB], "workflow": "nightly.yml"})
    assert await pending_of(trust) == [True, True]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"server": "https://git.example.org"}, "knows https://github.com"),
        ({"ids": {"repository_id": "74"}}, "repository_owner_id"),
        ({"rules": {"workflow": "release.yml"}}, "Anybody who may push a branch"),
        ({"repository": "octo/\x1b[31mgreet"}, "name of a repository"),
        ({"repository": "x" * 256}, "name of a repository"),
    ],
)
async def test_a_publisher_that_could_not_work_or_excludes_nobody_is_refused(
    trust: TrustedPublishingWorld, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        await trust.add(**changes)


async def test_a_provider_that_the_operator_does_not_take_is_refused(worlds: OpenWorld) -> None:
    trust = await trusting(worlds, publish_from_gitlab="")
    with pytest.raises(InvalidRequest, match="knows none"):
        await trust.add(provider=Provider.GITLAB)


async def test_a_publisher_of_a_package_that_is_there_waits_for_nothing(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    await trust.add("acme/Greet")
    assert await pending_of(trust) == [False]


async def test_the_first_push_of_a_job_makes_the_package_and_binds_its_publisher(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    job = await trust.job()
    await trust.world.push(bala("acme/greet:1.0.0"), by=job)
    assert await pending_of(trust) == [False]
    assert "publisher.bound" in [event.kind for event in await trust.log()]
    trust.world.clock.advance(PENDING_FOR + timedelta(days=1))
    await trust.world.push(bala("acme/greet:1.1.0"), by=await trust.job())


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


async def test_a_job_publishes_no_other_package(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    job = await trust.job()
    with pytest.raises(ClientFailure):
        await trust.world.push(bala("acme/other:1.0.0"), by=job)
    await trust.world.push(bala("acme/other:1.0.0"))
    with pytest.raises(ClientFailure):
        await trust.world.push(bala("acme/other:2.0.0"), by=job)


async def test_an_expired_pending_publisher_is_not_found(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    trust.world.clock.advance(PENDING_FOR)
    assert await pending_of(trust) == []
    with pytest.raises(WorkloadUnknown):
        await trust.mint()


async def test_a_publisher_does_not_take_a_package_that_somebody_else_made(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    await trust.world.push(bala("acme/greet:1.0.0"))
    with pytest.raises(WorkloadDiffers, match="made by another"):
        await trust.mint()


async def test_a_removed_publisher_gets_no_token_any_more(trust: TrustedPublishingWorld) -> None:
    added = await trust.add()
    publishers = trust.world.registry.tokens.trusted_publishers
    await publishers.remove(ACME, added.id, by=trust.owner)
    with pytest.raises(WorkloadUnknown):
        await trust.mint()
    with pytest.raises(PublisherNotFound):
        await publishers.remove(ACME, added.id, by=trust.owner)
    assert "publisher.removed" in [event.kind for event in await trust.log()]


async def test_the_publishers_of_others_are_as_unknown_as_those_that_are_not_there(
    trust: TrustedPublishingWorld,
) -> None:
    added = await trust.add()
    bob = trust.person(trust.world.people.bob)
    publishers = trust.world.registry.tokens.trusted_publishers
    with pytest.raises(PublisherNotFound):
        await publishers.remove(parse_org("other"), added.id, by=bob)
    assert await publishers.of_organization(ACME, by=trust.owner) == [added]


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


async def test_a_caller_without_the_right_does_not_read_about_publishers(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    await trust.add()
    publishers = trust.world.registry.tokens.trusted_publishers
    await publishers.restrict_pushers(GREET, Pushers.PUBLISHERS, by=trust.owner)
    reader = await limited(trust.world, trust.world.people.ann, "read")
    with pytest.raises(ClientFailure, match="lacks the scope"):
        await trust.world.push(bala("acme/greet:1.1.0"), by=reader)


@pytest.mark.parametrize("publisher_id", ["publisher1", "a/b", "a#b", "a b", "", "\u0663"])
async def test_an_invalid_id_is_not_found(trust: TrustedPublishingWorld, publisher_id: str) -> None:
    publishers = trust.world.registry.tokens.trusted_publishers
    with pytest.raises(PublisherNotFound):
        await publishers.remove(ACME, publisher_id, by=trust.owner)


async def test_the_operator_restricts_and_is_restricted(trust: TrustedPublishingWorld) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    await trust.add()
    publishers = trust.world.registry.tokens.trusted_publishers
    head = await publishers.restrict_pushers(GREET, Pushers.PUBLISHERS, by=OPERATOR)
    assert head.pushers is Pushers.PUBLISHERS
    found = await trust.world.stores.metadata.find(Coordinate.parse("acme", "greet", "1.1.0"))
    with pytest.raises(PublishersAlone):
        await trust.world.registry.publishing.releases.require_right(GREET, found.head, OPERATOR)


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


async def test_a_removed_or_bound_publisher_is_in_the_log_with_its_rules(
    trust: TrustedPublishingWorld,
) -> None:
    added = await trust.add()
    await trust.world.push(bala("acme/greet:1.0.0"), by=await trust.job())
    [bound] = [each for each in await trust.log() if each.kind == "publisher.bound"]
    assert (bound.subject, bound.details) == ("acme/greet", {"publisher": added.id})
    await trust.world.registry.tokens.trusted_publishers.remove(ACME, added.id, by=trust.owner)
    [removed] = [each for each in await trust.log() if each.kind == "publisher.removed"]
    assert (removed.subject, removed.actor) == ("acme/greet", trust.owner.id)
    assert removed.details == {
        "publisher": added.id,
        "provider": "github",
        "repository": "octo/greet",
        "workflow": "release.yml",
        "refs": "refs/tags/v*",
        "environment": "release",
        "protected": "yes",
    }


async def test_a_publisher_says_who_added_it_and_since_when(trust: TrustedPublishingWorld) -> None:
    added = await trust.add(server="https://github.com/")
    now_ms = trust.world.clock.now_ms()
    assert (added.org, added.package, added.by, added.created_ms) == (
        *("acme", "greet", trust.owner.id, now_ms),
    )
    assert (added.server, len(added.id)) == ("https://github.com", PUBLISHER_ID_LENGTH)
    assert added.pending_until_ms == now_ms + PENDING_FOR // timedelta(milliseconds=1)


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


async def test_an_unknown_server_is_refused_with_the_known_ones(worlds: OpenWorld) -> None:
    trust = await trusting(worlds, publish_from_gitlab="https://gitlab.com,https://git.acme.test")
    with pytest.raises(InvalidRequest) as refused:
        await trust.add(provider=Provider.GITLAB, server="https://git.other.test")
    assert str(refused.value) == (
        "This registry takes no jobs of GitLab CI from 'https://git.other.test'; of its servers "
        "it knows https://git.acme.test and https://gitlab.com. Ask the operator to add yours."
    )
