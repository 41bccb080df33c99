"""`ballroom apply` that is killed anywhere, and run again, ends where one that lives does."""

import asyncio
import shutil
import sys
from itertools import count
from pathlib import Path

import pytest

from shared.adapters.system import SystemClock
from shared.bootstrap.adapters import embedded_adapters
from shared.bootstrap.build import build_registry
from shared.bootstrap.migration import migrate
from shared.domain.principals import OPERATOR
from shared.services.registry_files.plans import NOTHING_TO_CHANGE, Pruning
from shared.services.registry_files.registry_files import FileRequest
from shared.settings import Settings
from tests.crash.killed_statements import killed_before
from tests.crash.recovery import explained
from tests.sampling import FULL
from tests.support.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked and killed")

STRIDE = 1 if FULL else 6  # There are some twenty commits.
FILE = """
[registry]
licenses = ["MIT", "Apache-2.0"]
version_rule = "hold"
reserved_names = ["wso2*"]
[organizations.acme]
description = "We greet."
owners = ["ann", "bob"]
members = { mia = "maintainer" }
staged = true
max_releases = 20
[organizations.fresh]
owners = ["bob"]
members = { mia = "member" }
[[organizations.fresh.webhooks]]
url = "https://hooks.example.org/x"
events = ["release"]
secret_from = "HOOK"
[[organizations.fresh.publishers]]
package = "greet"
provider = "github"
ids = { repository_id = "1", repository_owner_id = "2" }
workflow = "release.yml"
refs = ["refs/heads/main"]
"""
SECRET = {"HOOK": "whsec_" + "A" * 32}


def terminal_of(data: Path) -> Terminal:
    return Terminal(data, SECRET)


def apply_until(data: Path, file: Path, commit: int) -> bool:
    """Apply the file in a process that is killed when it is about to commit for that time; return
    whether it was, or ended before."""
    commits = count(1)
    return killed_before(
        lambda run: run == "COMMIT" and next(commits) == commit,
        lambda: terminal_of(data).run("apply", str(file)),
    )


class LaterClock(SystemClock):
    """A clock at which nobody waits for the lease of a process that died."""

    def now_ms(self) -> int:
        return super().now_ms() + 60_000


async def applied_twice(data: Path) -> tuple[str, str, str]:
    """Apply the file, export, and apply it again; return what each said."""
    settings = Settings(data=data)
    registry = build_registry(settings, embedded_adapters(settings, LaterClock()))
    files = registry.administration.registry_files
    request = FileRequest(FILE, Pruning.KEEP, SECRET)
    try:
        first = await files.apply(request, by=OPERATOR)
        exported = await files.export(by=OPERATOR)
        second = await files.apply(request, by=OPERATOR)
    finally:
        await registry.close()
    return first.summary, exported, second.summary


def test_what_is_killed_at_any_commit_and_run_again_ends_in_the_same_state(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    migrate(Settings(data=begun))
    terminal = terminal_of(begun)
    terminal.run("account", "add", "ann", "--administrator")
    for name in ("bob", "mia"):
        terminal.run("account", "add", name)
    file = tmp_path / "registry.toml"
    file.write_text(FILE)

    def copied(name: str) -> Path:
        shutil.copytree(begun, tmp_path / name)
        return tmp_path / name

    unharmed = terminal_of(copied("unharmed"))
    unharmed.run("apply", str(file))
    expected = unharmed.run("export")
    assert "[organizations.fresh]" in expected
    commit = 1
    while apply_until(data := copied(str(commit)), file, commit):
        with explained(f"killed before commit {commit}"):
            first, exported, second = asyncio.run(applied_twice(data))
            assert exported == expected
            assert second == NOTHING_TO_CHANGE
            assert first != second or commit > 2 * STRIDE
        commit += STRIDE
    assert commit > 2 * STRIDE
