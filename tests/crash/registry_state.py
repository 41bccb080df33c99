"""The state of a registry: what every caller sees, and what it holds on its disk."""

import hashlib
import json
import sqlite3
from collections.abc import AsyncGenerator, Iterator, Mapping, Set
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from shared.adapters.data_folder import DataFolder
from shared.domain.events import Event
from shared.domain.memberships import Membership
from shared.domain.organizations import Organization
from shared.domain.principals import OPERATOR
from shared.domain.tokens import Token
from shared.services.record_batches import all_entities
from tests.crash.scenarios import BYSTANDER, Scenario
from tests.support.event_feed import checked_feed
from tests.support.world import Person, World

VERSIONS = ("*", "1.0.0", "1.1.0")
ARCHIVE = "application/octet-stream"
LISTS = ("/packages/?q=", "/tools/?q=", "/tools/hello")
QUIET = {"Ballerina-Central-Telemetry-Disabled": "true"}  # Looking at a registry counts no pulls.

Seen = tuple[int, object]


@dataclass(frozen=True)
class RegistryState:
    """What is seen from outside; each of these is committed by itself."""

    packages: Mapping[
        str, Seen
    ]  # By request: versions, metadata, pulls, lists, resolves, what is withheld.
    organizations: Mapping[str, Set[str]]
    tokens: Set[str]  # Ann's, by name.
    feed: tuple[str, ...]  # Without events of tokens.


async def picture(world: World, scenario: Scenario) -> RegistryState:
    """Look at everything that a change of the package may show in."""
    packages = {look: seen async for look, seen in _looks(world, scenario.package, None)}
    if scenario.is_private:
        async for look, seen in _looks(world, scenario.package, world.people.admin):
            packages[f"{look} by admin"] = seen
    packages["what is withheld"] = await _withheld(world)
    organizations = await all_entities(world.stores.directory, Organization)
    return RegistryState(
        packages,
        {each.name: await _members(world, each.name) for each in organizations},
        {
            each.name
            for each in await world.stores.directory.list_by_owner(
                Token, world.people.ann.account.id
            )
        },
        tuple([each async for each in _feed(world)]),
    )


async def _looks(
    world: World, package: str, person: Person | None
) -> AsyncGenerator[tuple[str, Seen]]:
    for version in VERSIONS:
        path = f"/packages/{package}/{version}"
        yield path, _seen(await world.get(path, by=person))
        yield f"pull {package}:{version}", await _pull(world, f"{package}/{version}", person)
    yield f"pull {BYSTANDER}", await _pull(world, f"{BYSTANDER}/*", person)
    for path in (f"/packages/{package}", f"/packages/{BYSTANDER}", *LISTS):
        yield path, _seen(await world.get(path, by=person))
    for path, body in _resolves(package):
        content = json.dumps(body).encode()
        yield path, _seen(await world.send("POST", path, by=person, content=content))


def _resolves(package: str) -> Iterator[tuple[str, object]]:
    org, name = package.split("/")
    packages = [{"org": org, "name": name, "version": "", "mode": "soft"}]
    yield "/packages/resolve-dependencies", {"packages": packages}
    modules = [{"organization": org, "moduleName": name}]
    yield "/packages/resolve-modules", {"modules": modules}
    yield "/tools/resolve-dependencies", {"tools": [{"id": "hello", "version": "", "mode": "soft"}]}


async def _pull(world: World, path: str, person: Person | None) -> Seen:
    headers = {"Accept": ARCHIVE, **QUIET}
    first = await world.get(f"/packages/{path}", by=person, headers=headers)
    if first.status_code != 302:
        return _seen(first)
    second = await world.get(first.headers["Location"], by=person)
    digest = hashlib.sha256(second.content).hexdigest()
    kept = {name: first.headers.get(name) for name in ("digest", "isdeprecated")}
    file = urlsplit(first.headers["Location"]).path.rpartition("/")[2]  # Links are signed anew.
    return second.status_code, {**kept, "file": file, "content": digest}


def _seen(response: httpx.Response) -> Seen:
    return response.status_code, json.loads(response.content)


async def _withheld(world: World) -> Seen:
    page = await world.registry.publishing.moderation.withheld(by=OPERATOR)
    listed = [f"{each.coordinate} {each.state.value} by {each.by}" for each in page.releases]
    return 200, listed


async def _members(world: World, org: str) -> Set[str]:
    members = await world.stores.directory.list_by_owner(Membership, org.lower())
    return {f"{each.account} {each.role.value}" for each in members}


async def _feed(world: World) -> AsyncGenerator[str]:
    """Yield what happened, in order. What entities owe comes last."""
    for event in await _events(world):
        if not event.kind.startswith("token."):
            yield f"{event.kind} {event.subject}"


async def _events(world: World) -> list[Event]:
    published = await checked_feed(world.stores.events)
    owed = [event for each in await world.stores.directory.outboxes(100) for event in each.outbox]
    return published + [event for event in owed if event not in published]


async def check_token_events(world: World) -> None:
    """Every token that is there was announced, or will be, once."""
    issued = [each.subject for each in await _events(world) if each.kind == "token.issued"]
    for token in await world.stores.directory.list_by_owner(Token, world.people.ann.account.id):
        assert issued.count(token.id) == 1, token


@dataclass(frozen=True)
class Stored:
    """What lies on the disk of a registry that does not run."""

    archives: Set[str]
    documents: Set[str]
    unfinished: Set[str]  # Archives that were being written.
    waiting: int  # Records with an event that is not in the feed.


def stored(data: Path) -> Stored:
    """Look at the disk."""
    folder = DataFolder(data)
    with closing(sqlite3.connect(folder.database)) as connection:
        texts = connection.execute("SELECT digest FROM texts UNION SELECT digest FROM graphs")
        documents = {digest for (digest,) in texts}
        waiting = sum(
            connection.execute(
                f"SELECT count(*) FROM {table} WHERE waiting_since IS NOT NULL"  # noqa: S608
            ).fetchone()[0]
            for table in ("heads", "releases")
        )
    return Stored(
        archives={file.name for file in folder.archives.content.glob("*/*/*")},
        documents=documents,
        unfinished={file.name for file in folder.archives.temporary.glob("*")},
        waiting=waiting,
    )
