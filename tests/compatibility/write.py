"""Write the stores of this commit and what they answer: `python -m tests.compatibility.write`.

Run it at the last commit before a change of what is stored, and commit what it wrote.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from shared.bootstrap.migration import migrate
from tests.compatibility.asking import Ask, Asking
from tests.compatibility.fixtures import (
    ANSWERS,
    CLOUD,
    FOLDER,
    pack_cloud,
    pack_folder,
    unpack_cloud,
    unpack_folder,
    write_json,
)
from tests.compatibility.story import SETTINGS, Facts, shown
from tests.fakes.system import FakeClock
from tests.support.storage import Clouds, Folders, Storage
from tests.support.world import World, opened, settings_of

STORAGE_BY_KIND: dict[str, Storage] = {"folder": Folders(), "cloud": Clouds()}


@asynccontextmanager
async def read_by_this_code(
    kind: str, folder: Path, at_ms: int, **settings: Any
) -> AsyncGenerator[World]:
    """Open a registry over a copy of the stores that were written, at the time of their end."""
    storage = STORAGE_BY_KIND[kind]
    if kind == "folder":
        open_folder(folder)
    else:
        await unpack_cloud(CLOUD, folder, FakeClock(at_ms))
    options: dict[str, Any] = {**SETTINGS, **settings}
    people: Any = None  # They are known by what the files say.
    async with opened(
        folder, people, storage=storage, at_ms=at_ms, seed="later", **options
    ) as world:
        yield world
    storage.forget(folder)


def open_folder(folder: Path) -> None:
    """Make a copy of the data folder, and bring it up to date as the start of a registry does."""
    unpack_folder(FOLDER, folder)
    migrate(settings_of(folder, STORAGE_BY_KIND["folder"]))


async def write(kind: str, scratch: Path) -> None:
    """Write the stores, and what a registry over a copy of them answers."""
    folder = scratch / "written"
    facts = await shown(folder, STORAGE_BY_KIND[kind])
    if kind == "folder":
        pack_folder(folder, FOLDER)
    else:
        await pack_cloud(folder, CLOUD)
    async with read_by_this_code(kind, scratch / "read", facts.at_ms) as world:
        asking = Asking(facts)
        reads = [await recorded(each, world.http) for each in asking.reads()]
        changes = [await recorded(each, world.http) for each in asking.changes()]
    known: dict[str, Any] = asdict(facts)
    write_json(ANSWERS[kind], {"facts": known, "reads": reads, "changes": changes})


async def recorded(ask: Ask, http: httpx.AsyncClient) -> dict[str, Any]:
    """Return a request with its answer, which shows what it has to."""
    answer = await ask.send(http)
    missing = [word for word, is_there in answer.get("words", {}).items() if not is_there]
    assert not missing, (str(ask), missing)
    return {"ask": ask.stored(), "answer": answer}


def facts_of(stored: dict[str, Any]) -> Facts:
    return Facts(**stored["facts"])


def main() -> None:
    for kind in STORAGE_BY_KIND:
        with TemporaryDirectory() as scratch:
            asyncio.run(write(kind, Path(scratch)))


if __name__ == "__main__":
    main()
