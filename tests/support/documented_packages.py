"""Sources of a package for tests of its API documentation."""

from collections.abc import Mapping
from typing import Any

from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.world import World

SOURCES = ROOT / "tests" / "support" / "sources"
CLIENT, TYPES, LISTENER = (
    (SOURCES / f"{name}.bal").read_text("utf-8") for name in ("client", "types", "listener")
)


def documented_bala(
    coordinate: str = "acme/greet:1.0.0",
    /,
    sources: Mapping[str, str | bytes] | None = None,
    **spec: Any,
) -> bytes:
    """Return an archive with these sources of its default module, by default a client, types and
    a listener."""
    name = coordinate.partition("/")[2].partition(":")[0]
    sources = sources or {"client.bal": CLIENT, "types.bal": TYPES, "listener.bal": LISTENER}
    entries = {f"modules/{name}/{path}": text for path, text in sources.items()}
    return bala(coordinate, entries=entries, **spec)


async def published(world: World, *archives: bytes, **options: Any) -> None:
    """Publish archives, by default one, and let the queue document them."""
    for archive in archives or (documented_bala(),):
        await world.push(archive, **options)
    await world.document()
