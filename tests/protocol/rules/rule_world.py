"""Rules over a whole registry: how tests set them, push and ask for a dry run."""

from typing import Any

import httpx

from shared.domain.events import Event
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.browsers import signed_in
from tests.support.event_feed import checked_feed
from tests.support.world import URL, Person, World

OF_ACME = "/api/v1/orgs/acme/rules"
OF_REGISTRY = "/api/v1/rules"


async def set_rules(world: World, **rules: Any) -> dict[str, Any]:
    """Change rules of acme as its owner, and return all of them; the names are those of the API."""
    answer = await (await signed_in(world, world.people.ann)).api("PATCH", OF_ACME, rules)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def set_registry_rules(world: World, **rules: Any) -> dict[str, Any]:
    """Change rules of the registry as an administrator, and return all of them."""
    admin = await signed_in(world, world.people.admin)
    answer = await admin.api("PATCH", OF_REGISTRY, rules)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal_of_push(world: World, archive: bytes, by: Person | None = None) -> str:
    """Return what a push says that is refused or held; empty for one that is published."""
    try:
        await world.push(archive, by=by)
    except ClientFailure as failure:
        return str(failure)
    return ""


async def dry_run(world: World, archive: bytes, by: Person | None = None) -> httpx.Response:
    """Return the answer of a dry run of an archive."""
    return await world.send(
        "POST",
        f"{URL}/api/v1/dry-run",
        by=by or world.people.ann,
        headers=FORM,
        content=multipart("x.bala", archive),
    )


async def findings(world: World, archive: bytes) -> dict[str, dict[str, Any]]:
    """Return what a dry run finds, by rule."""
    answer = await dry_run(world, archive)
    assert answer.status_code == 200, answer.text
    return {each["rule"]: each for each in answer.json()["findings"]}


async def events_of(world: World, kind: str) -> list[Event]:
    """Return the events of a kind, in their order."""
    return [each for each in await checked_feed(world.stores.events) if each.kind == kind]
