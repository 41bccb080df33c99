"""Kinds of requests, some of each face, over packages that are made for it. Other benchmarks send
them to a host within one process.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.support.processor_time import wait_until_idle
from bench.support.requested import Requested
from bench.support.servers import ballroom, create_organization, push
from functions.html.page_templates import static_path
from shared.auth.browsers import SignInBrowser
from shared.bootstrap.build import build_registry
from shared.domain.accounts import Account
from shared.domain.principals import OPERATOR
from shared.hosting.host import Host
from shared.services.record_batches import all_entities
from shared.settings import Settings
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala
from tests.support.mcp_agent import tool_call
from tests.unit.shared.hosting.asgi import Exchange, ask, scope

ORG = "acme"
PRIVATE = "hidden"  # An organization whose packages are private.
VERSION = "1.3.0"  # The newest version of each package, which is documented.
OLDER = ("1.2.0", "1.1.0", "1.0.0")
RESOLVED = 20  # Packages of one resolution.

PUSHERS = 4  # Threads.
MOST_SECONDS_TO_LOG = 120
CENTRAL = "/2.0/registry"
ARCHIVE = {"Accept": "application/octet-stream"}
PAGE = {"Accept": "text/html", "Accept-Encoding": "gzip", "User-Agent": "Mozilla/5.0"}
BAL = {"User-Agent": "ballerina/2201.12.0", "Ballerina-Platform": "java21"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Credentials:
    """What callers send: nothing, a token, the cookie of a browser, the token of a
    directory, or that for metrics."""

    token: Mapping[str, str]
    session: Mapping[str, str]
    directory: Mapping[str, str]
    metrics: Mapping[str, str]


Make = Callable[[str], Requested]  # Makes a request for the package of this name.


@dataclass(frozen=True)
class Kind:
    """A kind of request. Anybody may send it but where it names the credentials that it takes."""

    make: Make
    status: int = 200
    takes: str = ""  # A field of `Credentials`.


def _get(path: str, headers: Mapping[str, str] = BAL, status: int = 200, takes: str = "") -> Kind:
    return Kind(lambda name: Requested(path.format(name), headers), status, takes)


def _post(path: str, body: Callable[[str], object]) -> Kind:
    def make(name: str) -> Requested:
        content = json.dumps(body(name)).encode()
        return Requested(path, BAL | JSON | {"Content-Length": str(len(content))}, content)

    return Kind(make)


def _resolution(name: str) -> object:
    return {"packages": [{"org": ORG, "name": each} for each in _resolved(name)]}


def _resolved(name: str) -> list[str]:
    """Return the packages of a resolution, which no other one asks for or depends on."""
    return [f"{name}.part{number}" for number in range(RESOLVED)]


def _query(name: str) -> object:
    fields = "name version pullCount packageDependencies { organization name version }"
    return {"query": f'{{ package(orgName: "{ORG}", packageName: "{name}") {{ {fields} }} }}'}


def _scanned(name: str) -> object:
    return {"package": {"name": f"{ORG}/{name}", "ecosystem": "Ballerina"}, "version": VERSION}


KINDS: Mapping[str, Kind] = {
    "pull": _get(f"{CENTRAL}/packages/{ORG}/{{}}/{VERSION}", BAL | ARCHIVE, 302),
    "pull, newest of a range": _get(f"{CENTRAL}/packages/{ORG}/{{}}/1.*", BAL | ARCHIVE, 302),
    "pull, private": _get(
        f"{CENTRAL}/packages/{PRIVATE}/{{}}/{VERSION}", BAL | ARCHIVE, 302, "token"
    ),
    "metadata": _get(f"{CENTRAL}/packages/{ORG}/{{}}/{VERSION}"),
    "versions": _get(f"{CENTRAL}/packages/{ORG}/{{}}"),
    "versions, private": _get(f"{CENTRAL}/packages/{PRIVATE}/{{}}", takes="token"),
    "resolution": _post(f"{CENTRAL}/packages/resolve-dependencies", _resolution),
    "search of bal": _get(f"{CENTRAL}/search-packages?q={{}}"),
    "search of symbols": _get(f"{CENTRAL}/search-symbols?q={{}}"),
    "API documentation": _get(f"/2.0/docs/{ORG}/{{}}/{VERSION}"),
    "GraphQL": _post("/2.0/graphql", _query),
    "index file": _get(f"/index/{ORG}/{{}}/index.json"),
    "Maven: versions": _get(f"/2.0/maven/{ORG}/{{}}/maven-metadata.xml"),
    "Maven: POM": _get(f"/2.0/maven/{ORG}/{{0}}/{VERSION}/{{0}}-{VERSION}.pom"),
    "Maven: checksum": _get(f"/2.0/maven/{ORG}/{{0}}/{VERSION}/{{0}}-{VERSION}.bala.sha1"),
    "page of a package": _get(f"/packages/{ORG}/{{}}", PAGE),
    "page of API documentation": _get(f"/packages/{ORG}/{{}}/{VERSION}/docs", PAGE),
    "page of a module": _get(f"/packages/{ORG}/{{0}}/{VERSION}/docs/{{0}}", PAGE),
    "page of files": _get(f"/packages/{ORG}/{{}}/{VERSION}/files", PAGE),
    "file": _get(f"/files/{ORG}/{{0}}/{VERSION}/package.json", PAGE),
    "page of a search": _get("/search?q={}", PAGE),
    "page of symbols": _get("/symbols?q={}", PAGE),
    "home page": _get("/", PAGE),
    "page of an organization": _get(f"/orgs/{ORG}", PAGE),
    "documentation of the registry": _get("/docs", PAGE),
    "page of the documentation": _get("/docs/rules", PAGE),
    "search of the documentation": _get("/docs?q=token", PAGE),
    "policy": _get("/policies/names", PAGE),
    "badge": _get(f"/badges/{ORG}/{{}}/version.svg", PAGE),
    "feed": _get(f"/feeds/{ORG}/{{}}.atom", PAGE),
    "static file": Kind(lambda _: Requested(static_path("site.css"), PAGE)),
    "API: history": _get(f"/api/v1/packages/{ORG}/{{}}/history"),
    "API: bill of materials": _get(f"/api/v1/sbom/{ORG}/{{}}/{VERSION}"),
    "API: openapi.json": _get("/api/v1/openapi.json"),
    "API: events": _get("/api/v1/account/events", takes="token"),
    "MCP: search": _post("/mcp", lambda name: tool_call("search_packages", query=name)),
    "MCP: package": _post("/mcp", lambda name: tool_call("get_package", package=f"{ORG}/{name}")),
    "OSV: query": _post("/v1/query", _scanned),
    "log: checkpoint": _get("/log/checkpoint"),
    "log: proof": _get(f"/api/v1/log/proof/{ORG}/{{}}/{VERSION}"),
    "page of the account": _get("/account", PAGE, takes="session"),
    "page of administrators": _get("/manage", PAGE, takes="session"),
    "SCIM: users": _get("/scim/v2/Users", takes="directory"),
    "health": _get("/health"),
    "metrics": _get("/metrics", takes="metrics"),
}


def fill(folder: Path, count: int) -> None:
    """Publish so many packages, as many private ones, and those of as many resolutions, to a
    registry over a folder."""
    with ballroom(folder, **SETTINGS) as server, httpx.Client(timeout=60) as client:
        create_organization(server, client, ORG)
        create_organization(server, client, PRIVATE, defaultVisibility="private")
        with ThreadPoolExecutor(PUSHERS) as pool:
            for version in (*reversed(OLDER), VERSION):
                every = [_archives(number, version) for number in range(count)]
                wanted = [each for several in every for each in several]
                list(pool.map(lambda each: push(server, client, each), wanted))
            parts = [each for number in range(count) for each in _archives_to_resolve(number)]
            list(pool.map(lambda each: push(server, client, each), parts))
        wait_until_idle(server, of=b"")  # Until their documentation is made.
        _wait_until_logged(client, f"{server.url}/api/v1/log/proof/{ORG}/p{count - 1}/{VERSION}")


METRICS_TOKEN = "m" * 32
# A directory provisions people for an identity provider, which nobody asks here.
SETTINGS: Mapping[str, Any] = {
    "metrics": "token",
    "metrics_token": METRICS_TOKEN,
    "oidc_issuer": "https://identity.example.org",
    "oidc_client_id": "ballroom",
    "oidc_client_secret": "s" * 32,
}


def _wait_until_logged(client: httpx.Client, proof: str) -> None:
    """Wait until the transparency log has the release with this proof."""
    for _ in range(MOST_SECONDS_TO_LOG):
        if client.get(proof).is_success:
            return
        time.sleep(1)
    raise TimeoutError(proof)


def _archives(number: int, version: str) -> list[bytes]:
    name = f"p{number}"
    spec: dict[str, Any] = {
        "summary": f"Package number {number} of a benchmark.",
        "keywords": ("bench", name),
    }
    public = documented_bala if version == VERSION else bala
    needs = [f"{ORG}/p{each}:{VERSION}" for each in range(max(0, number - 3), number)]
    return [
        public(f"{ORG}/{name}:{version}", dependencies=needs, **spec),
        bala(f"{PRIVATE}/{name}:{version}", **spec),
    ]


def _archives_to_resolve(number: int) -> Iterator[bytes]:
    """Yield the archives of one resolution, of which each package depends on some before it."""
    parts = _resolved(f"p{number}")
    for place, name in enumerate(parts):
        needs = [f"{ORG}/{each}:{VERSION}" for each in parts[max(0, place - 3) : place]]
        yield bala(f"{ORG}/{name}:{VERSION}", dependencies=needs)


async def credentials(settings: Settings, token: str) -> Credentials:
    """Return the credentials of an administrator, and of a directory."""
    registry = build_registry(settings)
    try:
        accounts = await all_entities(registry.adapters.directory, Account)
        identity = registry.identity
        [administrator] = accounts
        code = (await identity.sign_in_links.create(administrator.id)).reveal().rpartition("#")[2]
        browser = SignInBrowser("127.0.0.1", "Mozilla/5.0", "", "")
        cookies = await identity.sign_in_flow.finish_link(code.rpartition("=")[2], browser)
        issued = await registry.scim.tokens.issue("oidc", 365, by=OPERATOR)
    finally:
        await registry.close()
    cookie = "; ".join(each.reveal().partition(";")[0] for each in cookies)
    return Credentials(
        {"Authorization": f"Bearer {token}"},
        {"Cookie": cookie},
        {"Authorization": f"Bearer {issued.text.reveal()}"},
        {"Authorization": f"Bearer {METRICS_TOKEN}"},
    )


async def send(host: Host, request: Requested, status: int) -> None:
    """Send a request as the server does: the host answers from memory, or calls a Function."""
    sent = scope(request.method, request.path, request.headers)
    if host.cached_answer(sent) is None:
        answer: Exchange = await ask(host, sent, request.body)
        assert answer.status == status, (request.path, answer.status, answer.body[:300])
