"""An exported index, on a server that knows of no registry, answers as the registry does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from anyio.to_thread import run_sync
from starlette.staticfiles import StaticFiles

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.support.archives import bala
from tests.support.server import client
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, World

pytestmark = one_machine("its commands find a data folder")

PATHS = ("config.json", "acme/greet/index.json", "acme/greet.io/index.json")
PLAIN = {"accept-encoding": "identity"}


@pytest.fixture(autouse=True)
async def published(world: World) -> None:
    """Publish packages with a history, and a private one."""
    await world.push(bala("acme/greet:1.0.0", modules=["sub"]))
    world.clock.advance(timedelta(hours=1))
    await world.push(bala("acme/greet:2.0.0-rc.1", tools=["greeter"]))
    await world.push(bala("acme/greet.io:1.0.0", dependencies=["acme/greet:1.0.0"]))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    path = "/packages/deprecate/acme/greet/1.0.0"
    body = '{"message": "Größer: 2."}'
    await world.send("PUT", path, by=world.people.ann, content=body.encode())


def export(world: World, folder: Path) -> str:
    """Export the index beside the running registry, and return what is said."""
    terminal = Terminal(world.registry.settings.data)
    return terminal.run("index", "export", str(folder), BALLROOM_URL=URL)


def tree(folder: Path) -> set[str]:
    """Return the files that a web server shows."""
    files = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return {name for name in files if not name.startswith(".")}


@pytest.fixture
async def exported(world: World, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a static web server over an export."""
    await run(world, tmp_path / "index")
    async with client(StaticFiles(directory=tmp_path / "index")) as static:
        yield static


async def run(world: World, folder: Path) -> str:
    """Export on a thread, for the command has an event loop of its own."""
    return await run_sync(export, world, folder)


@pytest.mark.parametrize("path", PATHS)
async def test_a_static_server_answers_byte_for_byte_as_the_registry(
    world: World, exported: httpx.AsyncClient, path: str
) -> None:
    live = await world.get(f"{URL}/index/{path}", headers=PLAIN)
    static = await exported.get(f"/{path}", headers=PLAIN)
    assert live.status_code == static.status_code == 200
    assert live.content == static.content
    assert live.headers["content-length"] == static.headers["content-length"]
    # The configuration has no time of its own: a web server tells when it was exported.
    if path != "config.json":
        assert live.headers["last-modified"] == static.headers["last-modified"]


async def test_an_export_holds_no_private_package(world: World, tmp_path: Path) -> None:
    await run(world, tmp_path / "index")
    assert tree(tmp_path / "index") == set(PATHS)


async def test_an_export_that_was_stopped_is_finished_by_the_next(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "index"
    await run(world, folder)
    whole = {path: (folder / path).read_bytes() for path in PATHS}
    (folder / "acme/greet/index.json").unlink()  # As if it had ended before this one,
    (folder / "acme/greet/index.json.partial").write_bytes(b"half")  # and while writing it.
    assert "1 written, 0 removed, 1 as they were" in await run(world, folder)
    assert {path: (folder / path).read_bytes() for path in tree(folder)} == whole


async def test_an_export_follows_what_changes(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    await run(world, folder)
    at = Coordinate.parse("acme", "greet.io", "1.0.0")
    await world.registry.publishing.moderation.remove(at, "a test", by=OPERATOR)
    await world.push(bala("acme/greet:2.0.0"))
    assert "1 written, 1 removed, 0 as they were" in await run(world, folder)
    live = await world.get(f"{URL}/index/acme/greet/index.json", headers=PLAIN)
    assert (folder / "acme/greet/index.json").read_bytes() == live.content
    assert tree(folder) == {"config.json", "acme/greet/index.json"}
