"""Which jobs are those of a trusted publisher: by ids that never change."""

from typing import Any

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.trusted_publishing.jobs import Provider, read_job_claims
from shared.domain.trusted_publishing.publishers import Publisher, is_same_job, parse_job_ids
from tests.support.trusted_publishing import IDS, JOBS, github_job


def publisher(**changes: Any) -> Publisher:
    """Return the publisher of `tests.support.trusted_publishing.github_job`, with some fields
    changed.
    """
    fields: dict[str, Any] = {
        "id": "publisher1",
        "org": "Acme",
        "package": "greet",
        "provider": Provider.GITHUB,
        "server": "https://github.com",
        "ids": IDS[Provider.GITHUB],
        "repository": "octo/greet",
        "created_ms": 1,
    }
    return Publisher.model_validate({**fields, **changes})


def test_a_job_is_found_only_by_the_number_of_its_repository() -> None:
    job = read_job_claims(Provider.GITHUB, github_job())
    assert publisher().subject == job.subject == "github:74"


def test_a_publisher_is_stored_with_its_organization_and_ends_while_it_is_pending() -> None:
    waiting = publisher(pending_until_ms=7)
    assert waiting.place == ("acme", "publisher1")
    assert (waiting.ends_ms, publisher().ends_ms) == (7, None)
    assert str(waiting.target) == "Acme/greet"


@pytest.mark.parametrize(
    "changes",
    [
        {"repository_owner_id": "66"},  # The same repository under another owner.
        {"repository_id": "75"},  # Another repository of the same name.
        {"iss": "https://git.example.org/_services/token"},  # The same numbers elsewhere.
    ],
)
def test_no_name_makes_up_for_a_number_that_differs(changes: dict[str, str]) -> None:
    assert is_same_job(publisher(), read_job_claims(Provider.GITHUB, github_job()))
    assert not is_same_job(publisher(), read_job_claims(Provider.GITHUB, github_job(**changes)))


@pytest.mark.parametrize("provider", JOBS)
def test_ids_are_read_completely(provider: Provider) -> None:
    spelled = {claim: f" {value.upper()} " for claim, value in IDS[provider].items()}
    assert parse_job_ids(provider, spelled) == IDS[provider]


@pytest.mark.parametrize("provider", JOBS)
def test_an_id_too_few_too_many_or_in_another_form_is_refused(provider: Provider) -> None:
    good = IDS[provider]
    first = next(iter(good))
    fewer = {claim: value for claim, value in good.items() if claim != first}
    for bad in (fewer, {**good, "repository": "octo/greet"}, {**good, first: "*"}, {}):
        with pytest.raises(InvalidRequest, match=first):
            parse_job_ids(provider, bad)
