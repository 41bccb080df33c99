"""Ids of repositories: looked up at GitHub and GitLab by the name of a public repository."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from shared.domain.errors.base import InvalidRequest
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, PROVIDER_SERVERS, Provider
from shared.ports import HttpClient, Unanswered

# No empty, "." or ".." segment: the name is part of a URL.
_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.-]{1,100}"
_NAMES = {
    Provider.GITHUB: re.compile(rf"{_SEGMENT}/{_SEGMENT}"),
    Provider.GITLAB: re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{1,20}}"),
}
_GITHUB_API = "https://api.github.com"
_TENANT_SUFFIX = ".ghe.com"  # GitHub Enterprise Cloud with data residency.
_HOSTS = {Provider.GITHUB: "GitHub", Provider.GITLAB: "GitLab"}  # Of the repositories.
_OTHERWISE = "Check the name, or enter the ids yourself."
_HEADERS = MappingProxyType({"Accept": "application/json", "User-Agent": "Ballroom"})


@dataclass(frozen=True, slots=True)
class RepositoryIds:
    """Looks up the ids of a public repository, which its CI system never reuses.

    Callers check rights, and that the server is one of the operator's.
    """

    http: HttpClient

    async def find(self, provider: Provider, server: str, repository: str) -> Mapping[str, str]:
        """Return the id claims of a repository, or raise `InvalidRequest` with the way out."""
        if provider not in _NAMES:
            names = ", ".join(ID_CLAIMS[provider])
            message = (
                f"{provider.title} does not tell this registry the ids of a job. Enter all of "
                f"them: {names}."
            )
            raise InvalidRequest(message)
        if not _NAMES[provider].fullmatch(repository):
            message = (
                "Enter the repository as owner/name, such as octo/greet, or enter its ids instead."
            )
            raise InvalidRequest(message)
        try:
            answer = await self.http.get(_ADDRESSES[provider](server, repository), _HEADERS)
        except Unanswered:
            message = f"Could not reach {_HOSTS[provider]} to look up {repository}. {_OTHERWISE}"
            raise InvalidRequest(message) from None
        try:
            return _ids(provider, answer.json_object())
        except Unanswered:
            message = f"{_HOSTS[provider]} has no public repository {repository}. {_OTHERWISE}"
            raise InvalidRequest(message) from None


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

_OWNERS = {Provider.GITHUB: "owner", Provider.GITLAB: "namespace"}


def _ids(provider: Provider, found: Mapping[str, object]) -> Mapping[str, str]:
    """Return the id claims; raise `Unanswered` for an answer without ids."""
    match found.get("id"), found.get(_OWNERS[provider]):
        case int(repository), {"id": int(owner)}:
            own, of_owner = ID_CLAIMS[provider]
            return {own: str(repository), of_owner: str(owner)}
        case _:
            message = "the answer has no ids"
            raise Unanswered(message)
