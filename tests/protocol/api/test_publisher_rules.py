"""Rules of trusted publishers: whom they exclude, the version of a tag, runners, claims, what jobs
read, and pull requests."""

from typing import Any

import pytest

from shared.domain.names import parse_org
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, REPOSITORY_ID, Provider
from shared.domain.trusted_publishing.publishers import PublisherReads
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.refusals import raises_refusal
from tests.support.trusted_publishing import IDS, TrustedPublishingWorld, trusting
from tests.support.world import MAVEN, URL, OpenWorld

pytestmark = pytest.mark.measured

PUBLISHERS = "/api/v1/orgs/acme/publishers"
GITHUB = {"workflow": "release.yml", "refs": ["refs/tags/v*"]}
PULL_REQUEST: dict[str, Any] = {
    "event_name": "pull_request",
    "ref": "refs/pull/7/merge",
    "ref_protected": "false",
    "head_ref": "feature",
    "base_ref": "main",
    "workflow_ref": "octo/greet/.github/workflows/release.yml@refs/pull/7/merge",
}
MERGE_REQUEST = {"pipeline_source": "merge_request_event", "ref_path": "refs/heads/feature"}


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    """Return a registry that takes jobs."""
    return await trusting(worlds)


async def added(
    trust: TrustedPublishingWorld, provider: Provider = Provider.GITHUB, **fields: object
) -> tuple[int, dict[str, Any]]:
    """Add a publisher over the API; return the status and the answer."""
    ann = await signed_in(trust.world, trust.world.people.ann)
    own = GITHUB if provider is Provider.GITHUB else {}
    body = {"package": "greet", "provider": provider.value, "ids": IDS[provider], **own, **fields}
    answer = await ann.api("POST", PUBLISHERS, body)
    return answer.status_code, answer.json()


async def test_a_server_is_the_same_with_a_slash_at_its_end(trust: TrustedPublishingWorld) -> None:
    assert (await trust.add(server="https://github.com/")).server == "https://github.com"


@pytest.mark.parametrize(
    ("provider", "rules", "why"),
    [
        (Provider.GITHUB, {"refs": ["refs/heads/*"]}, "refs/heads/* is every branch"),
        (Provider.GITHUB, {"refs": ["refs/heads/**"]}, "refs/heads/** is every branch"),
        (Provider.GITHUB, {"refs": ["refs/heads/?*"]}, "refs/heads/?* is every branch"),
        (Provider.GITHUB, {"refs": ["refs/heads/*/*"]}, "refs/heads/*/* is every branch"),
        (Provider.GITHUB, {"refs": ["refs/tags/v*", "refs/heads/*"]}, "is every branch"),
        (Provider.GITHUB, {"refs": [], "environment": "release"}, "an unprotected environment"),
        (
            Provider.GITHUB,
            {"refs": ["refs/heads/*"], "environment": "release"},
            "an unprotected environment release as soon as a job names it",
        ),
        (
            Provider.GITHUB,
            {"reusable_workflow": "octo/ci/.github/workflows/publish.yml@refs/heads/*"},
            "Anybody who may push a branch to octo/ci could publish",
        ),
        (Provider.GITLAB, {"refs": ["refs/heads/*"]}, "refs/heads/* is every branch"),
        (Provider.AZURE_DEVOPS, {"refs": ["refs/heads/*"]}, "refs/heads/* is every branch"),
        (Provider.AZURE_DEVOPS, {}, "Name a ref such as refs/heads/main."),
    ],
)
async def test_rules_that_exclude_nobody_are_refused_with_who_could_publish(
    trust: TrustedPublishingWorld, provider: Provider, rules: dict[str, Any], why: str
) -> None:
    if "reusable_workflow" in rules:
        rules = {"reusableWorkflow": rules["reusable_workflow"]}
    status, answer = await added(trust, provider, **rules)
    message = answer["error"]["message"]
    assert (status, why in message) == (400, True), message
    assert message.startswith("Anybody who may push a branch")


@pytest.mark.parametrize(
    ("provider", "rules", "is_warned"),
    [
        (Provider.GITHUB, {"refs": ["refs/tags/v*"]}, False),
        (Provider.GITHUB, {"refs": ["refs/tags/*"]}, True),
        (Provider.GITHUB, {"refs": ["refs/tags/*"], "protected": True}, False),
        (Provider.GITHUB, {"refs": [], "tagVersion": "v{version}"}, False),
        (Provider.GITHUB, {"refs": [], "tagVersion": "{version}"}, True),
        (Provider.GITHUB, {"refs": ["refs/heads/release/*"]}, False),
        (Provider.GITLAB, {"environment": "release"}, False),
    ],
)
async def test_rules_that_exclude_somebody_are_taken_and_every_tag_is_warned_of(
    trust: TrustedPublishingWorld, provider: Provider, rules: dict[str, Any], is_warned: bool
) -> None:
    status, answer = await added(trust, provider, **rules)
    assert status == 201, answer
    assert [text[:31] for text in answer["warnings"]] == (
        ["Anybody who may push a tag can "] if is_warned else []
    )


@pytest.mark.parametrize(
    ("pattern", "ref", "allowed", "refused"),
    [
        ("v{version}", "refs/tags/v1.0.0", "1.0.0", "1.1.0"),
        ("greet-v{version}", "refs/tags/greet-v2.0.0-rc.1", "2.0.0-rc.1", "2.0.0"),
    ],
)
async def test_a_run_publishes_the_version_of_its_tag_alone(
    trust: TrustedPublishingWorld, pattern: str, ref: str, allowed: str, refused: str
) -> None:
    status, answer = await added(trust, refs=[], tagVersion=pattern)
    assert (status, answer["tagVersion"]) == (201, pattern)
    job = await trust.job(ref=ref, workflow_ref=f"{WORKFLOW}@{ref}")
    wrong = await pushed(trust, job.token, refused)
    assert wrong.status_code == 403
    error = wrong.text
    assert f"may publish {allowed} of acme/greet" in error, error
    assert (await pushed(trust, job.token, allowed)).status_code == 201


async def test_a_run_adds_no_bill_of_materials_to_another_version(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    await added(trust, refs=[], tagVersion="v{version}")
    job = await trust.job(ref="refs/tags/v2.0.0", workflow_ref=f"{WORKFLOW}@refs/tags/v2.0.0")
    await pushed(trust, job.token, "2.0.0")
    refused = await sent_sbom(trust, job.token, "1.0.0")
    assert refused.status_code == 403
    assert "may publish 2.0.0 of acme/greet" in refused.text
    assert (await trust.world.get(sbom_url("1.0.0"))).status_code == 404
    assert (await sent_sbom(trust, job.token, "2.0.0")).status_code == 201


WORKFLOW = "octo/greet/.github/workflows/release.yml"


def sbom_url(version: str) -> str:
    return f"{MAVEN}/acme/greet/{version}/greet-{version}.cdx.json"


async def sent_sbom(trust: TrustedPublishingWorld, token: str, version: str) -> Any:
    """Send a bill of materials of a version of acme/greet with a token."""
    return await trust.world.send(
        "PUT",
        sbom_url(version),
        headers={"Authorization": f"Bearer {token}"},
        content=b'{"bomFormat": "CycloneDX"}',
    )


async def pushed(trust: TrustedPublishingWorld, token: str, version: str) -> Any:
    """Push a version of acme/greet with a token."""
    return await trust.world.send(
        "PUT",
        f"{URL}/2.0/maven/acme/greet/{version}/greet-{version}.bala",
        headers={"Authorization": f"Bearer {token}"},
        content=bala(f"acme/greet:{version}"),
    )


async def test_a_run_of_no_such_tag_gets_no_token(trust: TrustedPublishingWorld) -> None:
    await added(trust, refs=[], tagVersion="v{version}", protected=True)
    for ref in ("refs/heads/main", "refs/tags/1.0.0", "refs/tags/v"):
        with raises_refusal("workload-differs", match="asks for the tag v{version}"):
            await trust.mint(ref=ref, workflow_ref=f"{WORKFLOW}@{ref}")


async def test_another_publisher_without_the_rule_frees_the_version(
    trust: TrustedPublishingWorld,
) -> None:
    await added(trust, tagVersion="v{version}")
    await added(trust)
    job = await trust.job()
    assert (await pushed(trust, job.token, "3.0.0")).status_code == 201


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"tagVersion": "v*"}, "is no tag with one {version} in it"),
        ({"tagVersion": "{version}{version}"}, "is no tag with one {version} in it"),
        ({"refs": ["refs/heads/main"], "tagVersion": "v{version}"}, "refs/heads/main is none"),
        ({"package": "", "scopes": "read", "tagVersion": "v{version}"}, "publishes no version"),
        ({"package": "", "scopes": "read", "reads": "none"}, "has to read the organization"),
        ({"claims": {"actor": "ann"}}, "The claim actor is no rule of GitHub Actions, and work"),
    ],
)
async def test_rules_that_cannot_be_kept_are_refused(
    trust: TrustedPublishingWorld, fields: dict[str, Any], why: str
) -> None:
    status, answer = await added(trust, **fields)
    assert (status, why in answer["error"]["message"]) == (400, True), answer


@pytest.mark.parametrize(
    ("provider", "claim"), [(Provider.GITHUB, "github-hosted"), (Provider.GITLAB, "gitlab-hosted")]
)
async def test_a_publisher_takes_runs_of_the_providers_own_runners_alone(
    trust: TrustedPublishingWorld, provider: Provider, claim: str
) -> None:
    rules: dict[str, Any] = {"protected": True, "runner": "provider"}
    status, answer = await added(trust, provider, **rules)
    assert (status, answer["runner"]) == (201, "provider")
    assert await trust.mint(provider, runner_environment=claim)
    for other in ("self-hosted", None, ""):
        with raises_refusal("workload-differs", match="asks for a runner of"):
            await trust.mint(provider, runner_environment=other)


async def test_a_claim_of_the_run_is_a_rule_and_its_release_keeps_the_claims(
    trust: TrustedPublishingWorld,
) -> None:
    status, _ = await added(trust, claims={"actor_id": "12", "repository_visibility": "p*"})
    assert status == 201
    with raises_refusal("workload-differs", match="its claim actor_id is '13', not 12"):
        await trust.mint(actor_id="13")
    job = await trust.job(workflow_sha="0" * 40)
    assert (await pushed(trust, job.token, "1.0.0")).status_code == 201
    answer = await trust.world.get(f"{URL}/api/v1/packages/acme/greet/1.0.0/origin")
    assert answer.json()["run"]["claims"] == {
        "repository_id": "74",
        "repository_owner_id": "65",
        "repository_visibility": "public",
        "runner_environment": "github-hosted",
        "workflow_sha": "0" * 40,
    }


async def test_a_definition_that_is_pointed_at_another_repository_publishes_nothing(
    trust: TrustedPublishingWorld,
) -> None:
    azure = Provider.AZURE_DEVOPS
    await added(trust, azure, refs=["refs/heads/main"])
    assert await trust.mint(azure, rpo_id=str(IDS[azure][REPOSITORY_ID]).upper())
    with raises_refusal("workload-differs", match="its repository has the rpo_id 'octo/greet'"):
        await trust.mint(azure, rpo_id="octo/greet")


async def test_a_definition_of_an_earlier_publisher_goes_on_and_is_marked(
    trust: TrustedPublishingWorld,
) -> None:
    azure = Provider.AZURE_DEVOPS
    made = await trust.add(provider=azure, reads=PublisherReads.ORGANIZATION)
    ids = {claim: made.ids[claim] for claim in ID_CLAIMS[azure] if claim != REPOSITORY_ID}
    await trust.world.stores.directory.put(made.model_copy(update={"ids": ids}))
    assert await trust.mint(azure, rpo_id="octo/greet")
    listed = await trust.world.get(f"{URL}{PUBLISHERS}", by=trust.world.people.ann)
    [shown] = listed.json()["publishers"]
    assert "pointed at another repository" in shown["warnings"][0]


@pytest.mark.parametrize(("reads", "status"), [(None, 404), ("none", 404), ("organization", 302)])
async def test_a_job_reads_private_packages_where_one_of_its_publishers_says_so(
    trust: TrustedPublishingWorld, reads: str | None, status: int
) -> None:
    world = trust.world
    await world.push(bala("acme/greet:0.1.0", visibility="private"))
    await world.push(bala("acme/hidden:1.0.0", visibility="private"))
    await world.push(bala("other/inside:1.0.0", visibility="internal"), by=world.people.bob)
    await added(trust)
    await added(trust, package="second", reads=reads)
    token = (await trust.mint()).text.reveal()
    headers = {"Accept": "application/octet-stream", "Authorization": f"Bearer {token}"}
    for name, expected in (
        ("acme/hidden/1.0.0", status),
        ("other/inside/1.0.0", status),
        ("acme/greet/0.1.0", 302),  # What it publishes itself.
    ):
        path = f"{URL}/2.0/registry/packages/{name}"
        answer = await world.get(path, headers=headers)
        assert (answer.status_code in (200, 302)) is (expected == 302), (name, answer.text)


async def test_runs_of_pull_requests_read_and_publish_never(trust: TrustedPublishingWorld) -> None:
    await trust.world.push(bala("acme/hidden:1.0.0", visibility="private"))
    await added(trust)
    with raises_refusal("run-not-trusted", match="belongs to a pull request"):
        await trust.mint(**PULL_REQUEST)
    status, answer = await added(trust, package="", scopes="read", protected=True)
    assert (status, answer["pullRequests"]) == (201, True), answer
    issued = await trust.mint(**PULL_REQUEST)
    assert [each.package for each in issued.token.grants] == ["*"]
    assert (await pushed(trust, issued.text.reveal(), "1.0.0")).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"event_name": "pull_request_target"},
        {"repository_visibility": "private"},  # An administrator may let forks have tokens there.
        {"repository_visibility": None},
        {"repository_id": "75"},
        {"head_ref": ""},
        {"ref": "refs/heads/main"},
        {"workflow_ref": "octo/greet/.github/workflows/other.yml@refs/pull/7/merge"},
    ],
)
async def test_a_pull_request_that_may_be_of_a_fork_reads_nothing(
    trust: TrustedPublishingWorld, changes: dict[str, Any]
) -> None:
    await added(trust, package="", scopes="read")
    answer = await trust.post(trust.ci.token(Provider.GITHUB, **{**PULL_REQUEST, **changes}))
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize(
    ("changes", "is_taken"),
    [
        ({}, True),
        ({"job_project_id": None}, False),  # An older GitLab does not tell forks apart.
        ({"job_project_id": "99"}, False),
        ({"source_project_id": "99"}, False),
        ({"project_id": "99"}, False),
    ],
)
async def test_a_merge_request_of_the_project_itself_reads(
    trust: TrustedPublishingWorld, changes: dict[str, Any], is_taken: bool
) -> None:
    rules: dict[str, Any] = {"refs": ["refs/heads/main"], "scopes": "read", "package": ""}
    assert (await added(trust, Provider.GITLAB, **rules))[0] == 201
    token = trust.ci.token(Provider.GITLAB, **{**MERGE_REQUEST, **changes})
    answer = await trust.post(token)
    assert (answer.status_code == 201) is is_taken, answer.text


async def test_a_reading_publisher_of_an_earlier_version_takes_no_pull_requests(
    trust: TrustedPublishingWorld,
) -> None:
    status, answer = await added(trust, package="", scopes="read")
    assert status == 201
    directory = trust.world.stores.directory
    publishers = trust.world.registry.tokens.trusted_publishers
    [made] = await publishers.of_organization(parse_org("acme"), by=trust.owner)
    assert made.id == answer["id"]
    await directory.put(made.model_copy(update={"pull_requests": False}))
    with raises_refusal("workload-differs", match="older than such runs"):
        await trust.mint(**PULL_REQUEST)


async def test_an_old_gitlab_is_told_its_version(trust: TrustedPublishingWorld) -> None:
    await added(trust, Provider.GITLAB, refs=["refs/heads/main"])
    with raises_refusal("workload-differs", match="since version 16.2"):
        await trust.mint(Provider.GITLAB, ci_config_ref_uri=None)
    with raises_refusal("claim-unusable", match="ref_path as GitLab CI does since version 16.2"):
        await trust.mint(Provider.GITLAB, ref_path=None)


async def test_openapi_offers_no_provider_that_is_always_refused(
    trust: TrustedPublishingWorld,
) -> None:
    document = (await trust.world.get(f"{URL}/api/v1/openapi.json")).json()
    offered = document["components"]["schemas"]["NewPublisher"]["properties"]["provider"]
    assert offered["enum"] == ["github", "gitlab", "azure-devops", "oidc"]
