"""The source repository that an author names, and whether a job has run in it."""

import pytest

from shared.domain.packages import Origin, Provenance
from shared.domain.source_repositories import SourceRepository
from tests.contract.sample_records import release as sample_release

JOB = Provenance(
    provider="github",
    repository="Acme/greet",
    run_url="https://github.com/Acme/greet/actions/runs/1",
)


def source(address: str, job: Provenance | None = JOB) -> SourceRepository | None:
    """Return the source of a release that names this address."""
    origin = Origin(principal="ann", provenance=job)
    return SourceRepository.of(sample_release(source_repository=address, origin=origin))


@pytest.mark.parametrize(
    "address",
    [
        "https://GitHub.com/ACME/Greet/",
        "https://github.com/acme/greet.git",
        "http://github.com/acme/greet",
        " https://github.com/acme/greet ",
    ],
)
def test_the_repository_of_the_job_is_verified(address: str) -> None:
    found = source(address)
    assert found is not None
    assert found.is_verified
    assert found.url is not None
    assert found.url.lower() == "https://github.com/acme/greet"


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme/other",
        "https://github.com/acme",
        "https://gitlab.com/acme/greet",
        "https://github.com.evil.example/acme/greet",
        "https://github.com/acme/greet/tree/main",
        "https://github.com/evil/fork/acme/greet",
    ],
)
def test_any_other_address_is_a_claim_that_leads_there(address: str) -> None:
    assert source(address) == SourceRepository(address, address, is_verified=False)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ssh://github.com/acme/greet",
        "acme/greet",
        "https://github.com@evil.example/acme/greet",
        "https://github.com:8443/acme/greet",
        "https://g\u0456thub.com/acme/greet",
        "https://github.com/acme/greet?x=1",
        "https://github.com/acme/greet#x",
        "https://github.com/evil/../acme/greet",
        "https://github.com/acme/gr eet",
        "https://[::1/acme/greet",
    ],
)
def test_an_address_that_is_no_plain_repository_address_is_shown_as_text(address: str) -> None:
    assert source(address) == SourceRepository(address, None, is_verified=False)


@pytest.mark.parametrize(
    "job",
    [
        None,
        Provenance(provider="entra"),
        JOB.model_copy(update={"run_url": ""}),
        JOB.model_copy(update={"run_url": "https://github.com/other/repository/runs/1"}),
    ],
)
def test_without_a_job_of_the_repository_nothing_is_verified(job: Provenance | None) -> None:
    found = source("https://github.com/acme/greet", job)
    assert found is not None
    assert not found.is_verified
    assert source("", job) is None
