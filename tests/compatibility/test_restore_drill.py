"""A backup of each schema that there was is restored, started, backed up and audited by this code.

Each file in `backups` is named by its schema and the commit whose `backup` wrote it, over a
registry with two releases of acme/greet. The file beside it has the token of its administrator.
Before a change of the schema, add one of the schema that is left: README.md says how.
"""

import json
import re
from pathlib import Path

import pytest

from shared.adapters.sqlite.database import MIGRATIONS
from tests.compatibility.fixtures import HERE, unpack_folder
from tests.support.archives import bala
from tests.support.registry_process import pulled, push, running_registry
from tests.support.terminal import Terminal


def schema_in(name: str) -> int:
    return int(re.findall(r"^\d+", name)[0])


BACKUPS = sorted((HERE / "backups").glob("*.tar.xz"), key=lambda file: schema_in(file.name))
VERSIONS = ("1.0.0", "1.1.0")


def test_there_is_a_backup_of_each_schema_before_this_one() -> None:
    assert [schema_in(file.name) for file in BACKUPS] == list(range(1, len(MIGRATIONS)))


@pytest.mark.slow
@pytest.mark.parametrize("file", BACKUPS, ids=lambda file: file.name.partition(".")[0])
def test_a_backup_of_each_schema_restores_and_starts(file: Path, tmp_path: Path) -> None:
    token = json.loads(file.with_name(file.name.replace(".tar.xz", ".json")).read_text())["token"]
    unpack_folder(file, tmp_path / "backup")
    terminal = Terminal(tmp_path / "data")
    assert "Restored" in terminal.run("restore", str(tmp_path / "backup"))
    # Of a folder that was never started, whose database has no log yet.
    assert "Copied" in terminal.run("backup", str(tmp_path / "again"))
    with running_registry(tmp_path / "data", workers=1, BALLROOM_UPSTREAM="") as registry:
        for version in VERSIONS:
            archive = pulled(registry.url, f"acme/greet/{version}")
            assert archive == bala(f"acme/greet:{version}")
        pushed = push(registry.url, token, bala("acme/greet:1.2.0"))
        assert pushed.status_code == 204, pushed.text
        assert registry.stop() == 0
    assert "problem" not in terminal.run("doctor")
    terminal.run("upkeep", "run", "audit-archives")
