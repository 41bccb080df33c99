"""OWASP API9: no route is served that is not written down, and none is written down that is gone.

Our own API is described by its OpenAPI document. Every other route is what some client calls, and
stands in docs/reference/routes.md.
"""

import re

from functions.api.openapi import OPERATIONS
from functions.faces import build_app
from shared.hosting.triggers import functions_of
from tests.paths import docs
from tests.support.world import World

PAGE = docs("reference/routes")
ROW = re.compile(r"^\| `(\w+)` \| ([A-Z, ]+) \| `/([^`]*)` \| (.+) \|$", re.MULTILINE)

# What a route leaves to all others, which says nothing of its own.
LEFT_OUT = re.compile(r":regex\(\^\(\?!.*\)(?=\})")

Listed = tuple[str, str, str]  # Function, methods, path.


def served(world: World) -> set[Listed]:
    return {
        (
            each.name,
            ", ".join(sorted(each.route.methods or ())),
            LEFT_OUT.sub("", each.route.template.text.removeprefix("/")),
        )
        for each in functions_of(build_app(world.registry)).http
    }


def rows() -> list[tuple[str, str, str, str]]:
    """Return the rows of the pages: Function, methods, path, and for whom it is."""
    return ROW.findall(PAGE)


async def test_every_route_is_an_operation_of_the_api_or_listed_for_its_clients(
    world: World,
) -> None:
    described = {(each.name, ", ".join(sorted(each.methods)), each.route) for each in OPERATIONS}
    listed = {(name, methods, path) for name, methods, path, _ in rows()}
    found = served(world)
    missing = sorted(found - described - listed)
    new = [f"| `{name}` | {methods} | `/{path}` | ? |" for name, methods, path in missing]
    assert not new, "These routes are new; add them to docs/reference/routes.md:\n" + "\n".join(new)
    assert sorted((described | listed) - found) == []


async def test_no_version_of_the_protocol_is_served_but_those_listed(world: World) -> None:
    for path in ("/1.0/registry/packages", "/2.1/registry/packages", "/3.0/registry/packages"):
        assert (await world.get(f"https://registry.test{path}")).status_code == 404
