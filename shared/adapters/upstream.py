"""An upstream registry, asked by the Central protocol as `bal` asks it, without credentials or with
the token that the operator set for it.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import quote, urljoin

from msgspec import Struct
from msgspec.structs import replace

from shared.adapters.fetch_budget import FetchBudget
from shared.auth.tokens import Secret
from shared.domain.archives.delivery import ARCHIVE_TYPE
from shared.domain.archives.names import Digest
from shared.domain.build_resolution import ModuleRequest, PackageRequest
from shared.domain.errors.base import Refusal
from shared.domain.listings import Listing
from shared.domain.mirroring import (
    CataloguedPackage,
    FetchedArchive,
    UpstreamItem,
    UpstreamModule,
    UpstreamPage,
    UpstreamResolution,
)
from shared.domain.names import (
    ANY_CLIENT,
    ANY_PLATFORM,
    ClientProfile,
    Coordinate,
    OrgName,
    Package,
    Range,
    Version,
    is_platform,
)
from shared.domain.packages import UpstreamOrigin
from shared.domain.search import SearchKind
from shared.domain.upstream_answers import (
    DescriptionUnusable,
    read_catalogue_page,
    read_has_packages,
    read_items_page,
    read_modules,
    read_object,
    read_package,
    read_resolutions,
    read_tool,
    read_versions,
)
from shared.ports import (
    AnswerUnusable,
    Clock,
    HttpClient,
    HttpDownloader,
    HttpResponse,
    ReleaseUnusable,
    ServerUnreachable,
    Unanswered,
    UpstreamBusy,
)

DOCUMENT_DEADLINE = timedelta(seconds=15)  # Public Central answers in half a second.
ARCHIVE_DEADLINE = timedelta(seconds=120)  # 64 MiB at half a megabyte a second.
MAX_DOCUMENT_BYTES = 8 * 1024 * 1024  # The graphs of a large build have 5 MiB.

MOST_PLATFORMS = 16  # A `bal` client sends five.
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=5)
DEFAULT_WAIT = timedelta(seconds=30)  # After a 429 that does not say for how long.

_AGENT = "Ballroom"  # Where no client's version matters.
_OK, _FOUND, _MISSING = 200, 302, 404
_TOO_MANY, _SERVER_ERRORS = 429, 500
_UNKNOWN = 401
_REFUSED = frozenset((_UNKNOWN, 403))  # With a token.

T = TypeVar("T")


class CentralUpstream(Struct, frozen=True):
    """The `Upstream` at a base URL.

    `documents` and `archives` are clients with the limits for each, and `budget` is that of all
    upstreams; `pseudonym` is what this registry calls itself in `Via`. Requests have no
    credentials; those of `with_token()` have the token, in requests to this address alone: what it
    redirects to gets none.
    """

    name: str
    base_url: str
    documents: HttpClient
    archives: HttpDownloader
    budget: FetchBudget
    pseudonym: str
    clock: Clock
    token: Secret | None = None
    sends_token: bool = False

    def with_token(self) -> "CentralUpstream | None":
        return replace(self, sends_token=True) if self.token else None

    async def versions(
        self, package: Package, client: ClientProfile, *, via: str
    ) -> tuple[Version, ...] | None:
        answer = await self._get(self._url("packages", *_parts(package)), client, via)
        return _found(answer, read_versions)

    async def has_organization(self, org: OrgName, *, via: str) -> bool:
        answer = await self._get(self._url("packages", org) + "?limit=1", ANY_CLIENT, via)
        return _found(answer, read_has_packages) or False

    async def describe(
        self, package: Package, wanted: Version | Range, client: ClientProfile, *, via: str
    ) -> Listing | None:
        url = self._url("packages", *_parts(package), str(wanted))
        answer, origin = await self._get(url, client, via), self._origin()
        return _found(answer, lambda body: read_package(body, package, wanted, origin))

    @asynccontextmanager
    async def fetch(
        self, coordinate: Coordinate, *, via: str
    ) -> AsyncGenerator[FetchedArchive | None]:
        async with self.budget.archive() as file:
            url = self._url("packages", *_parts(coordinate.package), coordinate.version.text)
            redirect = await self._get(url, ANY_CLIENT, via, Accept=ARCHIVE_TYPE)
            if _is_missing(redirect):
                yield None
                return
            _require(redirect, _FOUND)
            announced, url = _announced(redirect), self._location(redirect)
            headers = self._headers(ANY_CLIENT, via) | {"Accept": ARCHIVE_TYPE}
            try:
                # Without the token, wherever it leads.
                _require(await self.archives.download(url, headers, file.write), _OK)
            except (ServerUnreachable, UpstreamBusy) as error:
                # The registry itself answered; one package may lead to a server that is none.
                raise Unanswered(str(error)) from None
            yield FetchedArchive(file.content(), file.digest, announced)

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], client: ClientProfile, *, via: str
    ) -> list[UpstreamResolution | None]:
        wanted = [
            {"org": e.org, "name": e.name, "version": e.version, "mode": e.mode.value}
            for e in requests
        ]
        answer = await self._post(
            "packages/resolve-dependencies", {"packages": wanted}, client, via
        )
        return _read(answer, lambda body: read_resolutions(body, requests))

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], client: ClientProfile, *, via: str
    ) -> list[UpstreamModule | None]:
        found = dict[ModuleRequest, UpstreamModule | None]()
        # Answers name modules alone, so a request names each once. A module is wanted in two ways
        # if one build imports it in a version and another time in any.
        rest: list[ModuleRequest] = [*dict.fromkeys(requests)]
        while rest:
            asked = {f"{each.organization}/{each.module}".lower(): each for each in reversed(rest)}
            batch = list(reversed(asked.values()))
            wanted = {"modules": [_module(each) for each in batch]}
            answer = await self._post("packages/resolve-modules", wanted, client, via)
            modules = _read(answer, partial(read_modules, requests=batch))
            found.update(zip(batch, modules, strict=True))
            rest = [each for each in rest if each not in found]
        return [found[each] for each in requests]

    async def catalogue(self, offset: int, limit: int) -> UpstreamPage[CataloguedPackage]:
        wanted = f"?q=&sort=name,ASC&readme=false&deprecated=true&limit={limit}&offset={offset}"
        answer, origin = await self._get(self._url("packages", "") + wanted), self._origin()
        return _read(answer, lambda body: read_catalogue_page(body, origin))

    async def tool(self, tool: str, *, via: str) -> Package | None:
        return _found(await self._get(self._url("tools", tool), via=via), read_tool)

    async def items(
        self, kind: SearchKind, offset: int, limit: int
    ) -> UpstreamPage[UpstreamItem] | None:
        url = f"{self._url(kind.value)}?limit={limit}&offset={offset}"
        answer, origin = await self._get(url), self._origin()
        if answer.status == _MISSING:
            return None
        return _read(answer, lambda body: read_items_page(body, kind, origin))

    def _location(self, redirect: HttpResponse) -> str:
        """Return where it leads; raise `AnswerUnusable` if that is no address."""
        location = redirect.headers.get("location", "")
        with suppress(ValueError):
            if location:
                return urljoin(f"{self.base_url}/", location)
        message = "the redirect leads nowhere"
        raise AnswerUnusable(message)

    def _origin(self) -> UpstreamOrigin:
        return UpstreamOrigin(name=self.name, first_seen_ms=self.clock.now_ms())

    async def _post(
        self, path: str, content: Mapping[str, object], client: ClientProfile, via: str
    ) -> HttpResponse:
        headers = self._headers(client, via) | self._credentials()
        headers["Content-Type"] = "application/json"
        body = json.dumps(content).encode()
        return self._accepted(await self.documents.post(self._url(path), headers, body))

    async def _get(
        self, url: str, client: ClientProfile = ANY_CLIENT, via: str = "", **more: str
    ) -> HttpResponse:
        headers = self._headers(client, via) | self._credentials() | more
        return self._accepted(await self.documents.get(url, headers))

    def _credentials(self) -> dict[str, str]:
        if self.token is None or not self.sends_token:
            return {}
        return {"Authorization": f"Bearer {self.token.reveal()}"}

    def _accepted(self, answer: HttpResponse) -> HttpResponse:
        if self.sends_token and answer.status in _REFUSED:
            message = (
                f"it does not accept the token (the answer was {answer.status}). Create one with "
                "the scope read there, set BALLROOM_UPSTREAM_TOKEN, and restart this registry"
            )
            # A firewall may refuse the words of one request with 403.
            raise (Unanswered if answer.status == _UNKNOWN else AnswerUnusable)(message)
        return answer

    def _url(self, *parts: str) -> str:
        return f"{self.base_url}/" + "/".join(quote(each, safe="/*") for each in parts)

    def _headers(self, client: ClientProfile, via: str) -> dict[str, str]:
        language = client.language
        # Only major and update decide what a client can use.
        agent = f"{language.major}.{language.update}.0" if language else _AGENT
        own = f"1.1 {self.pseudonym}"
        headers = {"User-Agent": agent, "Via": f"{via}, {own}" if via else own}
        if client.platforms is not None:
            known = sorted(filter(is_platform, client.platforms))[:MOST_PLATFORMS]
            headers["Ballerina-Platform"] = ",".join(known) or ANY_PLATFORM
        return headers


def _parts(package: Package) -> tuple[str, str]:
    return package.org, package.name


def _module(request: ModuleRequest) -> dict[str, object]:
    known = [
        {"org": each.package.org, "name": each.package.name, "version": each.version.text}
        for each in request.candidates
        if each.version
    ]
    return {
        "organization": request.organization,
        "moduleName": request.module,
        "possiblePackages": known,
        "mode": request.mode.value,
    }


def _announced(redirect: HttpResponse) -> Digest:
    try:
        return Digest.parse_header(redirect.headers.get("digest", ""))
    except Refusal:
        message = "the redirect names no digest"
        raise AnswerUnusable(message) from None


def _found(answer: HttpResponse, read: Callable[[bytes], T]) -> T | None:
    return None if _is_missing(answer) else _read(answer, read)


def _read(answer: HttpResponse, read: Callable[[bytes], T]) -> T:
    _require(answer, _OK)
    try:
        return read(answer.body)
    except DescriptionUnusable as error:
        raise ReleaseUnusable(str(error)) from None
    except ValueError as error:
        raise AnswerUnusable(str(error)) from None


def _is_missing(answer: HttpResponse) -> bool:
    """Check for a 404 of the registry itself, which says in JSON that there is no such package.

    A proxy that blocks the upstream answers 404 as well, with a page.
    """
    if answer.status != _MISSING:
        return False
    try:
        message = read_object(answer.body).get("message")
    except ValueError:
        return False
    return isinstance(message, str) and "not found" in message


def _require(answer: HttpResponse, status: int) -> None:
    message = f"the answer was {answer.status}"
    if answer.status == _TOO_MANY:
        raise UpstreamBusy(answer.status, _wait(answer))
    if answer.status >= _SERVER_ERRORS:
        raise Unanswered(message)
    if answer.status != status:
        raise AnswerUnusable(message)


def _wait(answer: HttpResponse) -> timedelta:
    text = answer.headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 6):  # noqa: PLR2004 - a day.
        return DEFAULT_WAIT
    return min(max(timedelta(seconds=int(text)), SHORTEST_WAIT), LONGEST_WAIT)
