"""The commands and the program of docs/reference/signatures.md verify a release of a registry."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from anyio.to_thread import run_sync

from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.world import URL, World

PAGE = (ROOT / "docs" / "reference" / "signatures.md").read_text()
ARCHIVE = "greet-1.0.0.bala"
BOUND_SECONDS = 60.0

# Stands for `curl -fsSL -o FILE URL`: what the registry answered is in the folder already.
CURL = '#!/bin/sh\n[ -f "$3" ]\n'


def block(language: str) -> str:
    """Return the one block of this language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
async def folder(world: World, tmp_path: Path) -> Path:
    """Return a folder with what the commands download."""
    await world.push(bala("acme/greet:1.0.0"))
    file = f"{URL}/2.0/maven/acme/greet/1.0.0/{ARCHIVE}"
    (tmp_path / ARCHIVE).write_bytes(await world.maven().pull("acme/greet:1.0.0"))
    (tmp_path / "sig.json").write_bytes((await world.get(f"{file}.ballroom-sig")).content)
    (tmp_path / "keys.json").write_bytes((await world.get(f"{URL}/api/v1/keys")).content)
    (tmp_path / "curl").write_text(CURL)
    (tmp_path / "curl").chmod(0o755)
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder}:{os.environ.get('PATH', os.defpath)}"
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_SECONDS,
    )


def programs() -> list[tuple[str, ...]]:
    python = (sys.executable, "-c", block("python"), "acme/greet@1.0.0", ARCHIVE)
    return [("sh", "-e", "-c", block("sh")), python]


@pytest.mark.parametrize("words", programs(), ids=["openssl", "python"])
async def test_the_page_verifies_a_release(folder: Path, words: tuple[str, ...]) -> None:
    done = await run_sync(run, folder, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Verified OK\n")


@pytest.mark.parametrize("words", programs(), ids=["openssl", "python"])
async def test_the_page_notices_a_changed_byte(folder: Path, words: tuple[str, ...]) -> None:
    content = bytearray((folder / ARCHIVE).read_bytes())
    content[100] ^= 1
    (folder / ARCHIVE).write_bytes(content)
    done = await run_sync(run, folder, *words)
    assert done.returncode != 0
    assert "Verified OK" not in done.stdout
