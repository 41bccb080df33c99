"""A job is read from the claims that its provider signs, and from nothing else."""

import pytest

from shared.domain.errors.base import Refusal
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, CiJob, Provider, read_job_claims
from tests.support.trusted_publishing import (
    COMMIT,
    JOBS,
    ORGANIZATION,
    PROJECT,
    Claims,
    azure_devops_job,
    github_job,
)

CI = [Provider.GITHUB, Provider.GITLAB, Provider.AZURE_DEVOPS]
RUN_STARTED_BY = {Provider.GITHUB: "event_name", Provider.GITLAB: "pipeline_source"}
REF = {Provider.GITHUB: "ref", Provider.GITLAB: "ref_path", Provider.AZURE_DEVOPS: "rpo_ref"}


def read(provider: Provider, **changes: object) -> CiJob:
    """Read a job of the provider with some claims changed; None takes a claim out."""
    claims = {key: value for key, value in JOBS[provider](**changes).items() if value is not None}
    return read_job_claims(provider, claims)


def refusal_of(provider: Provider, claims: Claims) -> Refusal:
    """Return why the claims are not read."""
    with pytest.raises(Refusal) as caught:
        read_job_claims(provider, claims)
    return caught.value


def test_a_github_job_is_read_completely() -> None:
    assert read(Provider.GITHUB) == CiJob(
        provider=Provider.GITHUB,
        server="https://github.com",
        ids={"repository_id": "74", "repository_owner_id": "65"},
        repository="octo/greet",
        workflow="release.yml",
        ref="refs/tags/v1.0.0",
        protected=True,
        environment="release",
        commit=COMMIT,
        run_url="https://github.com/octo/greet/actions/runs/32291736541/attempts/2",
    )


def test_a_gitlab_job_is_read_completely() -> None:
    assert read(Provider.GITLAB) == CiJob(
        provider=Provider.GITLAB,
        server="https://gitlab.com",
        ids={"project_id": "20", "namespace_id": "72"},
        repository="tools/ci/greet",
        workflow=".gitlab-ci.yml",
        ref="refs/heads/main",
        protected=True,
        environment="release",
        commit=COMMIT,
        run_url="https://gitlab.com/tools/ci/greet/-/jobs/302",
    )


def test_a_pipeline_of_azure_devops_is_read_completely() -> None:
    assert read(Provider.AZURE_DEVOPS) == CiJob(
        provider=Provider.AZURE_DEVOPS,
        server="https://dev.azure.com",
        ids={"prj_id": PROJECT, "org_id": ORGANIZATION, "def_id": "1"},
        repository="https://dev.azure.com/octo/My%20tools/_git/greet",
        workflow="greet release",
        ref="refs/heads/main",
        commit=COMMIT,
        run_url="https://dev.azure.com/octo/My%20tools/_build/results?buildId=5",
    )


@pytest.mark.parametrize(
    ("issuer", "server"),
    [
        ("https://token.actions.githubusercontent.com", "https://github.com"),
        ("https://token.actions.githubusercontent.com/octo-inc", "https://github.com"),
        ("https://token.actions.octo.ghe.com", "https://octo.ghe.com"),
        ("https://git.example.org/_services/token", "https://git.example.org"),
    ],
)
def test_a_run_is_on_the_server_whose_issuer_signs(issuer: str, server: str) -> None:
    job = read(Provider.GITHUB, iss=issuer)
    assert job.server == server
    assert job.run_url.startswith(f"{server}/octo/greet/actions/runs/")


def test_ids_may_come_as_numbers() -> None:
    assert read(Provider.GITLAB, project_id=20, namespace_id=72) == read(Provider.GITLAB)


def test_guids_are_compared_without_case() -> None:
    upper = read(Provider.AZURE_DEVOPS, prj_id=PROJECT.upper())
    assert upper.ids == read(Provider.AZURE_DEVOPS).ids


@pytest.mark.parametrize("provider", JOBS)
def test_every_id_that_never_changes_has_to_be_there(provider: Provider) -> None:
    for claim in ID_CLAIMS[provider]:
        for bad in (None, "", "*", "a/b", True, ["74"]):
            claims = {**JOBS[provider](), claim: bad}
            refusal = refusal_of(provider, claims)
            assert getattr(refusal, "code", "") == "claim-unusable", (claim, bad)
            assert claim in str(refusal)


@pytest.mark.parametrize("provider", JOBS)
def test_an_empty_token_is_refused(provider: Provider) -> None:
    assert getattr(refusal_of(provider, {}), "code", "") == "claim-unusable"


@pytest.mark.parametrize("provider", CI)
@pytest.mark.parametrize("ref", ["refs/pull/7/merge", "refs/merge-requests/7/head", "main", ""])
def test_a_ref_that_is_neither_branch_nor_tag_publishes_nothing(
    provider: Provider, ref: str
) -> None:
    claims = JOBS[provider](**{REF[provider]: ref})
    refusal = refusal_of(provider, claims)
    assert getattr(refusal, "code", "") == "run-not-trusted"
    assert "branch or a tag" in str(refusal)


@pytest.mark.parametrize(
    ("provider", "trigger"),
    [
        *[
            (Provider.GITHUB, each)
            for each in ("push", "release", "workflow_dispatch", "repository_dispatch", "schedule")
        ],
        *[(Provider.GITLAB, each) for each in ("push", "web", "api", "trigger", "schedule")],
    ],
)
def test_a_run_that_takes_the_right_to_write_is_read(provider: Provider, trigger: str) -> None:
    assert read(provider, **{RUN_STARTED_BY[provider]: trigger}) == read(provider)


def test_a_server_that_names_no_job_project_is_read_as_well() -> None:
    assert read(Provider.GITLAB, job_project_id=None) == read(Provider.GITLAB)


def test_a_github_job_that_does_not_name_its_workflow_is_refused() -> None:
    claims = {name: value for name, value in github_job().items() if name != "job_workflow_ref"}
    assert getattr(refusal_of(Provider.GITHUB, claims), "code", "") == "claim-unusable"


@pytest.mark.parametrize(
    ("uri", "elsewhere"),
    [
        ("gitlab.com/tools/ci/greet//.gitlab-ci.yml@refs/heads/main", ""),
        ("gitlab.com/tools/ci/greet//ci/release.yml@refs/heads/main", ""),
        ("gitlab.com/tools/ci/greet2//.gitlab-ci.yml@refs/heads/main",
         "gitlab.com/tools/ci/greet2//.gitlab-ci.yml"),
        ("git.evil.test/tools/ci/greet//.gitlab-ci.yml@x",
         "git.evil.test/tools/ci/greet//.gitlab-ci.yml"),
        (None, "another place"),
    ],
)  # fmt: skip
def test_a_job_of_gitlab_is_its_projects_where_its_pipeline_is_a_file_of_it(
    uri: str | None, elsewhere: str
) -> None:
    assert read(Provider.GITLAB, ci_config_ref_uri=uri).defined_elsewhere == elsewhere


def test_a_job_without_a_configuration_of_the_repository_has_no_workflow() -> None:
    assert read(Provider.GITLAB, ci_config_ref_uri=None).workflow == ""


@pytest.mark.parametrize("value", ["false", False, "", None, "yes", "1"], ids=repr)
def test_a_ref_is_protected_only_where_the_token_says_true(value: object) -> None:
    assert not read(Provider.GITHUB, ref_protected=value).protected


def test_the_organization_of_azure_devops_is_the_one_that_signs() -> None:
    foreign = azure_devops_job(iss=f"https://vstoken.dev.azure.com/{PROJECT}")
    assert getattr(refusal_of(Provider.AZURE_DEVOPS, foreign), "code", "") == "claim-unusable"


def test_a_service_connection_is_no_pipeline() -> None:
    claims = {"iss": f"https://vstoken.dev.azure.com/{ORGANIZATION}", "sub": "sc://octo/tools/any"}
    assert getattr(refusal_of(Provider.AZURE_DEVOPS, claims), "code", "") == "claim-unusable"


@pytest.mark.parametrize("provider", JOBS)
def test_a_job_says_where_a_release_comes_from(provider: Provider) -> None:
    job = read(provider)
    provenance = job.provenance("publisher1")
    assert provenance.provider == provider.value
    assert (provenance.repository, provenance.commit) == (job.repository, job.commit)
    assert (provenance.workflow, provenance.ref) == (job.workflow, job.ref)
    assert (provenance.run_url, provenance.publishers) == (job.run_url, ("publisher1",))


def test_an_issuer_of_azure_devops_is_compared_without_case() -> None:
    issuer = f"https://vstoken.dev.azure.com/{ORGANIZATION.upper()}"
    assert read(Provider.AZURE_DEVOPS, iss=issuer) == read(Provider.AZURE_DEVOPS)
