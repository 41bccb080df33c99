"""A registry with every kind of record, made by what clients, people and administrators do.

It speaks HTTP wherever there is an address for it. Clock and randomness are doubles, so the story
is the same each time; only the keys of a data folder are new.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from msgspec.structs import replace

from shared.domain.trusted_publishing.jobs import Provider
from shared.services.adapters import Adapters
from tests.fakes.identity_provider import FakeInternet, Issuer
from tests.support.archives import bala
from tests.support.browsers import FORM, Browser
from tests.support.browsers import signed_in as browser_of
from tests.support.device_login import ask as ask_for_codes
from tests.support.job_issuers import JobIssuers
from tests.support.sign_in import HOST, TENANT
from tests.support.sign_in import SETTINGS as SIGN_IN
from tests.support.storage import Storage
from tests.support.trusted_publishing import SETTINGS as JOBS
from tests.support.trusted_publishing import provider_issuers
from tests.support.world import URL, People, Person, World, opened, settled

API = "/api/v1"
ACME = "/account/organizations/acme"
SETTINGS: dict[str, Any] = {**JOBS, **SIGN_IN, "trusted_proxies": "127.0.0.1"}

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"/>'
README = (
    "# Greet\n\nGreets **people**.\n\n```ballerina\nimport acme/greet;\n```\n\n![Logo](logo.svg)\n"
)
SBOM = b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}'

PACKAGES: Mapping[str, Mapping[str, Any]] = {
    "acme/base:1.0.0": {"readme": "# Base\n"},
    "acme/greet:0.9.0": {"readme": "The first.\n", "layout": 2},
    "acme/greet:1.0.0": {"readme": README, "entries": {"docs/logo.svg": LOGO}},
    "acme/greet:1.1.0": {
        "readme": README,
        "entries": {"docs/logo.svg": LOGO},
        "modules": ["sub"],
        "module_readmes": {"greet.sub": "What is inside.\n"},
        "dependencies": ["acme/base:1.0.0"],
        "keywords": ["hello", "Type/Library"],
        "licenses": ["Apache-2.0"],
        "authors": ["Ann Example"],
        "summary": "Greets people.",
        "source_repository": "https://github.com/octo/greet",
        "graalvm": True,
        "sbom": SBOM,
    },
    "acme/greet:2.0.0-rc.1": {"readme": "What comes next.\n"},
    "acme/native:1.0.0": {"platform": "java17"},
    "acme/native:1.1.0": {"platform": "java21"},
    "acme/native:1.2.0": {"platform": "any", "ballerina_version": "2201.8.0"},
    "acme/gopher:0.1.0": {"layout": 4, "dependencies": ["acme/base:1.0.0"]},
    "acme/hammer:1.0.0": {"tools": ["hammer"]},
    "acme/plugin:1.0.0": {"compiler_plugin": "acme.Plugin"},
    "acme/secret:1.0.0": {"visibility": "private", "readme": "# Secret\n"},
    "acme/hidden:1.0.0": {},  # Made private later.
    "acme/aged:1.0.0": {},
    "acme/aged:1.1.0": {},
    "acme/waits:1.0.0": {},
    "acme/harms:1.0.0": {},
    "acme/gone:1.0.0": {},
    "acme/gone:1.1.0": {},
    "acme/built:1.0.0": {},  # Pushed by a job.
}
DECIDED = {
    "hold": "acme/waits/1.0.0",
    "quarantine": "acme/harms/1.0.0",
    "remove": "acme/gone/1.0.0",
}


@dataclass
class Facts:
    """What is known of the registry afterwards: what clients keep, ids, and the time."""

    at_ms: int = 0
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    csrf: dict[str, str] = field(default_factory=dict[str, str])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    codes: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Story:
    """A world in which things happen, and what is noted of them."""

    world: World
    facts: Facts
    ci: JobIssuers[Provider]
    issuer: Issuer
    browsers: dict[str, Browser] = field(default_factory=dict[str, Browser])

    async def sign_in(self, *names: str) -> None:
        """Let people sign in by a link, in a browser that is kept."""
        for name in names:
            browser = await browser_of(self.world, getattr(self.world.people, name))
            self.browsers[name] = browser

    async def api(self, who: str, method: str, path: str, body: object = None) -> Any:
        answer = await self.browsers[who].api(method, f"{API}{path}", body)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None

    async def form(self, who: str, path: str, **fields: str) -> None:
        browser = self.browsers[who]
        body = urlencode({"csrf": browser.csrf, **fields}).encode()
        answer = await browser.send("POST", path, headers=FORM, content=body)
        assert answer.status_code in (200, 303), (path, answer.status_code, answer.text)

    async def push(self, coordinate: str, by: Person | None = None) -> None:
        await self.world.push(bala(coordinate, **PACKAGES[coordinate]), by=by)

    async def put(self, path: str, body: object) -> httpx.Response:
        ann = self.world.people.ann
        content = json.dumps(body).encode()
        answer = await self.world.send("PUT", path, by=ann, content=content)
        assert answer.is_success, answer.text
        return answer


async def shown(folder: Path, storage: Storage) -> Facts:
    """Make the stores, and return what is known of them."""
    people = await settled(folder, storage)
    facts = Facts()
    for name, person in vars(people).items():
        facts.tokens[name] = person.token
        facts.ids[name] = person.account.id
    async with opened(folder, people, storage=storage, seed="burst", brake_packages=1) as world:
        await world.push(bala("other/one:1.0.0"), by=people.bob)
        await world.push_held(bala("other/two:1.0.0"), by=people.bob)
    facts.at_ms = await _shown(folder, storage, people, facts)
    return facts


async def _shown(folder: Path, storage: Storage, people: People, facts: Facts) -> int:
    made: list[JobIssuers[Provider]] = []
    issuer = Issuer(f"{HOST}/{TENANT}/v2.0")

    def connect(stores: Adapters) -> Adapters:
        clock: Any = stores.clock
        issuer.now_s = lambda: clock.now_ms() / 1000
        made.append(provider_issuers(clock, URL))
        internet = FakeInternet([issuer, *made[0].issuers.values()])
        return replace(stores, fetcher=internet)

    async with opened(folder, people, connect, storage=storage, seed="story", **SETTINGS) as world:
        story = Story(world, facts, made[0], issuer)
        await _publish(story)
        await _organizations(story)
        await _jobs(story)
        await _tokens(story)
        await _pulls(story)
        await _changes(story)
        await _upkeep(story)
        await _people(story)
        await story.form("admin", "/manage/notices", text="Moving house.")
        await _wait(story)
        return world.clock.now_ms()


async def _publish(story: Story) -> None:
    for number, coordinate in enumerate(PACKAGES):
        if coordinate != "acme/built:1.0.0":
            await story.push(coordinate)
        if number % 5 == 0:
            story.world.clock.advance(timedelta(hours=7))


async def _organizations(story: Story) -> None:
    await story.sign_in("ann", "bob", "admin")
    await story.api("bob", "POST", "/orgs", {"name": "Bobs", "displayName": "Bob's"})
    await story.api("bob", "POST", "/orgs", {"name": "leaving"})
    await story.api("bob", "DELETE", "/orgs/leaving")
    profile = {"displayName": "Acme Corp", "description": "Makes things."}
    await story.api("ann", "PATCH", "/orgs/acme", profile)
    for label in ("accepted", "waits"):
        wanted = {"role": "member", "label": label}
        invited = await story.api("ann", "POST", "/orgs/acme/invitations", wanted)
        story.facts.codes[label] = json.dumps(invited)
    path = "/manage/names/new"
    await story.form("admin", path, pattern="kept*", reason="For later.")


async def _jobs(story: Story) -> None:
    new = {
        "package": "built",
        "provider": "github",
        "ids": {"repository_id": "74", "repository_owner_id": "65"},
        "repository": "octo/greet",
        "workflow": "release.yml",
        "refs": ["refs/tags/v*"],
        "environment": "release",
        "protected": True,
    }
    await story.api("ann", "POST", "/orgs/acme/publishers", new)
    await story.api("ann", "POST", "/orgs/acme/publishers", {**new, "package": "planned"})
    provider = next(iter(story.ci.issuers))
    content = json.dumps({"token": story.ci.token(provider)}).encode()
    exchange = f"{URL}{API}/trusted-publishing/token"
    answer = await story.world.send("POST", exchange, content=content)
    assert answer.is_success, answer.text
    story.facts.tokens["job"] = answer.json()["token"]
    job = Person(story.world.people.ann.account, answer.json()["token"])
    await story.push("acme/built:1.0.0", by=job)
    await story.api("ann", "PUT", "/packages/acme/built/pushers", {"pushers": "publishers"})


async def _tokens(story: Story) -> None:
    tokens = story.facts.tokens
    made: dict[str, str] = {}
    for name, more in {
        "laptop": {"scopes": ["read", "push-new", "push-version", "deprecate"]},
        "narrow": {"scopes": ["read"], "org": "acme", "package": "g*"},
        "somewhere": {"scopes": ["read"], "addresses": ["203.0.113.0/24"]},
        "short": {"scopes": ["read"], "days": 1},
        "revoked": {"scopes": ["read"]},
        "rotated": {"scopes": ["read"]},
        "stolen": {"scopes": ["read", "manage"]},
    }.items():
        issued = await story.api("ann", "POST", "/tokens", {"name": name, **more})
        tokens[name] = issued["text"]
        made[name] = issued["token"]["id"]
    thief = Person(story.world.people.ann.account, tokens["stolen"])
    content = b'{"name": "of the thief", "scopes": ["read"]}'
    answer = await story.world.send("POST", f"{URL}{API}/tokens", by=thief, content=content)
    assert answer.is_success, answer.text
    tokens["of the thief"] = answer.json()["text"]
    await story.api("ann", "DELETE", f"/tokens/{made['revoked']}")
    rotated = await story.api("ann", "POST", f"/tokens/{made['rotated']}/rotate")
    tokens["of the rotation"] = rotated["text"]
    await story.api("ann", "DELETE", f"/tokens/{made['stolen']}")
    wanted = {"name": "nightly", "scopes": ["read", "push-new", "push-version"], "days": 300}
    issued = await story.api("ann", "POST", "/orgs/acme/tokens", wanted)
    tokens["of acme"] = issued["text"]


async def _pulls(story: Story) -> None:
    world = story.world
    for coordinate in ("acme/greet:1.0.0", "acme/greet:1.1.0", "acme/base:1.0.0"):
        for person in (None, world.people.ann, world.people.bob):
            await world.java(person).pull(coordinate)
    await world.java(world.people.mia).pull("acme/secret:1.0.0")
    world.clock.advance(timedelta(minutes=25))
    await world.write_pulls()
    await world.registry.maintenance.task_runner.run("roll-up-pulls")


async def _changes(story: Story) -> None:
    await story.sign_in("ann", "admin")
    await story.put("/packages/deprecate/acme/greet/0.9.0", {"message": "Use 1.0.0."})
    await story.put("/packages/deprecate/acme/aged/*", {"message": "Use acme/greet."})
    body = {"visibility": "private"}
    await story.api("ann", "PUT", "/packages/acme/hidden/visibility", body)
    for verb, path in DECIDED.items():
        name = ":".join(path.rsplit("/", 1))
        page = f"/manage/releases/{path}/{verb}"
        await story.form("admin", page, reason="It was looked at.", name=name)
    for page in ("", "/1.1.0/versions", "/1.1.0/files", "/0.9.0"):  # Texts are rendered and kept.
        answer = await story.world.get(f"{URL}/packages/acme/greet{page}")
        assert answer.status_code == 200, (page, answer.text)


async def _upkeep(story: Story) -> None:
    story.world.clock.advance(timedelta(days=1))
    for task in story.world.registry.maintenance.task_runner.tasks:
        assert await story.world.registry.maintenance.task_runner.run(task), task


async def _people(story: Story) -> None:
    for kind, name in (("oidc", "kim"), ("github", "sam")):
        person = story.issuer.person
        claims = {"oid": f"object-of-{name}", "tid": TENANT, "preferred_username": name}
        story.issuer.person = dataclasses.replace(
            person,
            subject=f"subject-of-{name}",
            name=name.title(),
            email=f"{name}@example.org",
            github_id=len(name) + ord(name[0]),
            claims={**person.claims, **claims, "email_verified": True},
        )
        browser = Browser(story.world, story.issuer)
        await browser.open(f"/sign-in/{kind}?to=/account")
        assert browser.page.status_code == 200, browser.page.text
        story.browsers[name] = browser
        who = await browser.api("GET", f"{API}/whoami")
        story.facts.ids[name] = who.json()["id"]
    code = json.loads(story.facts.codes["accepted"])
    await story.form("kim", "/account/invitations", code=_code_of(code), decision="accept")
    await story.sign_in("ann", "mia", "admin", "bob")
    locked = f"/manage/accounts/{story.facts.ids['sam']}/lock"
    await story.form("admin", locked, reason="Its laptop was lost.")
    await story.api("ann", "PUT", f"/orgs/acme/members/{story.facts.ids['mia']}", {"role": "owner"})


def _code_of(invited: Mapping[str, Any]) -> str:
    link = str(invited.get("code") or invited["link"])
    return link.rpartition("#")[2]


async def _wait(story: Story) -> None:
    """Leave things that somebody is in the middle of, and refuse further changes."""
    facts = story.facts
    world = story.world
    facts.codes["device"] = (await ask_for_codes(world))["device_code"]
    approved = await ask_for_codes(world, "ann's laptop")
    facts.codes["approved device"] = approved["device_code"]
    for more in ({}, {"decision": "approve"}):
        await story.form("ann", "/device", code=approved["user_code"], **more)
    await Browser(world).send("GET", "/sign-in/oidc")  # Whose sign-in never ends.
    invited = json.loads(facts.codes.pop("waits"))
    facts.codes = {**facts.codes, "invitation": _code_of(invited)}
    facts.codes.pop("accepted")
    await world.java(world.people.bob).pull("acme/native:1.1.0")  # Which is not rolled up.
    await story.form("admin", "/manage/read-only/on", reason="moving house until 22:00")
    for name in ("ann", "mia", "admin", "kim", "bob"):
        browser = story.browsers[name]
        facts.cookies[name] = "; ".join(f"{key}={text}" for key, text in browser.cookies.items())
        facts.csrf[name] = browser.csrf
