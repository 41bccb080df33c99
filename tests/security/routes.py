"""Every route of a registry, with an address that leads there."""

import re
from collections.abc import Iterator

from functions.faces import build_app
from shared.registry import Registry
from tests.support.archives import bala
from tests.support.world import URL, World

VALUES = {
    "org": "acme",
    "name": "secret",
    "package": "secret",
    "version": "1.0.0",
    "scope": "private",
    "digest": "0" * 64,
    "file": "acme-secret-any-1.0.0.bala",
}
_DOUBLED = "{*rest:regex(^registry//search-packages/?$)}"
_PARAMETER = re.compile(r"\{\*?(\w+)\??(?::[^}]*)?\}")


def routes(registry: Registry) -> Iterator[tuple[str, str]]:
    """Yield the method and an address for every route there is."""
    for function in build_app(registry).get_functions():
        trigger = function.get_trigger()
        described = trigger.get_dict_repr() if trigger else {}
        for method in described.get("methods", ()):
            yield str(method), f"{URL}/{_filled(str(described['route']))}"


async def with_packages(world: World) -> World:
    """Publish the private package that the addresses are about, and a public one."""
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    await world.push(bala("acme/greet:1.0.0"))
    return world


def readable(registry: Registry) -> set[str]:
    """Return every address that can be read, about the private package and about the public one."""
    found = {url for method, url in routes(registry) if method == "GET"}
    return found | {url.replace("secret", "greet").replace("private", "public") for url in found}


def addresses_with(text: str, address: str) -> list[str]:
    """Return the address of a route with the text in place of each of its values, and as it is."""
    values = {*VALUES.values(), "x"}
    return sorted({address.replace(f"/{value}", f"/{text}") for value in values})


def _filled(route: str) -> str:
    route = route.replace(_DOUBLED, "registry//search-packages")
    return _PARAMETER.sub(lambda found: VALUES.get(found[1], "x"), route)
