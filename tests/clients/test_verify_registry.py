"""A stranger verifies what a registry serves, as it is written by it: with `verify.py`, and with
clients in Go."""

import hashlib
import json
import shutil
from pathlib import Path

import httpx
import pytest

from shared.verify import VerifyOptions, run
from tests.clients.recorded_registry import Served
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.go_programs import GoPrograms
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RELEASES = ("acme/greet:1.0.0", "acme/greet:1.1.0", "acme/other:1.0.0")


class Stranger:
    """Somebody with a folder of archives, and a state file."""

    def __init__(self, registry: Served, folder: Path) -> None:
        self.registry = registry
        self.folder = folder
        self.printed: list[str] = []

    def push(self, release: str, **spec: object) -> None:
        content = bala(release, **spec)
        (self.folder / f"{hashlib.sha256(content).hexdigest()}.bala").write_bytes(content)
        token = self.registry.people.ann.token
        httpx.post(
            f"{self.registry.url}/2.0/registry/packages",
            content=multipart("x.bala", content),
            headers={**FORM, "Authorization": f"Bearer {token}"},
        ).raise_for_status()

    def verify(self, *files: str, **options: object) -> int:
        self.printed.clear()
        state = str(self.folder / "state.json")
        asked = VerifyOptions(self.registry.url, files, state=state, **options)  # type: ignore[arg-type]
        return run(asked, {"CI": "true"}, self.printed.append)

    def log_has(self, *files: str) -> None:
        """Wait until the log, which is written behind pushes, has what is in the files."""
        eventually(lambda: self.verify(*files) == 0)


@pytest.fixture
def stranger(registry: Served, tmp_path: Path) -> Stranger:
    return Stranger(registry, tmp_path)


def test_each_release_and_the_whole_log_verify(stranger: Stranger) -> None:
    for each in RELEASES:
        stranger.push(each)
    stranger.log_has(str(stranger.folder))
    assert "3 releases: 3 are in the log as they are here, 3 are signed" in stranger.printed[-1]
    assert stranger.verify() == 0
    assert "All of it verifies" in stranger.printed[-1]


def test_the_one_archive_of_which_a_byte_was_changed_is_named(
    stranger: Stranger, tmp_path: Path
) -> None:
    """`python -m bench.verify demonstration` does this with thousands of releases."""
    for number in range(12):
        stranger.push(f"acme/p{number}:1.0.0", padding=2_000)
    stranger.log_has(str(stranger.folder))
    [kept] = json.loads((stranger.folder / "state.json").read_text())["logs"].values()
    key = kept["policy"].split("\n")[0].split()[1]
    (stranger.folder / "state.json").unlink()
    copy = tmp_path / "copy"
    copy.mkdir()
    archives = sorted(stranger.folder.glob("*.bala"))
    for each in archives:
        shutil.copy(each, copy)
    assert stranger.verify(str(copy), keys=[key]) == 0
    for each in (archives[0], archives[-1]):
        whole = each.read_bytes()
        for at in (0, len(whole) // 2, len(whole) - 1):
            (copy / each.name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert stranger.verify(str(copy), keys=[key]) == 1
            named = [line for line in stranger.printed if ".bala" in line]
            assert len(named) == 1
            assert each.name in named[0]
            assert "12 releases: 11 are in the log as they are here" in stranger.printed[-1]
        (copy / each.name).write_bytes(whole)


def test_a_changed_archive_and_an_owner_who_watches_are_told(stranger: Stranger) -> None:
    stranger.push(RELEASES[0])
    stranger.log_has(str(stranger.folder))
    assert stranger.verify(watch="acme") == 0
    stranger.push(RELEASES[1])
    eventually(lambda: stranger.verify(watch="acme") == 1)
    assert f"release.published {RELEASES[1]}, by " in stranger.printed[0]
    changed = stranger.folder / "changed.bala"
    changed.write_bytes(bala(RELEASES[0], readme="changed"))
    assert stranger.verify(str(changed)) == 1
    assert stranger.printed[0].startswith(f"{RELEASES[0]} ({changed}): the archive has sha256:")


def test_who_may_read_a_private_release_verifies_it(stranger: Stranger) -> None:
    stranger.push("acme/secret:1.0.0", visibility="private")
    folder = str(stranger.folder)
    token = stranger.registry.people.ann.token
    eventually(lambda: stranger.verify(folder, token=token) == 0)
    assert stranger.verify(folder) == 1
    assert "it is not in the log" in stranger.printed[0]


def test_clients_in_go_read_the_log(stranger: Stranger, go_programs: GoPrograms) -> None:
    for each in RELEASES:
        stranger.push(each)
    stranger.log_has(str(stranger.folder))
    state = json.loads((stranger.folder / "state.json").read_text())
    [kept] = state["logs"].values()
    key = kept["policy"].split("\n")[0].split()[1]
    url = f"{stranger.registry.url}/log"
    code, printed = go_programs.run("sumdb", url, key)
    assert code == 0, printed
    assert printed.endswith(" 100 proofs\n")
    code, printed = go_programs.run("torchwood", url)
    assert code == 0, printed
