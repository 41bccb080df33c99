"""A whole registry for one test: over a temporary folder, served in process, with its people."""

import asyncio
import dataclasses
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast
from zlib import crc32

import httpx
import pytest
from msgspec.structs import replace
from pydantic import BaseModel
from starlette.types import ASGIApp

from functions.http.answer_caching import recognizer
from shared.bootstrap.build import build_registry
from shared.domain.accounts import Account
from shared.domain.grants import Grant
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Principal
from shared.domain.scopes import Role
from shared.hosting.host import AnswerCacheOptions, Host
from shared.hosting.responses import configured_headers
from shared.registry import Registry
from shared.services.adapters import Adapters
from shared.services.tokens.tokens import TokenRequest
from shared.settings import Settings
from shared.telemetry.log import configure
from tests.fakes.confined import InProcess
from tests.fakes.mail import FakeMailer
from tests.fakes.release_keys import LOG_KEYS, RELEASE_KEYS
from tests.fakes.system import START_MS, FakeClock, FakeRandomness
from tests.lazy_app import lazy_functions
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.language_server import LanguageServer
from tests.protocol.bal.maven import MavenBal
from tests.protocol.bal.okhttp import FORM
from tests.protocol.bal.wire import Wire
from tests.reaching import noted
from tests.support.storage import STORAGE, Storage

URL = "https://registry.test"  # Not where it listens: every link must come from the setting.
BASE = f"{URL}/2.0/registry"
MAVEN = f"{URL}/2.0/maven"
DOCUMENTATION = (  # How paths begin that read it.
    "/packages/",
    "/docs/",
    "/2.0/docs/",
    "/2.0/graphql",
    "/2.0/registry/connectors/",
    "/2.0/registry/triggers/",
)
LISTENERS = "-listeners.json"
SCOPES = ("read", "push-new", "push-version", "deprecate", "manage")


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a token for everything that the account may do."""

    account: Account
    token: str


@dataclass(frozen=True)
class People:
    """Who there is: `acme` belongs to Ann, Mia is a member of it; `other` belongs to Bob."""

    admin: Person
    ann: Person
    mia: Person
    bob: Person


@dataclass
class World:
    """A registry and its people; requests go to its instances in turn."""

    instances: Sequence[Registry]
    stores: Adapters  # Of the first instance.
    clock: FakeClock
    people: People
    http: httpx.AsyncClient
    documents_when_read: bool = True  # What was pushed, before a request reads documentation.

    @property
    def registry(self) -> Registry:
        """Return the first instance, usually the only one."""
        return self.instances[0]

    @property
    def mailer(self) -> FakeMailer:
        """Return what keeps the mail of this registry."""
        return cast("FakeMailer", self.stores.mailer)

    def with_ids(self, text: str) -> str:
        """Return a text with the ids of the people that it names, as in `ID-OF-ann`."""
        ids = {name: person.account.id for name, person in vars(self.people).items()}
        return re.sub(r"ID-OF-([a-z]+)", lambda found: ids[found[1]], text)

    def fresh(self, person: Person) -> Principal:
        """Return a person as they are right after they signed in."""
        now_ms = self.clock.now_ms()
        return Principal(person.account.id, "session", (Grant(),), signed_in_ms=now_ms)

    def java(self, person: Person | None = None, **options: Any) -> JavaBal:
        """Return the Java `bal` of a person, or of somebody without a token."""
        return JavaBal(Wire(self.http), BASE, person.token if person else "", **options)

    def go(self, person: Person | None = None, **options: Any) -> GoBal:
        """Return the Go `bal` of a person, or of somebody without a token."""
        return GoBal(Wire(self.http), BASE, person.token if person else "", **options)

    def maven(self, person: Person | None = None, **options: Any) -> MavenBal:
        """Return a `bal` whose settings have the registry as a Maven repository."""
        user, token = (person.account.name, person.token) if person else ("", "")
        return MavenBal(self.http, MAVEN, user, token, **options)

    def editor(self) -> LanguageServer:
        return LanguageServer(Wire(self.http), BASE)

    async def send(
        self,
        method: str,
        path: str,
        *,
        by: Person | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json: object = None,
    ) -> httpx.Response:
        """Send a bare request; `path` is below the base, unless it is a whole URL."""
        sent = dict(headers or {})
        if by:
            sent["Authorization"] = f"Bearer {by.token}"
        url = path if path.startswith("http") else BASE + path
        request = httpx.Request(method, url, headers=sent, content=content, json=json)
        return await self.http.send(request)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a bare GET."""
        return await self.send("GET", path, **options)

    async def upload(
        self, body: bytes, *, by: Person | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send a body to the push operation, as a form unless the headers say otherwise."""
        return await self.send(
            "POST", "/packages", by=by, headers={**FORM, **(headers or {})}, content=body
        )

    async def document(self) -> None:
        """Make the API documentation of what was pushed; each instance has a queue."""
        for instance in self.instances:
            await instance.api_docs.queue.drain()
            await instance.api_docs.on_demand_jobs.drain()
            await instance.api_docs.comparisons.jobs.drain()

    async def write_pulls(self) -> int:
        """Write the pulls that each instance counted; return how many there were."""
        return sum([await each.packages.pull_counter.flush() for each in self.instances])

    async def record_pulls(self) -> int:
        """Write the pulls that each instance has to record; return how many there were."""
        return sum([await each.packages.pull_recorder.flush() for each in self.instances])

    async def create_organization(self, name: str) -> None:
        """Create an organization of the administrator, which a push may not create."""
        account = self.people.admin.account
        await self.registry.organizations.organizations.create(
            parse_org(name), account, by=OPERATOR
        )

    async def push(self, archive: bytes, *, by: Person | None = None) -> None:
        """Publish an archive as Ann, or as somebody else; raise as the client does."""
        await self.java(by or self.people.ann).send_archive("any/any:0.0.0", archive)

    async def push_held(self, archive: bytes, *, by: Person | None = None) -> str:
        """Publish an archive that burst detection holds; return what the client prints."""
        with pytest.raises(ClientFailure, match=" is stored and held: ") as failure:
            await self.push(archive, by=by)
        return str(failure.value)


OpenWorld = Callable[..., Awaitable[World]]  # With settings, and `wrap` for the stores.


@dataclass(frozen=True)
class Template:
    """A registry with accounts, made once and copied for every test."""

    folder: Path
    people: People
    at_ms: int = START_MS  # Where the clock of a copy starts.
    given: int = 0  # How often randomness was used while the template was made.
    storage: Storage = STORAGE

    @asynccontextmanager
    async def world(self, folder: Path, **options: Any) -> AsyncGenerator[World]:
        """Serve a copy of the template; `opened` says which options there are."""
        self.storage.copy(self.folder, folder)
        given = {"at_ms": self.at_ms, "given": self.given, "storage": self.storage}
        chosen: dict[str, Any] = {**given, **options}
        try:
            async with opened(folder, self.people, **chosen) as world:
                yield world
        finally:
            self.storage.forget(folder)

    async def filled(
        self, folder: Path, fill: Callable[[World], Awaitable[None]], **options: Any
    ) -> "Template":
        """Return a template of what `fill` makes of a copy, in a folder of its own."""
        self.storage.copy(self.folder, folder)
        async with opened(folder, self.people, storage=self.storage, **options) as world:
            await fill(world)
            await world.document()
            if world.stores.feed is not None:  # Copies find what was published before.
                await world.stores.feed.catch_up()
        given = cast("FakeRandomness", world.stores.randomness).given
        return dataclasses.replace(self, folder=folder, at_ms=world.clock.at_ms, given=given)


class Distributor(httpx.AsyncBaseTransport):
    """Sends reads of an address to one instance, and each change to the next one after that of the
    last read: so whoever read before a change reads again after it, from what it remembers."""

    def __init__(self, instances: Sequence[httpx.AsyncBaseTransport]) -> None:
        self._instances = instances
        self._last = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method in ("GET", "HEAD"):
            self._last = crc32(request.url.raw_path) % len(self._instances)
        else:
            self._last = (self._last + 1) % len(self._instances)
        return await self._instances[self._last].handle_async_request(request)


def caching_host(registry: Registry) -> Host:
    """Serve as one machine does: what stands is given again without asking a Function."""
    return Host(
        lazy_functions(registry),
        headers=configured_headers(URL),
        answer_cache=AnswerCacheOptions(registry.adapters.edition, recognizer(registry)),
    )


def asking(registry: Registry) -> Host:
    """Serve as the real host does: a Function answers each request."""
    return Host(lazy_functions(registry), headers=configured_headers(URL))


@asynccontextmanager
async def opened(
    folder: Path,
    people: People,
    wrap: Callable[[Adapters], Adapters] = lambda stores: stores,
    host: Callable[[Registry], ASGIApp] = caching_host,
    *,
    storage: Storage = STORAGE,
    at_ms: int = START_MS,
    seed: str = "test",
    given: int = 0,
    **settings: Any,
) -> AsyncGenerator[World]:
    """Serve what the folder stands for; to open it again is to start the registry again.

    `wrap` puts something around the stores, `host` serves the registry in another way, `seed`
    begins its randomness, which was used `given` times before, and what is left are settings.
    """
    chosen = settings_of(folder, storage, **settings)
    clock = FakeClock(at_ms)
    fakes: dict[str, Any] = {
        "randomness": FakeRandomness(seed, given),
        "mailer": FakeMailer(),
        "confined": InProcess(),
        "writes_log": False,  # Else pages would depend on how fast a test is.
    }
    instances = [replace(each, **fakes) for each in await storage.instances(chosen, clock)]
    registries = [build_registry(chosen, noted(wrap(each))) for each in instances]
    transport = Distributor(
        [httpx.ASGITransport(host(each), raise_app_exceptions=True) for each in registries]
    )
    async with httpx.AsyncClient(transport=transport, mounts=storage.elsewhere(folder)) as http:
        world = World(registries, instances[0], clock, people, http)

        async def document(request: httpx.Request) -> None:
            path = request.url.path
            is_read = path.startswith(DOCUMENTATION) or path.endswith(LISTENERS)
            if world.documents_when_read and is_read:
                await world.document()

        http.event_hooks = {"request": [document]}
        yield world
    for registry in registries:
        await registry.close()
    configure("warning")  # Tests without a registry write no lines of requests.


def settings_of(folder: Path, storage: Storage = STORAGE, **settings: Any) -> Settings:
    """Return settings for a registry in the folder, whatever the environment says."""
    keys = {"release_keys": RELEASE_KEYS, "log_keys": LOG_KEYS}
    ours = {"url": URL, "log_level": "warning", **keys, **storage.settings(), **settings}
    if not all(isinstance(value, str | int | None) for value in ours.values()):
        return _GivenSettings.model_validate({"data": folder, **ours})
    # No other setting depends on the folder. `True` and 1 are equal, and not the same setting.
    checked = _checked(tuple((name, type(value), value) for name, value in ours.items()))
    return checked.model_copy(update={"data": folder})


@cache
def _checked(given: tuple[tuple[str, type, object], ...]) -> Settings:
    """Return these settings, which take as long to check as a short test."""
    return _GivenSettings.model_validate({name: value for name, _, value in given})


class _GivenSettings(Settings):
    """Settings that are not read from the environment, which takes as long as a short test."""

    def __init__(self, **given: Any) -> None:
        BaseModel.__init__(self, **given)


def make_template(folder: Path, storage: Storage = STORAGE) -> Template:
    """Make a registry with an administrator and the people of two organizations."""
    return Template(folder, asyncio.run(settled(folder, storage)), storage=storage)


async def settled(folder: Path, storage: Storage = STORAGE) -> People:
    """Make the stores of such a registry, and return the people."""
    settings = settings_of(folder, storage)
    stores = await storage.new_stores(settings, FakeClock())
    registry = build_registry(settings, replace(stores, randomness=FakeRandomness("people")))
    admin = await registry.identity.accounts.create_administrator("admin", by=OPERATOR)
    ann, mia, bob = [
        await registry.identity.accounts.create(n, by=OPERATOR) for n in ("ann", "mia", "bob")
    ]
    await registry.organizations.organizations.create(parse_org("acme"), ann, by=OPERATOR)
    await registry.organizations.organizations.create(parse_org("other"), bob, by=OPERATOR)
    await registry.organizations.memberships.set_member(
        parse_org("acme"), mia, Role.MEMBER, by=OPERATOR
    )
    people = [await _person(registry, each) for each in (admin, ann, mia, bob)]
    await registry.close()
    return People(*people)


async def _person(registry: Registry, account: Account) -> Person:
    return Person(account, await token_of(registry, account))


async def token_of(
    registry: Registry, account: Account, *scopes: str, org: str = "*", package: str = "*"
) -> str:
    """Issue a token for the account, for everything or for some scopes and packages."""
    wanted = TokenRequest.parse("test", scopes or SCOPES, org=org, package=package, days=None)
    issued = await registry.tokens.access_tokens.issue(account.id, wanted, by=OPERATOR)
    return issued.text.reveal()


async def limited(world: World, person: Person, *scopes: str, **patterns: str) -> Person:
    """Return the person with a token that allows less."""
    token = await token_of(world.registry, person.account, *scopes, **patterns)
    return dataclasses.replace(person, token=token)
