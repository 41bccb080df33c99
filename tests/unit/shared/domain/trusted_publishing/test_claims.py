"""A job is read from the claims that its provider signs, and from nothing else."""

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

from shared.domain.errors.base import Refusal
from shared.domain.trusted_publishing.jobs import (
    ID_CLAIMS,
    REPOSITORY_ID,
    CiJob,
    Provider,
    read_job_claims,
)
from tests.support.trusted_publishing import (
    JOBS,
    ORGANIZATION,
    PROJECT,
    Claims,
    azure_devops_job,
    github_job,
)


def read(provider: Provider, **changes: object) -> CiJob:
    """Read a job of the provider with some claims changed; None takes a claim out."""
    claims = {key: value for key, value in JOBS[provider](**changes).items() if value is not None}
    return read_job_claims(provider, claims)


def refusal_of(provider: Provider, claims: Claims) -> Refusal:
    """Return why the claims are not read."""
    with pytest.raises(Refusal) as caught:
        read_job_claims(provider, claims)
    return caught.value


@pytest.mark.parametrize("provider", JOBS)
def test_a_job_is_read_completely_and_says_where_a_release_comes_from(
    provider: Provider, snapshot: SnapshotAssertion
) -> None:
    job = read(provider)
    assert repr(job) == snapshot
    provenance = job.provenance("publisher1")
    assert (provenance.provider, provenance.publishers) == (job.provider.value, ("publisher1",))
    same = ("repository", "commit", "workflow", "ref", "run_url")
    assert [getattr(provenance, name) for name in same] == [getattr(job, name) for name in same]


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


VSTOKEN = "https://vstoken.dev.azure.com"


@pytest.mark.parametrize(
    ("provider", "changes"),
    [
        (Provider.GITLAB, {"project_id": 20, "namespace_id": 72}),  # Ids may come as numbers.
        (Provider.GITLAB, {"job_project_id": None}),  # Older servers do not name it.
        (Provider.AZURE_DEVOPS, {"prj_id": PROJECT.upper()}),
        (Provider.AZURE_DEVOPS, {"iss": f"{VSTOKEN}/{ORGANIZATION.upper()}"}),
    ],
)
def test_other_spellings_are_the_same_job(provider: Provider, changes: Claims) -> None:
    without = {"claims": dict[str, str]()}  # What releases keep is as the token has it.
    assert replace(read(provider, **changes), **without) == replace(read(provider), **without)


@pytest.mark.parametrize(
    ("provider", "claims"),
    [
        (Provider.GITHUB, github_job() | {"job_workflow_ref": None}),
        # The organization of Azure DevOps is the one that signs.
        (Provider.AZURE_DEVOPS, azure_devops_job(iss=f"{VSTOKEN}/{PROJECT}")),
        # A service connection is no pipeline.
        (Provider.AZURE_DEVOPS, {"iss": f"{VSTOKEN}/{ORGANIZATION}", "sub": "sc://octo/tools/any"}),
    ],
)
def test_a_job_that_lacks_what_identifies_it_is_refused(provider: Provider, claims: Claims) -> None:
    assert getattr(refusal_of(provider, claims), "code", "") == "claim-unusable"


@pytest.mark.parametrize("provider", JOBS)
def test_every_id_that_never_changes_has_to_be_there(provider: Provider) -> None:
    for claim in ID_CLAIMS[provider]:
        # The id of a repository at GitHub is its name.
        name = () if claim == REPOSITORY_ID else ("a/b",)
        for bad in (None, "", "*", *name, True, ["74"]):
            claims = {**JOBS[provider](), claim: bad}
            refusal = refusal_of(provider, claims)
            assert getattr(refusal, "code", "") == "claim-unusable", (claim, bad)
            assert claim in str(refusal)


@pytest.mark.parametrize(
    ("uri", "elsewhere"),
    [
        ("gitlab.com/tools/ci/greet//.gitlab-ci.yml@refs/heads/main", ""),
        ("gitlab.com/tools/ci/greet//ci/release.yml@refs/heads/main", ""),
        (
            "gitlab.com/tools/ci/greet2//.gitlab-ci.yml@refs/heads/main",
            "gitlab.com/tools/ci/greet2//.gitlab-ci.yml",
        ),
        (
            "git.evil.test/tools/ci/greet//.gitlab-ci.yml@x",
            "git.evil.test/tools/ci/greet//.gitlab-ci.yml",
        ),
        (None, "another place"),
    ],
)
def test_a_job_of_gitlab_is_its_projects_where_its_pipeline_is_a_file_of_it(
    uri: str | None, elsewhere: str
) -> None:
    job = read(Provider.GITLAB, ci_config_ref_uri=uri)
    assert job.defined_elsewhere == elsewhere
    assert bool(job.workflow) is bool(uri)


@pytest.mark.parametrize("value", ["false", False, "", None, "yes", "1"], ids=repr)
def test_a_ref_is_protected_only_where_the_token_says_true(value: object) -> None:
    assert not read(Provider.GITHUB, ref_protected=value).protected
