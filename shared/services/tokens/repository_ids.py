"""Looks up the ids of repositories by their names, at the servers of GitHub and GitLab."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct

from shared.auth.secrets import Secret
from shared.domain.errors.base import InvalidRequest, Unavailable, about_field
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.times import MS, time_text
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, PROVIDER_SERVERS, Provider
from shared.ports.http_client import HttpClient, HttpResponse, Unanswered
from shared.ports.system import Clock
from shared.services.limits.rate_limits import RateLimiter
from shared.telemetry.log import log

# No empty, "." or ".." segment: the name is part of a URL.
_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.-]{1,100}"
_NAMES = {
    Provider.GITHUB: re.compile(rf"{_SEGMENT}/{_SEGMENT}"),
    Provider.GITLAB: re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{1,20}}"),
}
_GITHUB_API = "https://api.github.com"
_TENANT_SUFFIX = ".ghe.com"  # GitHub Enterprise Cloud with data residency.
# Names of the hosts of repositories, for sentences.
_HOSTS = {Provider.GITHUB: "GitHub", Provider.GITLAB: "GitLab"}
_OTHERWISE = "Check the name, or enter the ids yourself."
_HEADERS = MappingProxyType({"Accept": "application/json", "User-Agent": "Ballroom"})

_OK = 200
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_TOO_MANY = 429
_MISSING = (404, 410)
_MOVED = (301, 302, 307, 308)
# GitHub expects clients to wait a minute if it names no time. No provider has a limit of a day.
_SHORTEST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(days=1)


class FoundRepository(Struct, frozen=True):
    """The id claims of a repository, and its name: a former one leads to it as well."""

    ids: Mapping[str, str]
    name: str


class RepositoryIds(Struct, frozen=True):
    """Looks up the ids of a public repository, which its CI system never reuses.

    Callers check rights, and that the server is one of the operator's. The token is one of
    github.com, and sent to no other server. Requests to a server are counted for all callers
    together, because its own limit is for this registry as a whole.
    """

    http: HttpClient
    token: Secret | None
    rate_limiter: RateLimiter
    clock: Clock

    async def find(self, provider: Provider, server: str, repository: str) -> FoundRepository:
        """Return the ids and the name of a repository.

        Raises `InvalidRequest` with the way out, `look-up-limited` while the server takes no more
        requests, and `TooManyRequests`.
        """
        _check_provider(provider)
        with about_field("repository"):
            return await self._find(provider, server, repository)

    async def _find(self, provider: Provider, server: str, repository: str) -> FoundRepository:
        if not _NAMES[provider].fullmatch(repository):
            message = (
                "Enter the repository as owner/name, such as octo/greet, or enter its ids instead."
            )
            raise InvalidRequest(message)
        address = _ADDRESSES[provider](server, repository)
        try:
            response = await self._get(address)
            moved_to = _moved_to(address, response)
            if moved_to:
                response = await self._get(moved_to)
        except Unanswered as failure:
            message = (
                f"{_HOSTS[provider]} {failure.trouble}, so {repository} could not be looked up. "
                f"{_OTHERWISE}"
            )
            raise InvalidRequest(message) from None
        try:
            return _found(provider, repository, response.json_object())
        except Unanswered:
            if _is_limit(response):
                raise self._limited(_HOSTS[provider], repository, response.headers) from None
            reason = self._reason(_HOSTS[provider], repository, response, address)
            message = f"{reason}, or enter the ids yourself."
            raise InvalidRequest(message) from None

    async def _get(self, address: str) -> HttpResponse:
        server = urlsplit(address).netloc
        await self.rate_limiter.check(RateLimitClass.LOOK_UP, RateLimitKeys(everybody=server))
        return await self.http.get(address, {**_HEADERS, **self._credentials(address)})

    def _credentials(self, address: str) -> Mapping[str, str]:
        if self.token is None or not address.startswith(f"{_GITHUB_API}/"):
            return {}
        return {"Authorization": f"Bearer {self.token.reveal()}"}

    def _reason(self, host: str, repository: str, response: HttpResponse, address: str) -> str:
        """Return why the repository was not found, and one way out."""
        if response.status == _UNAUTHORIZED and self._credentials(address):
            log.warning("look_up.token_refused", server=urlsplit(address).netloc)
            return f"{host} refuses the token of BALLROOM_LOOKUP_TOKEN. Tell the operator"
        if response.status in (_UNAUTHORIZED, _FORBIDDEN):
            return f"{host} refuses to show {repository} to this registry. Check the name"
        if response.status in _MOVED:
            return f"{host} says that {repository} moved elsewhere. Enter its present name"
        if response.status == _OK or response.status in _MISSING:
            return f"{host} has no public repository {repository}. Check the name"
        return (
            f"{host} answers with the status {response.status}, so {repository} could not be "
            "looked up. Try again later"
        )

    def _limited(self, host: str, repository: str, headers: Mapping[str, str]) -> Unavailable:
        now_ms = self.clock.now_ms()
        wait_ms = _wait_ms(headers, now_ms)
        until = time_text(now_ms + wait_ms + _ROUNDED_UP_MS)
        return Unavailable(
            "look-up-limited",
            f"{host} takes no more requests of this registry until {until}, so {repository} could "
            "not be looked up. Try again then, or enter the ids yourself.",
            wait_ms * MS,
        )


_ROUNDED_UP_MS = 59_999  # The time in the sentence has no seconds.


def _check_provider(provider: Provider) -> None:
    if provider not in _NAMES:
        names = ", ".join(ID_CLAIMS[provider])
        message = (
            f"{provider.title} does not tell this registry the ids of a job. Enter all of "
            f"them: {names}."
        )
        raise InvalidRequest(message)


def _github_address(server: str, repository: str) -> str:
    host = urlsplit(server).netloc
    if server == PROVIDER_SERVERS[Provider.GITHUB]:
        api = _GITHUB_API
    elif host.endswith(_TENANT_SUFFIX):
        api = f"https://api.{host}"
    else:
        api = f"{server}/api/v3"
    return f"{api}/repos/{repository}"


def _gitlab_address(server: str, repository: str) -> str:
    return f"{server}/api/v4/projects/{quote(repository, safe='')}"


_ADDRESSES: Mapping[Provider, Callable[[str, str], str]] = {
    Provider.GITHUB: _github_address,
    Provider.GITLAB: _gitlab_address,
}
LOOKED_UP_PROVIDERS = frozenset(_ADDRESSES)


def _moved_to(address: str, response: HttpResponse) -> str:
    """Return where a repository is that was renamed or moved, if that is on the same server."""
    location = response.headers.get("location", "")
    if response.status not in _MOVED or not location:
        return ""
    try:
        target = urlsplit(urljoin(address, location))
    except ValueError:
        return ""
    known = urlsplit(address)
    is_same = (target.scheme, target.netloc) == (known.scheme, known.netloc)
    return target.geturl() if is_same else ""


_OWNERS = {Provider.GITHUB: "owner", Provider.GITLAB: "namespace"}
_FULL_NAMES = {Provider.GITHUB: "full_name", Provider.GITLAB: "path_with_namespace"}


def _found(provider: Provider, repository: str, found: Mapping[str, object]) -> FoundRepository:
    """Return the repository; raise `Unanswered` for an answer without ids, and for a repository
    that only the token of the registry may see."""
    is_hidden = found.get("private") is True
    match found.get("id"), found.get(_OWNERS[provider]):
        case int(own_id), {"id": int(owner_id)} if not is_hidden:
            own, of_owner = ID_CLAIMS[provider]
            name = found.get(_FULL_NAMES[provider])
            is_name = isinstance(name, str) and _NAMES[provider].fullmatch(name)
            ids = {own: str(own_id), of_owner: str(owner_id)}
            return FoundRepository(ids, str(name) if is_name else repository)
        case _:
            message = "the answer has no ids"
            raise Unanswered(message)


def _is_limit(response: HttpResponse) -> bool:
    """Check whether the server takes no more requests for a time. GitHub says so with a 403 too,
    which it answers for other reasons as well."""
    headers = response.headers
    is_used_up = headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    is_used_up = is_used_up or b"rate limit" in response.body.lower()
    return response.status == _TOO_MANY or (response.status == _FORBIDDEN and is_used_up)


def _wait_ms(headers: Mapping[str, str], now_ms: int) -> int:
    """Return how long the server takes no more requests: as it says, or a minute."""
    wait_ms = _number(headers.get("retry-after", "")) * 1000
    # GitHub and GitLab send a time in seconds.
    reset = headers.get("x-ratelimit-reset", "") or headers.get("ratelimit-reset", "")
    if not wait_ms and reset:
        wait_ms = _number(reset) * 1000 - now_ms
    return min(max(wait_ms, _SHORTEST_WAIT // MS), _LONGEST_WAIT // MS)


def _number(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,12}", text) else 0
