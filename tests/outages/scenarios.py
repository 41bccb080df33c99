"""What somebody does to a registry in the cloud while its stores fail."""

import json

import httpx

from tests.crash.registry_state import ARCHIVE
from tests.crash.scenarios import BYSTANDER, Scenario, push, upkeep
from tests.crash.scenarios import SCENARIOS as ALL
from tests.support.world import World

# Further ones make the same calls of the stores, with other values in them.
CHANGES = (
    "first push to a new organization",
    "push of a further version",
    "deprecation of a version",
    "quarantine",
    "settling after a crash",
    "issue of a token",
    "revocation of a token",
)


async def pull(world: World) -> httpx.Response:
    """Pull the newest version of a package, as somebody without a token."""
    first = await world.get(f"/packages/{BYSTANDER}/*", headers={"Accept": ARCHIVE})
    return first if first.status_code == 503 else await world.get(first.headers["Location"])


async def resolve(world: World) -> httpx.Response:
    """Resolve a package with what it needs."""
    packages = [{"org": "acme", "name": "greet", "version": "", "mode": "soft"}]
    content = json.dumps({"packages": packages}).encode()
    return await world.send("POST", "/packages/resolve-dependencies", content=content)


READING = (
    Scenario("pull", pull, package=BYSTANDER),
    Scenario(
        "resolution",
        resolve,
        before=(push("acme/greet:1.0.0", dependencies=[f"{BYSTANDER}:1.0.0"]),),
    ),
)

MAINTENANCE = tuple(
    Scenario(f"upkeep: {task}", upkeep(task), before=(push("acme/greet:1.0.0"),))
    for task in (
        "update-search-index",
        "delete-orphaned-archives",
        "roll-up-pulls",
        "audit-archives",
        "create-snapshot",
    )
)

SCENARIOS = {each.name: each for each in (*(ALL[name] for name in CHANGES), *READING, *MAINTENANCE)}
