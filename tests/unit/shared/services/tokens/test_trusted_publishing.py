"""A job that proves what it is gets a token for what it is trusted with, and for nothing else."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import IdTokenUsed
from shared.domain.errors.publishers import WorkloadDiffers, WorkloadUnknown
from shared.domain.identity import OPERATOR
from shared.domain.names import parse_org
from shared.domain.organizations import Organization, organization_place
from shared.domain.rights import Scope
from shared.domain.trusted_publishing.jobs import Provider
from shared.services.tokens.trusted_publishing import MAX_PUBLISHERS_READ, TOKEN_LIFETIME
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.trusted_publishing import COMMIT, IDS, RULES, TrustedPublishingWorld, trusting
from tests.support.world import OpenWorld, Person

ACME = parse_org("acme")
PUSH = {Scope.PUSH_VERSION}
MAKE = {Scope.PUSH_VERSION, Scope.PUSH_NEW}


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    """Return a registry that takes jobs."""
    return await trusting(worlds)


@pytest.mark.parametrize("provider", Provider)
async def test_a_job_of_every_provider_gets_a_token_of_its_organization(
    trust: TrustedPublishingWorld, provider: Provider
) -> None:
    publisher = await trust.add(provider=provider)
    token = (await trust.mint(provider)).token
    assert token.org == "acme"
    assert token.expires_ms == trust.world.clock.now_ms() + 15 * 60 * 1000
    assert [(g.org, g.package, g.scopes) for g in token.grants] == [("acme", "greet", MAKE)]
    assert token.provenance is not None
    assert (token.provenance.provider, token.provenance.publishers) == (
        provider.value,
        (publisher.id,),
    )


async def test_a_job_makes_only_packages_that_wait_for_it(trust: TrustedPublishingWorld) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    await trust.add("acme/greet")
    await trust.add("acme/new")
    grants = (await trust.mint()).token.grants
    assert {grant.package: grant.scopes for grant in grants} == {"greet": PUSH, "new": MAKE}


async def test_each_of_several_packages_is_bound_by_its_own_first_push(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/one")
    await trust.add("acme/two")
    job = await trust.job()
    await trust.world.push(bala("acme/one:1.0.0"), by=job)
    found = await trust.world.registry.tokens.trusted_publishers.of_organization(
        ACME, by=trust.owner
    )
    assert {each.package: each.pending_until_ms is None for each in found} == {
        "one": True,
        "two": False,
    }


async def test_the_token_of_a_job_ends_after_a_quarter_of_an_hour(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    job = await trust.job()
    trust.world.clock.advance(TOKEN_LIFETIME)
    with pytest.raises(ClientFailure, match="expired"):
        await trust.world.push(bala("acme/greet:1.0.0"), by=job)


@pytest.mark.parametrize(
    "path", ["/api/v1/tokens", "/api/v1/orgs/acme/publishers", "/api/v1/orgs/acme/audit"]
)
async def test_the_token_of_a_job_opens_nothing_else(
    trust: TrustedPublishingWorld, path: str
) -> None:
    await trust.add()
    job = await trust.job()
    answer = await trust.world.get(f"https://registry.test{path}", by=job)
    assert answer.status_code == 403


async def test_a_token_that_a_person_renews_does_not_speak_for_the_job_any_more(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    issued = await trust.mint()
    renewed = await trust.world.registry.tokens.organization_tokens.rotate(
        ACME, issued.token.id, by=OPERATOR
    )
    assert renewed.token.provenance is None


async def test_a_job_without_a_publisher_reads_only_its_own_ids(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/secret", ids={**IDS[Provider.GITHUB], "repository_id": "75"})
    with pytest.raises(WorkloadUnknown) as caught:
        await trust.mint()
    sentence = str(caught.value)
    assert "repository_id 74, repository_owner_id 65" in sentence
    assert "secret" not in sentence
    assert "acme" not in sentence
    assert "75" not in sentence


async def test_the_job_of_the_repository_reads_what_differs(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    with pytest.raises(WorkloadDiffers, match="its ref is 'refs/heads/dev', not refs/tags/v"):
        await trust.mint(ref="refs/heads/dev")


async def test_the_nearest_of_several_publishers_explains_what_differs(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add(rules={"workflow": "other.yml", "refs": ["refs/heads/other"]})
    await trust.add(rules={"workflow": "release.yml", "refs": ["refs/heads/main"]})
    with pytest.raises(WorkloadDiffers) as caught:
        await trust.mint()
    assert "refs/heads/main" in str(caught.value)
    assert "other" not in str(caught.value)


async def test_an_owner_reads_which_job_was_refused_and_why(trust: TrustedPublishingWorld) -> None:
    added = await trust.add()
    transferred = trust.ci.token(Provider.GITHUB, repository_owner_id="66")
    with pytest.raises(WorkloadUnknown):
        await trust.exchange(transferred, org=ACME)
    event = (await trust.log())[0]
    assert (event.kind, event.subject) == ("publisher.refused", "acme/greet")
    assert event.details["publisher"] == added.id
    assert event.details["repository_owner_id"] == "66"
    assert event.details["run"].endswith("/actions/runs/32291736541/attempts/2")


async def test_a_job_that_differs_reads_of_which_package_and_so_does_the_log(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    with pytest.raises(WorkloadDiffers) as refused:
        await trust.exchange(trust.ci.token(Provider.GITHUB, ref="refs/heads/dev"), org=ACME)
    assert "acme/greet" in str(refused.value)
    event = (await trust.log())[0]
    assert (event.kind, event.actor) == ("publisher.refused", "github:74")
    assert event.details["why"] == str(refused.value)


async def test_a_publisher_counts_until_the_moment_at_which_it_ends(
    trust: TrustedPublishingWorld,
) -> None:
    added = await trust.add()
    assert added.ends_ms is not None
    trust.world.clock.at_ms = added.ends_ms - 1
    assert (await trust.mint()).token.provenance
    trust.world.clock.at_ms = added.ends_ms
    with pytest.raises(WorkloadUnknown):
        await trust.mint()


async def test_jobs_of_strangers_write_into_nobodys_log(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    before = await trust.log()
    with pytest.raises(WorkloadUnknown):
        await trust.exchange(trust.ci.token(Provider.GITHUB, repository_id="9999"), org=ACME)
    assert await trust.log() == before


async def test_the_log_says_that_a_token_was_issued_and_for_which_run(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    token = (await trust.mint()).token
    event = (await trust.log())[0]
    assert (event.kind, event.subject, event.actor) == ("token.issued", token.id, "github:74")
    assert event.details == {
        "name": "GitHub Actions octo/greet",
        "grants": "push-new,push-version on acme/greet",
        "provider": "github",
        "repository": "octo/greet",
        "workflow": "release.yml",
        "ref": "refs/tags/v1.0.0",
        "commit": COMMIT,
        "run": "https://github.com/octo/greet/actions/runs/32291736541/attempts/2",
    }


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
    assert [grant.org for grant in token.token.grants] == ["other"]


async def test_a_job_publishes_for_no_organization_that_does_not_trust_it(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    for org in ("other", "nobody"):
        with pytest.raises(WorkloadUnknown):
            await trust.exchange(trust.ci.token(Provider.GITHUB), org=parse_org(org))


async def test_nobody_stops_a_job_that_says_for_whom_it_publishes(
    trust: TrustedPublishingWorld,
) -> None:
    """Everybody may name any repository for packages of their own."""
    await trust.add()
    bob = trust.person(trust.world.people.bob)
    for number in range(MAX_PUBLISHERS_READ + 1):
        await trust.add(f"other/package{number}", by=bob)
    with pytest.raises(InvalidRequest, match="several organizations"):
        await trust.mint()
    issued = await trust.exchange(trust.ci.token(Provider.GITHUB), org=ACME)
    assert [grant.package for grant in issued.token.grants] == ["greet"]


async def test_a_publisher_of_another_repository_does_not_show_its_runs(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    bob = trust.person(trust.world.people.bob)
    await trust.add("other/greet", by=bob, rules={**RULES[Provider.GITHUB], "workflow": "no.yml"})
    before = await trust.log("other")
    with pytest.raises(WorkloadDiffers):
        await trust.mint(ref="refs/heads/dev")
    with pytest.raises(WorkloadDiffers):
        await trust.exchange(trust.ci.token(Provider.GITHUB, ref="refs/heads/x"), org=ACME)
    assert await trust.log("other") == before


async def test_a_question_that_cannot_be_answered_uses_no_token_up(
    trust: TrustedPublishingWorld,
) -> None:
    await _two_organizations(trust)
    token = trust.ci.token(Provider.GITHUB)
    with pytest.raises(InvalidRequest):
        await trust.exchange(token)
    assert await trust.exchange(token, org=ACME)


async def test_a_job_is_the_principal_of_what_it_publishes(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    issued = await trust.mint()
    job = Person(trust.world.people.ann.account, issued.text.reveal())
    await trust.world.push(bala("acme/greet:1.0.0"), by=job)
    [event] = [each for each in await trust.log() if each.kind == "release.published"]
    assert event.actor == issued.token.owner
    assert event.credential == issued.token.id
    assert event.details["commit"] == COMMIT


@pytest.mark.parametrize(
    "rules", [RULES[Provider.GITHUB], {"workflow": "a.yml", "protected": True}]
)
async def test_one_publisher_that_fits_is_enough(
    trust: TrustedPublishingWorld, rules: dict[str, Any]
) -> None:
    await trust.add("acme/one", rules=rules)
    await trust.add("acme/two")
    grants = (await trust.mint()).token.grants
    assert "two" in {grant.package for grant in grants}
    assert len(grants) == (2 if rules is RULES[Provider.GITHUB] else 1)


async def test_an_outdated_list_gives_no_rights(trust: TrustedPublishingWorld) -> None:
    added = await trust.add()
    directory = trust.world.stores.directory
    listed = await directory.list_by_subject(type(added), added.subject)
    await directory.remove(listed[0])
    with pytest.raises(WorkloadUnknown):
        await trust.mint()


async def test_a_deleted_organization_publishes_nothing(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    directory = trust.world.stores.directory
    organization = await directory.get(Organization, organization_place(ACME))
    assert organization is not None
    now_ms = trust.world.clock.now_ms()
    await directory.replace(organization.model_copy(update={"deleting_ms": now_ms}))
    with pytest.raises(WorkloadUnknown):
        await trust.mint()


async def test_jobs_at_the_same_time_get_tokens_of_their_own(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    issued = await asyncio.gather(*(trust.mint() for _ in range(5)))
    assert len({each.token.id for each in issued}) == 5
    assert len({each.text.reveal() for each in issued}) == 5


async def test_old_tokens_of_jobs_are_cleared_away(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    token = (await trust.mint()).token
    trust.world.clock.advance(TOKEN_LIFETIME + timedelta(days=40))
    await trust.world.stores.directory.remove_expired(trust.world.clock.now_ms())
    assert await trust.world.stores.directory.get(type(token), token.place) is None


async def test_a_job_of_several_organizations_reads_which_and_how_to_choose(
    trust: TrustedPublishingWorld,
) -> None:
    await _two_organizations(trust)
    with pytest.raises(InvalidRequest) as refused:
        await trust.mint()
    sentence = "This job publishes for acme, other. Say for which one, as org."
    assert str(refused.value) == sentence


async def test_a_job_of_too_many_publishers_reads_how_to_choose(
    trust: TrustedPublishingWorld,
) -> None:
    bob = trust.person(trust.world.people.bob)
    for number in range(MAX_PUBLISHERS_READ + 1):
        await trust.add(f"other/package{number}", by=bob)
    with pytest.raises(InvalidRequest) as refused:
        await trust.mint()
    sentence = "This job publishes for several organizations. Say for which one, as org."
    assert str(refused.value) == sentence


async def test_as_many_publishers_as_are_read_at_once_need_no_choice(
    trust: TrustedPublishingWorld,
) -> None:
    bob = trust.person(trust.world.people.bob)
    for number in range(MAX_PUBLISHERS_READ):
        await trust.add(f"other/package{number}", by=bob)
    assert len((await trust.mint()).token.grants) == MAX_PUBLISHERS_READ


async def test_an_id_token_is_refused_a_second_time_until_after_it_expired(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    token = trust.ci.token(Provider.GITHUB)
    issued = await trust.exchange(token)
    assert issued.token.expires_ms == trust.world.clock.now_ms() + 15 * 60 * 1000
    for _ in range(3):
        with pytest.raises(IdTokenUsed):
            await trust.exchange(token)
        trust.world.clock.advance(timedelta(minutes=1))


async def test_a_job_whose_package_was_created_by_another_reads_so(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/greet")
    await trust.world.push(bala("acme/greet:1.0.0"))
    with pytest.raises(WorkloadDiffers) as refused:
        await trust.mint()
    assert "the package that it waited for was made by another" in str(refused.value)
