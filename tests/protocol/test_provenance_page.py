"""The program and the examples of docs/reference/provenance.md fit what the registry answers."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync

from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.trusted_publishing import trusting
from tests.support.world import URL, OpenWorld

PAGE = (ROOT / "docs" / "reference" / "provenance.md").read_text()
ARCHIVE = "greet-1.0.0.bala"
BOUND_SECONDS = 60.0
[PROGRAM] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
_ANSWER, OF_ARCHIVE, OF_RUN = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
async def folder(worlds: OpenWorld, tmp_path: Path) -> Path:
    """Return a folder with a release that CI published, and what the page reads."""
    trust = await trusting(worlds)
    await trust.add()
    await trust.world.push(bala("acme/greet:1.0.0"), by=await trust.job())
    world = trust.world
    (tmp_path / ARCHIVE).write_bytes(await world.maven().pull("acme/greet:1.0.0"))
    (tmp_path / "keys.json").write_bytes((await world.get(f"{URL}/api/v1/keys")).content)
    provenance = await world.get(f"{URL}/api/v1/provenance/acme/greet/1.0.0")
    (tmp_path / "provenance.json").write_bytes(provenance.content)
    return tmp_path


def payloads(folder: Path) -> list[bytes]:
    answer = json.loads((folder / "provenance.json").read_bytes())
    return [base64.b64decode(each["payload"]) for each in answer["statements"]]


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, ARCHIVE],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_SECONDS,
    )


async def test_the_program_verifies_the_statements_of_a_release(folder: Path) -> None:
    done = await run_sync(verify, folder)
    assert done.returncode == 0, done.stderr
    assert "urn:ballroom:publish:v1" in done.stdout
    assert done.stdout.endswith("Verified OK\n")


async def test_the_program_notices_another_archive(folder: Path) -> None:
    (folder / ARCHIVE).write_bytes((folder / ARCHIVE).read_bytes() + b"\0")
    done = await run_sync(verify, folder)
    assert done.returncode == 1
    assert "about another archive" in done.stderr


async def test_the_program_notices_a_changed_statement(folder: Path) -> None:
    file = folder / "provenance.json"
    answer = json.loads(file.read_bytes())
    changed = payloads(folder)[1].replace(b"octo/greet", b"evil/greet")
    answer["statements"][1]["payload"] = base64.b64encode(changed).decode()
    file.write_bytes(json.dumps(answer).encode())
    done = await run_sync(verify, folder)
    assert done.returncode == 1
    assert "InvalidSignature" in done.stderr


async def test_the_bytes_are_as_the_page_says(folder: Path) -> None:
    of_archive, of_run = payloads(folder)
    digest = json.loads(of_archive)["subject"][0]["digest"]["sha256"]
    example = json.loads(OF_ARCHIVE)["subject"][0]["digest"]["sha256"]
    assert of_archive == compact(json.loads(OF_ARCHIVE.replace(example, digest)))
    predicate = json.loads(OF_RUN.replace(example, digest))
    assert compact(predicate) in of_run
    assert f" {len(of_archive)} {{" in PAGE


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
