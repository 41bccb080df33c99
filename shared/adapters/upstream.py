"""An upstream registry, asked by the Central protocol as `bal` asks it, without credentials or with
the token that the operator set for it.
"""

import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urljoin

from msgspec import Struct
from msgspec.structs import replace

from shared.adapters.fetch_budget import FetchBudget
from shared.auth.secrets import Secret
from shared.domain.archives.delivery import ARCHIVE_TYPE, MIRROR_AGENT
from shared.domain.archives.digests import Digest
from shared.domain.body_sizes import MAX_BODY_BYTES
from shared.domain.build_resolution import ModuleRequest, PackageRequest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT, ANY_PLATFORM, ClientProfile, is_platform
from shared.domain.errors.base import Refusal
from shared.domain.listings import Listing
from shared.domain.mirror_rules import CENTRAL_NAME, REGISTRY_PATH
from shared.domain.mirroring import (
    CataloguedPackage,
    FetchedArchive,
    UpstreamItem,
    UpstreamModule,
    UpstreamPage,
    UpstreamResolution,
)
from shared.domain.names import OrgName
from shared.domain.outside_values import text
from shared.domain.packages import UpstreamOrigin
from shared.domain.search import SearchKind
from shared.domain.upstream_answers import (
    DescriptionUnusable,
    read_catalogue_page,
    read_changes,
    read_has_packages,
    read_items_page,
    read_modules,
    read_object,
    read_package,
    read_resolutions,
    read_tool,
    read_versions,
    read_withdrawal,
)
from shared.domain.upstream_withdrawals import UpstreamChanges, UpstreamWithdrawal
from shared.domain.versions import Range, Version
from shared.ports.http_client import (
    AnswerUnusable,
    HttpClient,
    HttpDownloader,
    HttpResponse,
    ServerUnreachable,
    TokenNeeded,
    Unanswered,
)
from shared.ports.system import Clock
from shared.ports.upstream import ReleaseUnusable, UpstreamBusy

DOCUMENT_DEADLINE = timedelta(seconds=15)  # Public Central answers in half a second.
ARCHIVE_DEADLINE = timedelta(seconds=120)  # 64 MiB at half a megabyte a second.
MAX_DOCUMENT_BYTES = 8 * 1024 * 1024  # The graphs of a large build have 5 MiB.

MOST_PLATFORMS = 16  # A `bal` client sends five.
SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
DEFAULT_WAIT = timedelta(seconds=30)  # After a 429 that does not say for how long.

_NOT_PUBLIC = HttpResponse(HTTPStatus.NOT_FOUND, {}, b'{"message": "not found"}')
# Statuses by which an upstream refuses a token.
_REFUSED = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))

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
        return _found(await self._ask(f"packages/{package}", client, via), read_versions)

    async def has_organization(self, org: OrgName, *, via: str) -> bool:
        answer = await self._ask(f"packages/{org}", ANY_CLIENT, via, query="?limit=1")
        return _found(answer, read_has_packages) or False

    async def describe(
        self, package: Package, wanted: Version | Range, client: ClientProfile, *, via: str
    ) -> Listing | None:
        answer = await self._ask(f"packages/{package}/{wanted}", client, via)
        return _found(answer, lambda body: read_package(body, package, wanted, self._origin()))

    async def withdrawal(self, coordinate: Coordinate, *, via: str) -> UpstreamWithdrawal | None:
        path = f"packages/{coordinate.package}/{coordinate.version}"
        answer = await self._ask(path, ANY_CLIENT, via)
        if not _is_missing(answer):
            return None
        return read_withdrawal(answer.body, coordinate)

    async def changes(self, since: int, count: int) -> UpstreamChanges | None:
        if self.name == CENTRAL_NAME:
            return None
        base = self.base_url.removesuffix(REGISTRY_PATH)
        headers = self._headers(ANY_CLIENT, "") | self._credentials()
        url = f"{base}/index/changes?since={since}&limit={count}"
        answer = await self.documents.get(url, headers)
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED):
            return None  # The upstream is no Ballroom, or answers only requests with a token.
        return _read(answer, lambda body: read_changes(body, since))

    @asynccontextmanager
    async def fetch(
        self, coordinate: Coordinate, *, via: str
    ) -> AsyncGenerator[FetchedArchive | None]:
        async with self.budget.archive() as file:
            path = f"packages/{coordinate.package}/{coordinate.version}"
            redirect = await self._ask(path, ANY_CLIENT, via, Accept=ARCHIVE_TYPE)
            if _is_missing(redirect):
                yield None
                return
            _require(redirect, HTTPStatus.FOUND)
            announced, url = self._announced(redirect)
            headers = self._headers(ANY_CLIENT, via) | {"Accept": ARCHIVE_TYPE}
            try:
                # Without the token, wherever it leads.
                _require(await self.archives.download(url, headers, file.write), HTTPStatus.OK)
            except (ServerUnreachable, UpstreamBusy) as error:
                # The registry itself answered; one package may lead to a server that is none.
                failure = Unanswered(f"the server of its archives is not reached: {error}")
                if error.trouble != Unanswered.trouble:
                    failure.trouble = f"sends archives from a server that {error.trouble}"
                raise failure from None
            yield FetchedArchive(file.content(), file.digest, announced)

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], client: ClientProfile, *, via: str
    ) -> list[UpstreamResolution | None]:
        found = list[UpstreamResolution | None]()
        for batch in _batches(requests, _package):
            content = {"packages": [_package(each) for each in batch]}
            answer = await self._ask("packages/resolve-dependencies", client, via, content)
            if answer is _NOT_PUBLIC:
                return [None] * len(requests)
            found += _read(answer, partial(read_resolutions, requests=batch))
        return found

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], client: ClientProfile, *, via: str
    ) -> list[UpstreamModule | None]:
        found = dict[ModuleRequest, UpstreamModule | None]()
        # Answers only name modules, so a request names each module once. A module is requested
        # twice if one build imports it in a certain version and also in any version.
        rest: list[ModuleRequest] = [*dict.fromkeys(requests)]
        while rest:
            asked = {f"{each.organization}/{each.module}".lower(): each for each in reversed(rest)}
            # The others are asked for in the next rounds.
            batch = next(_batches(list(reversed(asked.values())), _module))
            content = {"modules": [_module(each) for each in batch]}
            answer = await self._ask("packages/resolve-modules", client, via, content)
            if answer is _NOT_PUBLIC:
                return [None] * len(requests)
            modules = _read(answer, partial(read_modules, requests=batch))
            found.update(zip(batch, modules, strict=True))
            rest = [each for each in rest if each not in found]
        return [found[each] for each in requests]

    async def catalogue(self, offset: int, limit: int) -> UpstreamPage[CataloguedPackage]:
        query = f"?q=&sort=name,ASC&readme=false&deprecated=true&limit={limit}&offset={offset}"
        answer = await self._ask("packages/", query=query)
        if answer is _NOT_PUBLIC:
            return UpstreamPage({}, 0, 0)
        return _read(answer, lambda body: read_catalogue_page(body, self._origin()))

    async def tool(self, tool: str, *, via: str) -> Package | None:
        return _found(await self._ask(f"tools/{tool}", via=via), read_tool)

    async def items(
        self, kind: SearchKind, offset: int, limit: int
    ) -> UpstreamPage[UpstreamItem] | None:
        answer = await self._ask(kind.value, query=f"?limit={limit}&offset={offset}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return _read(answer, lambda body: read_items_page(body, kind, self._origin()))

    def _announced(self, redirect: HttpResponse) -> tuple[Digest, str]:
        """Return the digest of an archive and where it is; raise `AnswerUnusable` without them."""
        message = "the redirect names no digest"
        with suppress(Refusal, ValueError):
            announced = Digest.parse_header(redirect.headers.get("digest", ""))
            message = "the redirect leads nowhere"
            if location := redirect.headers.get("location"):
                return announced, urljoin(f"{self.base_url}/", location)
        raise AnswerUnusable(message)

    def _origin(self) -> UpstreamOrigin:
        return UpstreamOrigin(name=self.name, first_seen_ms=self.clock.now_ms())

    async def _ask(
        self,
        path: str,
        client: ClientProfile = ANY_CLIENT,
        via: str = "",
        content: Mapping[str, object] | None = None,
        query: str = "",
        **more: str,
    ) -> HttpResponse:
        """Get a document, or send the content; raise `Unanswered` if the token is refused.

        A registry that nobody reads without a token has nothing public: what it answers without it
        is that there is no such thing, and the token is sent next.
        """
        url = f"{self.base_url}/{quote(path, safe='/*')}{query}"
        headers = self._headers(client, via) | more | self._credentials()
        if content is None:
            answer = await self.documents.get(url, headers)
        else:
            headers["Content-Type"] = "application/json"
            answer = await self.documents.post(url, headers, _encoded(content))
        if not self.sends_token and _is_closed(answer):
            if self.token:
                return _NOT_PUBLIC
            message = (
                "it is read with an access token alone. Create one with the scope read there, set "
                "BALLROOM_UPSTREAM_TOKEN, and restart this registry"
            )
            raise TokenNeeded(message)
        if self.sends_token and answer.status in _REFUSED:
            message = (
                f"it does not accept the token (the answer was {answer.status}). Create one with "
                "the scope read there, set BALLROOM_UPSTREAM_TOKEN, and restart this registry"
            )
            # A firewall may refuse the words of one request with 403.
            is_unknown = answer.status == HTTPStatus.UNAUTHORIZED
            raise (Unanswered if is_unknown else AnswerUnusable)(message)
        return answer

    def _credentials(self) -> dict[str, str]:
        if self.token is None or not self.sends_token:
            return {}
        return {"Authorization": f"Bearer {self.token.reveal()}"}

    def _headers(self, client: ClientProfile, via: str) -> dict[str, str]:
        language = client.language
        # Only major and update decide what a client can use.
        agent = f"{language.major}.{language.update}.0" if language else MIRROR_AGENT
        own = f"1.1 {self.pseudonym}"
        headers = {"User-Agent": agent, "Via": f"{via}, {own}" if via else own}
        if client.platforms is not None:
            known = sorted(filter(is_platform, client.platforms))[:MOST_PLATFORMS]
            headers["Ballerina-Platform"] = ",".join(known) or ANY_PLATFORM
        return headers


def _encoded(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


RequestT = TypeVar("RequestT")


def _batches(
    requests: Sequence[RequestT], model: Callable[[RequestT], object]
) -> Iterator[list[RequestT]]:
    """Divide requests into batches, in their order, whose bodies have at most `MAX_BODY_BYTES`: a
    registry like this one takes no larger body."""
    batch = list[RequestT]()
    size = 0
    for each in requests:
        length = len(_encoded(model(each))) + len(",")
        if batch and size + length > MAX_BODY_BYTES - _ENVELOPE_BYTES:
            yield batch
            batch = []
            size = 0
        batch.append(each)
        size += length
    if batch:
        yield batch


_ENVELOPE_BYTES = 100  # The object and the list around the requests.


def _package(request: PackageRequest) -> dict[str, object]:
    return {
        "org": request.org,
        "name": request.name,
        "version": request.version,
        "mode": request.mode.value,
    }


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


def _found(answer: HttpResponse, read: Callable[[bytes], T]) -> T | None:
    return None if _is_missing(answer) else _read(answer, read)


def _read(answer: HttpResponse, read: Callable[[bytes], T]) -> T:
    _require(answer, HTTPStatus.OK)
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
    with suppress(ValueError):
        if answer.status == HTTPStatus.NOT_FOUND:
            return "not found" in text(read_object(answer.body).get("message"))
    return False


def _is_closed(answer: HttpResponse) -> bool:
    """Check for a 401 of the registry itself, which says in JSON that it wants a token."""
    with suppress(ValueError):
        return answer.status == HTTPStatus.UNAUTHORIZED and bool(
            text(read_object(answer.body).get("message"))
        )
    return False


def _require(answer: HttpResponse, status: int) -> None:
    message = f"the answer was {answer.status}"
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise UpstreamBusy(answer.status, _wait(answer))
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unanswered(message)
    if answer.status != status:
        raise AnswerUnusable(message)


def _wait(answer: HttpResponse) -> timedelta:
    told = answer.headers.get("retry-after", "").strip()
    if not (told.isascii() and told.isdigit() and len(told) < 6):  # noqa: PLR2004 - a day.
        return DEFAULT_WAIT
    return min(max(timedelta(seconds=int(told)), SHORTEST_WAIT), LONGEST_WAIT)
