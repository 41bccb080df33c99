"""The ids of a repository are looked up by its name, at servers of the operator alone."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from shared.auth.secrets import Secret
from shared.domain.errors.base import InvalidRequest, Unavailable
from shared.domain.errors.requests import TooManyRequests
from shared.domain.rate_limits import RateLimit, RateLimitClass
from shared.domain.trusted_publishing.jobs import Provider
from shared.ports.http_client import HttpClient, HttpResponse
from shared.services.limits.burst_detection import BurstDetection
from shared.services.limits.rate_limits import RateLimiter
from shared.services.tokens.repository_ids import FoundRepository, RepositoryIds
from tests.fakes.http_client import OneAnswer, answering
from tests.fakes.services import changes_allowed
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock

GITHUB = "https://github.com"
API = "https://api.github.com"
FOUND = b'{"id":74,"owner":{"id":65},"namespace":{"id":66}}'


def looking_up(
    http: HttpClient, token: str = "", limit: str = "all=50", clock: FakeClock | None = None
) -> RepositoryIds:
    """Return the service with this limit, and with a token of github.com or none."""
    clock = clock or FakeClock()
    work = FakeWork()
    rules = {each: RateLimit.parse(RateLimitClass.LOOK_UP, limit) for each in RateLimitClass}
    bursts = BurstDetection(work, clock, 20, 100)
    limiter = RateLimiter(work, clock, rules, bursts, changes_allowed())
    return RepositoryIds(http, Secret(token) if token else None, limiter, clock)


class Servers:
    """A `HttpClient` with an answer for each address; it notes what it is asked."""

    def __init__(self, **answers: HttpResponse) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Answer by the last part of the address."""
        self.asked.append((url, headers))
        return self.answers[url.rpartition("/")[2]]

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        raise NotImplementedError


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
    found = await looking_up(http).find(Provider(provider), f"https://{server}", repository)
    assert list(found.ids.values()) == ["74", "65" if provider == "github" else "66"]
    [(url, headers, _)] = http.requests
    assert url == f"https://{address}"
    assert headers["User-Agent"]  # GitHub refuses requests without one.


@pytest.mark.parametrize(
    "repository",
    [
        "",
        "greet",
        "octo/greet/more",
        "octo/../user",
        "../..",
        "octo/..",
        "octo/.",
        "./greet",
        "octo/greet?x",
        "octo/greet#",
        "octo//greet",
        "octo/gr eet",
        "octo/greet@evil.example",
        "octo/greet\n",
        "octo/%2e%2e",
        "https://evil.example/x",
        "o/" + "n" * 101,
    ],
)
async def test_nothing_but_a_name_is_looked_up(repository: str) -> None:
    http = answering(200, FOUND)
    with pytest.raises(InvalidRequest, match="Enter the repository as owner/name"):
        await looking_up(http).find(Provider.GITHUB, "https://github.com", repository)
    assert http.requests == []


async def test_some_providers_tell_no_ids() -> None:
    http = answering(200, FOUND)
    with pytest.raises(InvalidRequest, match="Enter all of them"):
        await looking_up(http).find(Provider.AZURE_DEVOPS, "https://example.org", "octo/greet")
    assert http.requests == []


NO_REPOSITORY = "GitHub has no public repository octo/greet. Check the name, or enter the ids"


@pytest.mark.parametrize(
    ("http", "sentence"),
    [
        (OneAnswer(None), "GitHub does not answer, so octo/greet could not be looked up."),
        (answering(404, b"{}"), NO_REPOSITORY),
        (answering(403, b"{}"), "GitHub refuses to show octo/greet to this registry."),
        (answering(401, b"{}"), "GitHub refuses to show octo/greet to this registry."),
        (answering(502, b""), "GitHub answers with the status 502, so octo/greet could not be"),
        (answering(200, b"[]"), NO_REPOSITORY),
        (answering(200, b'{"id":74}'), NO_REPOSITORY),
        (answering(200, b'{"id":"74","owner":{"id":65}}'), NO_REPOSITORY),
        (answering(200, b'{"id":74,"owner":65}'), NO_REPOSITORY),
    ],
)
async def test_a_failed_look_up_leads_to_entering_the_ids_and_shows_nothing_of_the_error(
    http: OneAnswer, sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match="enter the ids yourself") as refused:
        await looking_up(http).find(Provider.GITHUB, "https://github.com", "octo/greet")
    assert str(refused.value).startswith(sentence)
    assert "(" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "headers", "body", "minutes"),
    [
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790001800"}, b"", 30),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790001800"}, b"", 30),
        (429, {"ratelimit-reset": "1790001800"}, b"", 30),
        (403, {"retry-after": "120"}, b"", 2),
        (429, {"retry-after": "120", "x-ratelimit-reset": "1790001800"}, b"", 2),
        (403, {}, b'{"message":"You have exceeded a secondary rate limit."}', 1),
        (429, {}, b"", 1),
        (429, {"retry-after": "soon"}, b"", 1),
        (429, {"retry-after": "99999999"}, b"", 24 * 60),
    ],
)
async def test_a_limit_of_the_server_is_told_with_the_time(
    status: int, headers: Mapping[str, str], body: bytes, minutes: int
) -> None:
    http = OneAnswer(HttpResponse(status, headers, body))
    with pytest.raises(Unavailable) as refused:
        await looking_up(http).find(Provider.GITHUB, GITHUB, "octo/greet")
    assert refused.value.code == "look-up-limited"
    assert refused.value.retry_after == timedelta(minutes=minutes)
    assert str(refused.value).startswith("GitHub takes no more requests of this registry until ")
    assert str(refused.value).endswith("Try again then, or enter the ids yourself.")
    if minutes == 30:
        assert "until 21 September 2026, 14:44 UTC" in str(refused.value)


MOVED = f"{API}/repositories/74"


@pytest.mark.parametrize("location", [MOVED, "/repositories/74"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_renamed_repository_is_found_under_its_present_name(
    location: str, status: int
) -> None:
    found = b'{"id":74,"owner":{"id":65},"full_name":"octo/hello"}'
    http = Servers(
        greet=HttpResponse(status, {"location": location}, b""),
        **{"74": HttpResponse(200, {}, found)},
    )
    ids = {"repository_id": "74", "repository_owner_id": "65"}
    service = looking_up(http, token="ghp_a")
    assert await service.find(Provider.GITHUB, GITHUB, "octo/greet") == FoundRepository(
        ids, "octo/hello"
    )
    assert [url for url, _ in http.asked] == [f"{API}/repos/octo/greet", MOVED]
    assert {headers["Authorization"] for _, headers in http.asked} == {"Bearer ghp_a"}


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.test/repositories/74",
        "http://api.github.com/repositories/74",
        "https://api.github.com:8443/repositories/74",
        "//evil.test/74",
        "https://[zz]/74",
        "",
    ],
)
async def test_no_other_server_is_asked_where_a_repository_moved_to(location: str) -> None:
    http = Servers(greet=HttpResponse(301, {"location": location}, b""))
    with pytest.raises(InvalidRequest, match=r"moved elsewhere\. Enter its present name"):
        await looking_up(http).find(Provider.GITHUB, GITHUB, "octo/greet")
    assert len(http.asked) == 1


async def test_only_one_redirect_is_followed() -> None:
    again = HttpResponse(301, {"location": MOVED}, b"")
    http = Servers(greet=again, **{"74": again})
    with pytest.raises(InvalidRequest, match="moved elsewhere"):
        await looking_up(http).find(Provider.GITHUB, GITHUB, "octo/greet")
    assert len(http.asked) == 2


@pytest.mark.parametrize(
    ("provider", "server"),
    [
        ("github", "https://git.test"),
        ("github", "https://octo.ghe.com"),
        ("gitlab", "https://gitlab.com"),
    ],
)
async def test_the_token_is_sent_only_to_github_com(provider: str, server: str) -> None:
    http = answering(200, FOUND)
    service = looking_up(http, token="ghp_a")
    await service.find(Provider(provider), server, "octo/greet")
    await service.find(Provider.GITHUB, GITHUB, "octo/greet")
    assert [headers.get("Authorization") for _, headers, _ in http.requests] == [
        None,
        "Bearer ghp_a",
    ]


async def test_a_repository_that_only_the_token_may_see_is_not_found() -> None:
    hidden = b'{"id":74,"owner":{"id":65},"private":true}'
    with pytest.raises(InvalidRequest, match="has no public repository octo/greet"):
        await looking_up(answering(200, hidden), token="ghp_a").find(
            Provider.GITHUB, GITHUB, "octo/greet"
        )


async def test_a_token_that_ended_is_told_as_that() -> None:
    with pytest.raises(InvalidRequest, match="refuses the token of BALLROOM_LOOKUP_TOKEN") as told:
        await looking_up(answering(401), token="ghp_a").find(Provider.GITHUB, GITHUB, "octo/greet")
    assert "ghp_a" not in str(told.value)


async def test_a_name_that_nothing_here_would_accept_is_not_taken_over() -> None:
    odd = b'{"id":74,"owner":{"id":65},"full_name":"octo/<b>"}'
    found = await looking_up(answering(200, odd)).find(Provider.GITHUB, GITHUB, "octo/greet")
    assert found.name == "octo/greet"


async def test_the_requests_of_all_callers_to_a_server_are_limited_together() -> None:
    http = Servers(
        greet=HttpResponse(301, {"location": MOVED}, b""), **{"74": HttpResponse(200, {}, FOUND)}
    )
    service = looking_up(http, limit="all=5")
    for _ in range(2):
        await service.find(Provider.GITHUB, GITHUB, "octo/greet")
    with pytest.raises(TooManyRequests, match="by all callers together: 5 are taken in 60 minutes"):
        await service.find(Provider.GITHUB, GITHUB, "octo/greet")
    assert len(http.asked) == 5  # Each request counts, and a renamed repository takes two.
    http.answers["octo%2Fgreet"] = HttpResponse(200, {}, FOUND)
    await service.find(Provider.GITLAB, "https://gitlab.com", "octo/greet")
