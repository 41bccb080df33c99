"""The ids of a repository are looked up by its name, at servers of the operator alone."""

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.trusted_publishing.jobs import Provider
from shared.services.tokens.trusted_publishers import RepositoryIds
from tests.fakes.http_client import OneAnswer, answering

FOUND = b'{"id":74,"owner":{"id":65},"namespace":{"id":66}}'


@pytest.mark.parametrize(
    ("provider", "repository", "server", "address"),
    [
        ("github", "octo/greet", "github.com", "api.github.com/repos/octo/greet"),
        ("github", "octo/greet", "octo.ghe.com", "api.octo.ghe.com/repos/octo/greet"),
        ("github", "octo/greet", "git.test", "git.test/api/v3/repos/octo/greet"),
        ("gitlab", "octo/greet", "gitlab.com", "gitlab.com/api/v4/projects/octo%2Fgreet"),
        ("gitlab", "octo/a/greet", "gitlab.com", "gitlab.com/api/v4/projects/octo%2Fa%2Fgreet"),
    ],
)
async def test_each_server_is_asked_at_its_own_address(
    provider: str, repository: str, server: str, address: str
) -> None:
    http = answering(200, FOUND)
    found = await RepositoryIds(http).find(Provider(provider), f"https://{server}", repository)
    assert list(found.values()) == ["74", "65" if provider == "github" else "66"]
    [(url, headers, _)] = http.requests
    assert url == f"https://{address}"
    assert headers["User-Agent"]  # GitHub refuses requests without one.


@pytest.mark.parametrize(
    "repository",
    [
        "", "greet", "octo/greet/more", "octo/../user", "../..", "octo/..", "octo/.", "./greet",
        "octo/greet?x", "octo/greet#", "octo//greet", "octo/gr eet", "octo/greet@evil.example",
        "octo/greet\n", "octo/%2e%2e", "https://evil.example/x", "o/" + "n" * 101,
    ],
)  # fmt: skip
async def test_nothing_but_a_name_is_looked_up(repository: str) -> None:
    http = answering(200, FOUND)
    with pytest.raises(InvalidRequest, match="Enter the repository as owner/name"):
        await RepositoryIds(http).find(Provider.GITHUB, "https://github.com", repository)
    assert http.requests == []


async def test_some_providers_tell_no_ids() -> None:
    http = answering(200, FOUND)
    with pytest.raises(InvalidRequest, match="Enter all of them"):
        await RepositoryIds(http).find(Provider.AZURE_DEVOPS, "https://example.org", "octo/greet")
    assert http.requests == []


@pytest.mark.parametrize(
    ("http", "sentence"),
    [
        (OneAnswer(None), "GitHub does not answer, so octo/greet could not be looked up."),
        (answering(404, b"{}"), "GitHub has no public repository octo/greet. Check the"),
        (answering(200, b"[]"), ""),
        (answering(200, b'{"id":74}'), ""),
        (answering(200, b'{"id":"74","owner":{"id":65}}'), ""),
        (answering(200, b'{"id":74,"owner":65}'), ""),
    ],
)
async def test_a_failed_look_up_leads_to_entering_the_ids_and_shows_nothing_of_the_error(
    http: OneAnswer, sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match="enter the ids yourself") as refused:
        await RepositoryIds(http).find(Provider.GITHUB, "https://github.com", "octo/greet")
    assert str(refused.value).startswith(sentence)
    assert "(" not in str(refused.value)
