"""Every address of a registry that the documentation names is served by one."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from functions.faces import operations
from tests.paths import ROOT
from tests.security.routes import VALUES
from tests.support.documented_packages import documented_bala, published
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.each_row

# Decisions name what was considered, too, and the list of routes has a test of its own.
OTHERS = {ROOT / "docs" / "reference" / "routes.md", *(ROOT / "docs" / "decisions").glob("*.md")}
PAGES = sorted({*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"} - OTHERS)
BASES = {"central.md": "/2.0/registry", "index.md": "/index"}  # Of the addresses in their tables.

# Hosts that stand for a registry in examples, and paths in code.
OF_REGISTRIES = re.compile(
    r"https?://(?:registry\.example\.com|ballroom\.example\.org|localhost:\d+)(/[^\s`\"'<>|)*\\]*)"
)
PATHS = re.compile(r"`(?:[A-Z]+ )?(/[^`\s]*)`")
PATTERN = re.compile(r"[…*\[]|\{[^}]*[?:]|\{\{")  # Of several addresses.

# Of registries with an identity provider alone.
OF_PROVIDERS = {f"/sign-in/callback/{each}" for each in ("entra", "github", "oidc")}
# The ends of addresses whose beginning stands before them, and paths of other hosts.
ENDS = {
    "/docs",
    "/files",
    "/tokens",
    "/tokens/rotate",
    "/settings",
    "/packages/{name}",
    "/docs/{module}",
    "/docs/{module}/{symbol}",
    "/docs/http/Client.get",
    "/triggers",
    "/archives/public/DIGEST/",
    "/.well-known/openid-configuration",
    "/api/actions",
    "/api/v4/projects/octo%2Fgreet",
    "/admin",
    "/admin/host/ping",
    "/admin/host/status",
}


def addresses(text: str) -> Iterator[str]:
    """Yield the paths of the addresses that a text names."""
    for address in (*OF_REGISTRIES.findall(text), *PATHS.findall(text)):
        if not PATTERN.search(address) and address not in ENDS | OF_PROVIDERS:
            yield address


OF_PAGES = {
    **VALUES,
    "page": "clients",
    "path": "package.json",
    "module": "secret",
    "symbol": "Person",
}


ADVISORY = "x_BLR-2026-1"  # The first one that a registry has.


def filled(address: str) -> str:
    """Return the address with a value in place of each name."""
    address = address.replace("/advisories/{id}", f"/advisories/{ADVISORY}")
    return re.sub(r"\{(\w+)\}", lambda name: OF_PAGES.get(name[1].lower(), "x"), address)


async def is_served(world: World, address: str) -> bool:
    answer = await world.get(URL + filled(address), by=world.people.ann)
    return answer.status_code != 404 or not re.search("Page not found|no page", answer.text)


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld) -> World:
    """Return a registry with the package of the addresses."""
    world = await shared_worlds(security_contact="mailto:security@example.com")
    await published(world, documented_bala("acme/secret:1.0.0"))
    path = f"{URL}/api/v1/orgs/acme/advisories"
    draft = {"package": "secret", "summary": "It tells secrets", "affected": ["1.0.0.."]}
    drafted = await world.send("POST", path, json=draft, by=world.people.ann)
    assert drafted.json().get("id") == ADVISORY, drafted.text
    await world.send("POST", f"{path}/{ADVISORY}/publish", by=world.people.ann)
    return world


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
async def test_an_address_that_a_page_names_is_served(world: World, page: Path) -> None:
    text = page.read_text("utf-8")
    declared = operations(world.registry.settings)
    beginnings = {f"/{each.route.partition('{')[0]}" for each in declared}
    prefixes = {each.split("/")[1] for each in beginnings}
    missing = list[str]()
    for address in sorted({*addresses(text)}):
        if urlsplit(address).path.lstrip("/").partition("/")[0] not in prefixes:
            continue  # A path of a machine, or the end of an address.
        if any(each.startswith(f"{address.rstrip('/')}/") for each in beginnings):
            continue  # The beginning of addresses.
        based = BASES.get(page.name, "") + address
        if not (await is_served(world, address) or await is_served(world, based)):
            missing.append(address)
    assert missing == []
