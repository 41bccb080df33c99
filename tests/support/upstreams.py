"""Upstream registries for tests, on a port of this machine: one that behaves as a test says."""

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.archives import bala
from tests.support.server import served_app

BASE = "/2.0/registry"
PUBLISHED_MS = 1_700_000_000_000  # When the upstream published everything.

_is_known = ContextVar("_is_known", default=False)  # Whether a request sent the token.


async def _nobody(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as a server without an application: a request came after its test."""
    await Response("No test has an upstream here.", 500)(scope, receive, send)


@dataclass
class SharedServer:
    """A server that runs for many tests, each with an upstream of its own.

    To start and stop a server takes longer than most of these tests.
    """

    url: str
    app: ASGIApp = _nobody

    @classmethod
    @contextmanager
    def running(cls) -> Generator["SharedServer"]:
        """Serve the application that a test has set, each request by that of its time."""

        async def current(scope: Scope, receive: Receive, send: Send) -> None:
            await shared_server.app(scope, receive, send)

        shared_server = cls("")
        lifespan = Starlette()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            chosen = lifespan if scope["type"] == "lifespan" else current
            await chosen(scope, receive, send)

        with served_app(app) as address:
            shared_server.url = address.url
            yield shared_server


Behaviour = Callable[[Request], Awaitable[Response | None]]


@dataclass
class FakeUpstream:
    """A small registry in the Central protocol, which counts requests by what they ask for.

    `behave` may answer in place of it; None leaves the answer as it is. Packages in `private` exist
    only for requests with `token`; any other token is refused.
    """

    url: str = ""
    archives: dict[str, bytes] = field(default_factory=dict[str, bytes])  # By coordinate.
    deprecated: dict[str, str] = field(default_factory=dict[str, str])
    asked: Counter[str] = field(default_factory=Counter[str])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    described: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    behave: dict[str, Behaviour] = field(default_factory=dict[str, Behaviour])
    resolved: list[list[dict[str, Any]]] = field(default_factory=list[list[dict[str, Any]]])
    digests: dict[str, str] = field(default_factory=dict[str, str])  # In place of the right ones.
    graphs: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    gate: Event = field(default_factory=Event)  # For a behaviour that waits.
    private: set[str] = field(default_factory=set[str])
    unlisted: set[str] = field(default_factory=set[str])  # Packages that its list leaves out.
    token: str = "the-token-of-the-upstream"
    asked_with_token: Counter[str] = field(default_factory=Counter[str])

    @property
    def name(self) -> str:
        """Return what registries that mirror it call it."""
        return self.url.removeprefix("http://")

    @property
    def total(self) -> int:
        """Return how many requests there were."""
        return sum(self.asked.values())

    def publish(self, coordinate: str, **spec: Any) -> bytes:
        """Have a package, as `bala` makes it."""
        content = self.archives[coordinate] = bala(coordinate, **spec)
        return content

    @contextmanager
    def serving(self, at: "SharedServer | None" = None) -> Generator["FakeUpstream"]:
        """Serve on a port of this machine, or in a server that already runs."""
        if at is None:
            with served_app(self.app) as address:
                self.url = address.url
                yield self
            return
        at.app = self.app
        self.url = at.url
        try:
            yield self
        finally:
            at.app = _nobody

    @property
    def app(self) -> Starlette:
        routes = [
            self._route("/packages/resolve-dependencies", "resolve", self._resolve, ["POST"]),
            self._route("/packages/resolve-modules", "modules", self._modules, ["POST"]),
            self._route("/packages/", "list", self._list),
            self._route("/packages/{org}", "organization", self._organization),
            self._route("/tools/{tool}", "tool", self._tool),
            self._route("/packages/{org}/{name}", "versions", self._versions),
            self._route("/packages/{org}/{name}/{version}", "package", self._package),
            self._route("/file/{version}/{file}", "file", self._file),
            self._route("/connectors", "connectors", self._items("connectors")),
            self._route("/triggers", "triggers", self._items("triggers")),
        ]
        return Starlette(routes=routes)

    def _route(
        self,
        path: str,
        name: str,
        answer: Callable[[Request], Awaitable[Response]],
        methods: list[str] | None = None,
    ) -> Route:
        async def endpoint(request: Request) -> Response:
            is_pull = "octet-stream" in request.headers.get("accept", "") and name == "package"
            kind = "pull" if is_pull else name
            self.asked[kind] += 1
            self.headers.append(dict(request.headers))
            sent = request.headers.get("authorization")
            if sent is not None:
                self.asked_with_token[kind] += 1
                if sent != f"Bearer {self.token}":
                    return JSONResponse({"message": "The access token is not known."}, 401)
            _is_known.set(sent is not None)
            behave = self.behave.get(kind)
            replaced = await behave(request) if behave else None
            return replaced or await answer(request)

        return Route(BASE + path, endpoint, methods=methods)

    @property
    def shown(self) -> list[str]:
        """Return the coordinates that exist for the request."""
        packages = set[str]() if _is_known.get() else self.private
        return [each for each in self.archives if each.split(":")[0] not in packages]

    def versions_of(self, package: str) -> list[str]:
        found = [each.split(":")[1] for each in self.shown if each.startswith(f"{package}:")]
        return sorted(found, reverse=True)

    def digest(self, coordinate: str) -> str:
        wrong = self.digests.get(coordinate)
        return f"sha-256={wrong or hashlib.sha256(self.archives[coordinate]).hexdigest()}"

    async def _organization(self, request: Request) -> Response:
        org = request.path_params["org"]
        names = sorted({each.split(":")[0] for each in self.shown})
        packages = [{"name": each} for each in names if each.startswith(f"{org}/")]
        if not packages:
            return JSONResponse({"message": f"package not found for: {org}"}, 404)
        return JSONResponse({"packages": packages, "count": len(packages)})

    async def _versions(self, request: Request) -> Response:
        package = f"{request.path_params['org']}/{request.path_params['name']}"
        versions = self.versions_of(package)
        if not versions:
            return JSONResponse({"message": f"package not found: {package}"}, 404)
        return JSONResponse(versions)

    async def _package(self, request: Request) -> Response:
        org, name, wanted = (request.path_params[each] for each in ("org", "name", "version"))
        package = f"{org}/{name}"
        fitting = [
            each
            for each in self.versions_of(package)
            if each == wanted or (wanted.endswith("*") and each.startswith(wanted[:-1]))
        ]
        if not fitting:
            message = f"package not found for: {package}:{wanted}"
            return JSONResponse({"message": message}, 404)
        coordinate = f"{package}:{fitting[0]}"
        if "octet-stream" in request.headers.get("accept", ""):
            file = f"{org}-{name}-any-{fitting[0]}.bala"
            location = (
                f"{self.url}{BASE}/file/{fitting[0]}/{file}?of={coordinate.replace('/', '%2F')}"
            )
            return RedirectResponse(location, 302, {"digest": self.digest(coordinate)})
        return JSONResponse(self.model(coordinate))

    def model(self, coordinate: str) -> dict[str, Any]:
        package, version = coordinate.split(":")
        org, name = package.split("/")
        return {
            "organization": org,
            "name": name,
            "version": version,
            "platform": "any",
            "digest": self.digest(coordinate),
            "createdDate": PUBLISHED_MS,
            "isDeprecated": coordinate in self.deprecated,
            "deprecateMessage": self.deprecated.get(coordinate, ""),
            "summary": f"The summary of {name}",
            "readme": "# Read me",
            "keywords": ["one"],
            "modules": [{"name": name, "summary": "", "readme": ""}],
            "ballerinaVersion": "2201.12.0",
            **self.described.get(coordinate, {}),
        }

    async def _list(self, request: Request) -> Response:
        offset, limit = (int(request.query_params[each]) for each in ("offset", "limit"))
        names = sorted({each.split(":")[0] for each in self.shown} - self.unlisted)
        newest = [f"{each}:{self.versions_of(each)[0]}" for each in names]
        page = [self.model(each) for each in newest[offset : offset + limit]]
        return JSONResponse({"packages": page, "count": len(names)})

    async def _tool(self, request: Request) -> Response:
        tool = request.path_params["tool"]
        models = (self.model(each) for each in sorted(self.shown, reverse=True))
        found = [each for each in models if each.get("balToolId") == tool]
        if not found:
            return JSONResponse({"message": f"tool not found: {tool}"}, 404)
        return JSONResponse(found[0])

    def have_item(self, kind: str, coordinate: str, name: str, **item: Any) -> dict[str, Any]:
        """List a connector or trigger of a package that is published."""
        package = self.model(coordinate)
        found = {
            "id": len(self.items.get(kind, ())) + 1,
            "name": name,
            "displayName": name,
            "documentation": f"What {name} does",
            "moduleName": package["name"],
            "displayAnnotation": {"label": f"The {name}", "iconPath": "icon.png"},
            "package": package,
            **item,
        }
        self.items.setdefault(kind, []).append(found)
        return found

    def _items(self, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            offset, limit = (int(request.query_params[each]) for each in ("offset", "limit"))
            found = self.items.get(kind, [])
            rows = found[offset : offset + limit]
            return JSONResponse({kind: rows, "count": len(found)})

        return answer

    async def _file(self, request: Request) -> Response:
        content = self.archives[request.query_params["of"]]
        return Response(content, media_type="application/octet-stream")

    async def _resolve(self, request: Request) -> Response:
        wanted = json.loads(await request.body())["packages"]
        self.resolved.append(wanted)
        resolved = []
        unresolved = []
        for each in wanted:
            versions = self.versions_of(f"{each['org']}/{each['name']}")
            exact = each["mode"] in ("hard", "locked")
            fitting = [v for v in versions if v == each["version"]] if exact else versions
            if not fitting:
                unresolved.append({**each, "dependencyGraph": []})
                continue
            node = {"org": each["org"], "name": each["name"], "version": fitting[0]}
            coordinate = f"{each['org']}/{each['name']}:{fitting[0]}"
            found = {"dependencyGraph": self._graph(node, coordinate)}
            found |= {"isDeprecated": coordinate in self.deprecated}
            resolved.append(
                {**node, **found, "deprecateMessage": self.deprecated.get(coordinate, "")}
            )
        return JSONResponse({"resolved": resolved, "unresolved": unresolved})

    def _graph(self, node: dict[str, str], coordinate: str) -> list[dict[str, Any]]:
        """Return the graph of a release, whose dependencies have none."""
        direct: list[dict[str, str]] = []
        for each in self.graphs.get(coordinate, []):
            package, version = each.split(":")
            org, name = package.split("/")
            direct.append({"org": org, "name": name, "version": version})
        others = [{**each, "dependencies": []} for each in direct]
        return [{**node, "dependencies": direct}, *others]

    async def _modules(self, request: Request) -> Response:
        wanted = json.loads(await request.body())["modules"]
        found = []
        for each in wanted:
            name = each["moduleName"].split(".")[0]
            versions = self.versions_of(f"{each['organization']}/{name}")
            if versions:
                found.append({**each, "packageName": name, "version": versions[0]})
        return JSONResponse({"resolvedModules": found, "unresolvedModules": []})
