"""Front Door as infra/modules/edge.bicep configures it, before an app and Blob Storage.

The routes, rules, origin groups and roles are those of the templates. Of the service it has what
they use: the most specific route, the rules in their order, copies for as long as a response
allows, and purges.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from functions.faces import build_app
from shared.domain.errors.requests import Busy
from shared.hosting.host import Host
from shared.hosting.responses import configured_headers
from tests.fakes.azurite import ACCOUNT, KEY, blob_endpoint
from tests.fakes.system import FakeClock
from tests.support.bicep_templates import MAIN, module, template, unwrapped
from tests.support.cloud_registry import CloudRegistry, clouded
from tests.support.cloud_stores import emulator
from tests.support.world import URL

Model = Mapping[str, Any]
Headers = dict[str, str]

# The hosts of the origins: the apps for reads, for changes and for uploads, and Blob Storage.
APP = "app.test"
CHANGES = "changes.test"
UPLOADS = "uploads.test"
BLOBS = "blobs.test"
EDGE = module("edge")
# Parameters of the template.
GIVEN: Mapping[str, Any] = {
    "originHost": APP,
    "writesHost": CHANGES,
    "uploadsHost": UPLOADS,
    "sendUploads": True,
    "readsTiles": True,
    "blobHost": BLOBS,
}

FORWARDED = ("host", "content-length", "transfer-encoding", "connection")
MAX_AGE = "max-age="


@dataclass(frozen=True)
class Copy:
    """A kept response, until when it may be sent."""

    response: httpx.Response
    until_ms: int


@dataclass
class FrontDoor(httpx.AsyncBaseTransport):
    """One endpoint. `origins` has the transport of each origin by its host."""

    clock: FakeClock
    origins: dict[str, httpx.AsyncBaseTransport]
    given: Mapping[str, Any] = field(default_factory=lambda: GIVEN)
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    refuses_purges: bool = False
    before_purge: Callable[[], Awaitable[None]] | None = None
    _copies: dict[str, Copy] = field(default_factory=dict[str, Copy])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent = Forwarded.of(request)
        group, rules = self._route(sent.path)
        for rule in rules:
            if sent.matches(rule):
                group = sent.apply(rule, self.given) or group
                if rule["matchProcessingBehavior"] == "Stop":
                    break
        return await self._answer(request, sent, group)

    async def aclose(self) -> None:
        for origin in self.origins.values():
            await origin.aclose()

    async def forget(self, paths: Sequence[str]) -> None:
        """Drop the copies below these paths, as the management API does; raise `Busy`."""
        if self.refuses_purges:
            raise Busy
        if self.before_purge:
            await self.before_purge()
        for path in [each for each in self._copies if each.startswith(tuple(paths))]:
            del self._copies[path]

    def asked(self, host: str) -> list[str]:
        """Return the paths that an origin was asked for, without its probes."""
        return [path for each, path in self.requests if each == host]

    async def _answer(
        self, request: httpx.Request, sent: "Forwarded", group: str
    ) -> httpx.Response:
        if copy := self._copy(request):
            return copy
        host = self._origin(group)
        self.requests.append((host, sent.path))
        try:
            response = await self._ask(group, host, sent)
        except httpx.TransportError:
            return httpx.Response(502, request=request)
        response.headers.update(sent.answer_headers)
        return await self._kept(request, sent, response)

    async def _ask(self, group: str, host: str, sent: "Forwarded") -> httpx.Response:
        request = sent.to(host, authenticates="authentication" in self._properties(group))
        return await self.origins[host].handle_async_request(request)

    # --- copies --------------------------------------------------------------------------------

    def _copy(self, request: httpx.Request) -> httpx.Response | None:
        copy = self._copies.get(request.url.path) if request.method == "GET" else None
        if copy is None or "range" in request.headers or self.clock.now_ms() >= copy.until_ms:
            return None
        return httpx.Response(200, headers=copy.response.headers, content=copy.response.content)

    async def _kept(
        self, request: httpx.Request, sent: "Forwarded", response: httpx.Response
    ) -> httpx.Response:
        content = await response.aread()
        lifetime = sent.lifetime(response)
        if request.method == "GET" and response.status_code == 200 and lifetime:
            kept = httpx.Response(200, headers=response.headers, content=content)
            until_ms = self.clock.now_ms() + lifetime // timedelta(milliseconds=1)
            self._copies[request.url.path] = Copy(kept, until_ms)
        return response

    # --- the template --------------------------------------------------------------------------

    def _resources(self, kind: str) -> list[str]:
        return [
            name
            for name, each in EDGE.parsed["resources"].items()
            if each["type"].endswith(f"/{kind}") and self._is_made(each["config"])
        ]

    def _is_made(self, config: Model) -> bool:
        condition = config.get("condition")
        return condition is None or bool(value_of(condition, self.given))

    def _properties(self, name: str) -> Model:
        return unwrapped(EDGE.parsed["resources"][name]["config"])["properties"]

    def _route(self, path: str) -> tuple[str, list[Model]]:
        """Return the origin group and the rules of the most specific route."""
        routes = [self._properties(name) for name in self._resources("routes")]
        matching = [
            (len(pattern), route["originGroup"], value_of(route.get("ruleSets", []), self.given))
            for route in routes
            for pattern in route["patternsToMatch"]
            if fnmatchcase(path, pattern)
        ]
        _, group, sets = max(matching, key=lambda each: each[0])
        return owner_of(group), [rule for each in sets for rule in self._rules(owner_of(each))]

    def _rules(self, rule_set: str) -> list[Model]:
        of_set = [
            self._properties(name)
            for name in self._resources("rules")
            if unwrapped(EDGE.parsed["resources"][name]["config"])["parent"] == rule_set
        ]
        return sorted(of_set, key=lambda rule: rule["order"])

    def _origin(self, group: str) -> str:
        """Return the host of a group, which has one origin."""
        [origin] = [
            self._properties(name)
            for name in self._resources("origins")
            if unwrapped(EDGE.parsed["resources"][name]["config"])["parent"] == group
        ]
        return value_of(origin["hostName"], self.given)


@dataclass
class Forwarded:
    """A request as rules have changed it so far, and what they say of its response."""

    method: str
    path: str
    query: bytes = b""
    headers: Headers = field(default_factory=Headers)
    content: bytes = b""
    answer_headers: Headers = field(default_factory=Headers)
    caching: Model = field(default_factory=dict[str, Any])
    first_path: str = ""

    @classmethod
    def of(cls, request: httpx.Request) -> "Forwarded":
        path, _, query = request.url.raw_path.partition(b"?")
        headers = {k: v for k, v in request.headers.items() if k not in FORWARDED}
        asked = path.decode()
        content = request.read()
        return cls(request.method, asked, query, headers, content, first_path=asked)

    def matches(self, rule: Model) -> bool:
        return all(self._meets(each) for each in rule["conditions"])

    def apply(self, rule: Model, given: Mapping[str, Any]) -> str | None:
        """Change the request; return the origin group that the rule leads to, if any."""
        group: str | None = None
        for action in rule["actions"]:
            parameters = action["parameters"]
            match action["name"]:
                case "ModifyRequestHeader":
                    self._modify(self.headers, parameters, given)
                case "ModifyResponseHeader":
                    self._modify(self.answer_headers, parameters, given)
                case "UrlRewrite":
                    assert parameters["preserveUnmatchedPath"]
                    source = parameters["sourcePattern"]
                    assert self.path.startswith(source)
                    self.path = parameters["destination"] + self.path.removeprefix(source)
                case "RouteConfigurationOverride":
                    self.caching = parameters.get("cacheConfiguration", self.caching)
                    override = parameters.get("originGroupOverride")
                    group = owner_of(override["originGroup"]) if override else group
                case unknown:
                    raise AssertionError(unknown)
        return group

    def to(self, host: str, *, authenticates: bool) -> httpx.Request:
        headers = dict(self.headers)
        if authenticates:
            headers["authorization"] = "Bearer of-front-door"
        url = httpx.URL(URL).copy_with(
            host=host if host == BLOBS else None, raw_path=self._raw_path()
        )
        return httpx.Request(self.method, url, headers=headers, content=self.content)

    def lifetime(self, response: httpx.Response) -> timedelta | None:
        """Return how long a copy of the response may be kept; None for not at all."""
        control = response.headers.get("cache-control")
        if not self.caching or self.headers.get("authorization"):
            return None
        if control is None:
            if self.caching["cacheBehavior"] != "OverrideIfOriginMissing":
                return timedelta(days=3)  # The service chooses up to three days.
            clock = datetime.strptime(self.caching["cacheDuration"], "%H:%M:%S").replace(tzinfo=UTC)
            return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
        if "public" not in control or MAX_AGE not in control:
            return None
        return timedelta(seconds=int(control.partition(MAX_AGE)[2].partition(",")[0]))

    def _raw_path(self) -> bytes:
        return self.path.encode() + (b"?" + self.query if self.query else b"")

    def _meets(self, condition: Model) -> bool:
        wanted = condition["parameters"]
        match condition["name"]:
            case "UrlPath":
                values = tuple(value_of(wanted["matchValues"], {}))
                path = self.first_path.removeprefix("/")
                match wanted["operator"]:
                    case "Equal":
                        met = path in values
                    case "Contains":
                        met = any(each in path for each in values)
                    case operator:
                        assert operator == "BeginsWith"
                        met = path.startswith(values)
            case "QueryString" if wanted["operator"] == "Equal":
                met = self.query.decode() in wanted["matchValues"]
            case "QueryString":
                assert wanted["operator"] == "Any"
                met = bool(self.query)
            case "RequestMethod":
                met = self.method in wanted["matchValues"]
            case "RequestHeader":
                assert wanted["operator"] == "Any"
                met = wanted["selector"].lower() in self.headers
            case unknown:
                raise AssertionError(unknown)
        return met != wanted["negateCondition"]

    def _modify(self, headers: Headers, parameters: Model, given: Mapping[str, Any]) -> None:
        name = parameters["headerName"].lower()
        if parameters["headerAction"] == "Delete":
            headers.pop(name, None)
            return
        value = str(value_of(parameters["value"], given))
        for each, text in self.headers.items():
            value = value.replace("{http_req_header_" + each.title() + "}", text)
        headers[name] = value


def owner_of(reference: Model) -> str:
    """Return which resource a reference by `NAME.id` names."""
    return reference["id"]["operator"]["operands"]["operand_1"]


def value_of(expression: Any, given: Mapping[str, Any]) -> Any:
    """Return the value of an expression of the kinds that the template has."""
    match expression:
        case {"operator": {"type": "not", "operands": {"bool_value": inner}}}:
            return not value_of(inner, given)
        case {"operator": {"type": "conditional", "operands": either}}:
            is_true = value_of(either["condition"], given)
            return value_of(either["true_value" if is_true else "false_value"], given)
        case {"function": {"type": "empty", "parameters": {"item_to_test": inner}}}:
            return not value_of(inner, given)
        case str() if expression in given:
            return given[expression]
        case str() if expression in EDGE.parsed.get("variables", {}):
            return EDGE.value(expression)
        case _:
            return expression


def readable_containers() -> list[str]:
    """Return the containers that the identity of the profile may read where everybody reads."""
    main = template(MAIN)
    name = main.given("roles")["frontDoorContainers"]["operator"]["operands"]["true_value"]
    return main.value(name)["operator"]["operands"]["true_value"]


def plain_transport() -> httpx.AsyncHTTPTransport:
    """Return a transport without TLS: to read all certificates takes longer than many requests."""
    return httpx.AsyncHTTPTransport(verify=False)


@dataclass
class BlobOrigin(httpx.AsyncBaseTransport):
    """Blob Storage as the identity of Front Door sees it: an emulator behind links to the
    containers that it may read."""

    address: str  # Of the account, without a slash at its end.
    prefix: str
    readable: Sequence[str] = field(default_factory=readable_containers)
    is_down: bool = False
    _http: httpx.AsyncHTTPTransport = field(default_factory=plain_transport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_down:
            message = "Blob Storage does not answer."
            raise httpx.ConnectError(message)
        # Without these the service answers 401, and 400 to tokens.
        assert request.headers["authorization"] == "Bearer of-front-door"
        container, _, blob = request.url.raw_path.decode().removeprefix("/").partition("/")
        if container not in self.readable:
            return httpx.Response(403, request=request)
        url = f"{self.address}/{self.prefix}{container}/{blob}?{self._signature(container)}"
        headers = {
            k: v for k, v in request.headers.items() if k not in (*FORWARDED, "authorization")
        }
        return await self._http.handle_async_request(
            httpx.Request(request.method, url, headers=headers)
        )

    def _signature(self, container: str) -> str:
        return generate_container_sas(
            ACCOUNT,
            f"{self.prefix}{container}",
            account_key=KEY,
            permission=ContainerSasPermissions(read=True),
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )

    async def aclose(self) -> None:
        await self._http.aclose()


@dataclass
class AppOrigin(httpx.AsyncBaseTransport):
    """The app."""

    app: httpx.ASGITransport | None = None
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.app is None:
            message = "The app does not answer."
            raise httpx.ConnectError(message)
        self.headers.append(dict(request.headers))
        return await self.app.handle_async_request(request)


@dataclass
class EdgeRegistry:
    """A registry in the cloud behind Front Door, and a client that reaches it there."""

    cloud: CloudRegistry
    front_door: FrontDoor
    app: AppOrigin
    blobs: BlobOrigin
    http: httpx.AsyncClient


@asynccontextmanager
async def behind_front_door(folder: Path, **settings: Any) -> AsyncGenerator[EdgeRegistry]:
    """Serve an empty registry over stores of its own, as the templates set it up with an edge."""
    app = AppOrigin()
    blobs = BlobOrigin(blob_endpoint(emulator()), "")
    front_door = FrontDoor(FakeClock(), {APP: app, CHANGES: app, UPLOADS: app, BLOBS: blobs})
    ours = {"archive_cdn_url": URL, "archive_cdn_origin": "blobs"}
    async with clouded(folder, front_door, **{**ours, **settings}) as cloud:
        front_door.clock = cloud.clock
        blobs.prefix = cloud.place.prefix
        # All Functions of this registry: some are there with an edge alone.
        host = Host(build_app(cloud.registry), headers=configured_headers(URL))
        app.app = httpx.ASGITransport(host, raise_app_exceptions=True)
        beyond = {"http://127.0.0.1": plain_transport()}
        async with httpx.AsyncClient(transport=front_door, mounts=beyond) as http:
            yield EdgeRegistry(replace(cloud, http=http), front_door, app, blobs, http)
