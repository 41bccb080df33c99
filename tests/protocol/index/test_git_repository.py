"""A repository of the index, made by the lines that its page shows, for clients that read Git."""

import os
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from shared.program import launcher, respelled
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.server import served_app
from tests.support.storage import one_machine
from tests.support.world import World

PAGE = ROOT / "docs" / "reference" / "protocols" / "index.md"
BRANCHES = ("prod", "dev", "stage")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("git"), reason="git is not installed here"),
    one_machine("its commands find a data folder"),
]


def script() -> str:
    """Return the lines of the page, with the command as this installation spells it."""
    [block] = re.findall(r"```sh\n(git init .+?)```", PAGE.read_text(), re.DOTALL)
    return respelled(block, launcher())


def shell(command: list[str], folder: Path, **settings: str) -> str:
    """Run a program as somebody without any settings for Git, and return what it prints."""
    nobody = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Registry",
        "GIT_AUTHOR_EMAIL": "registry@registry.test",
        "GIT_COMMITTER_NAME": "Registry",
        "GIT_COMMITTER_EMAIL": "registry@registry.test",
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **nobody, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def publish(world: World, folder: Path) -> None:
    """Run the lines of the page beside the registry."""
    data = str(world.registry.settings.data)
    lines = ["sh", "-e", "-c", script()]
    await run_sync(partial(shell, lines, folder, BALLROOM_DATA=data, BALLROOM_LOG_LEVEL="error"))


async def test_a_clone_of_the_index_follows_the_registry(world: World, tmp_path: Path) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await publish(world, tmp_path)
    shown = Starlette(routes=[Mount("/index", StaticFiles(directory=tmp_path / "index"))])
    with served_app(shown) as server:
        git = partial(shell, folder=tmp_path / "clone")
        clone = ["git", "clone", "--quiet", f"{server.url}/index/.git", "clone"]
        await run_sync(shell, clone, tmp_path)
        branches = await run_sync(git, ["git", "branch", "--remotes"])
        assert all(f"origin/{branch}\n" in branches for branch in BRANCHES)
        await world.push(bala("acme/greet:1.1.0"))
        await world.push(bala("acme/other:1.0.0"))
        await publish(world, tmp_path)
        await run_sync(git, ["git", "pull", "--quiet", "--ff-only"])
    for package in ("greet", "other"):
        file = f"acme/{package}/index.json"
        live = (await world.get(f"https://registry.test/index/{file}")).text
        assert (tmp_path / "clone" / file).read_text() == live


async def test_an_index_that_did_not_change_is_no_new_commit(world: World, tmp_path: Path) -> None:
    for _ in range(2):
        await publish(world, tmp_path)
    log = await run_sync(shell, ["git", "log", "--oneline"], tmp_path / "index")
    assert len(log.splitlines()) == 1
