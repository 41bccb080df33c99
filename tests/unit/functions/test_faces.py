"""An app with an invalid setting names the setting on every route, and not its value; a start
prepares the first requests."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared.adapters.data_folder import DataFolder
from shared.adapters.embedded import is_prepared, open_embedded
from tests.fakes.system import FakeClock
from tests.paths import ROOT
from tests.support.terminal import Terminal

VALUE = "@Microsoft.KeyVault(SecretUri=https://kv.example.org/secrets/link-key)"
START = """
import function_app
print([each.get_function_name() for each in function_app.app.get_functions()])
"""


def test_the_app_starts_and_logs_the_reason_without_the_value() -> None:
    started = subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env={"BALLROOM_LINK_KEY": VALUE},
        capture_output=True,
        text=True,
        check=True,
    )
    assert started.stdout.splitlines()[-1] == "['zz_missing', 'timer_upkeep']"
    shown = started.stdout + started.stderr
    assert "BALLROOM_LINK_KEY cannot be used: it is a reference to a secret" in shown
    assert "kv.example.org" not in shown


def test_an_unknown_setting_is_an_error_in_the_log_of_an_app_that_starts(tmp_path: Path) -> None:
    started = subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env={"BALLROOM_DATA": str(tmp_path / "data"), "BALLROOM_READER": "signed_in"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "'web_package'" in started.stdout.splitlines()[-1]
    [line] = [each for each in started.stderr.splitlines() if "settings.unknown" in each]
    assert "error" in line
    assert "Did you mean BALLROOM_READERS?" in line


@pytest.mark.parametrize("left", ["nothing", "an empty database", "no search index"])
def test_an_app_on_one_machine_creates_its_stores_and_commands_go_on_with_them(
    left: str, tmp_path: Path
) -> None:
    folder = DataFolder(tmp_path / "data")
    if left == "an empty database":
        folder.root.mkdir()
        folder.database.touch()
    if left == "no search index":  # As after a disk that was full during the first start.
        open_embedded(folder.root, FakeClock()).migrate()
    started = subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env={"BALLROOM_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (started.returncode, started.stderr) == (0, "")
    added = Terminal(folder.root).invoke("account", "add", "kim")
    assert (added.exit_code, added.stderr) == (0, "")
    assert is_prepared(folder.root)


def test_an_app_over_keys_without_their_database_answers_that_it_does_not_run(
    tmp_path: Path,
) -> None:
    keys = tmp_path / "data" / "keys"
    keys.mkdir(parents=True)
    (keys / "lost.key").write_bytes(b"k")
    started = subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env={"BALLROOM_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert started.stdout.splitlines()[-1] == "['zz_missing', 'timer_upkeep']"
    assert "has keys, but its database ballroom.db is missing" in started.stderr
    assert [each.name for each in (tmp_path / "data").iterdir()] == ["keys"]


def prepared(data: Path, *arguments: str) -> dict[str, object]:
    """Return what a start has prepared, in a process of its own."""
    env = {
        "BALLROOM_DATA": str(data),
        "BALLROOM_OIDC_ISSUER": "https://login.example.org",  # A directory can provision people.
        "BALLROOM_OIDC_CLIENT_ID": "ballroom",
        "BALLROOM_OIDC_CLIENT_SECRET": "s" * 32,
    }
    command = [sys.executable, "-m", "tests.support.prepared_start", *arguments]
    started = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert started.returncode == 0, started.stderr
    assert "start.unprepared" not in started.stderr
    return json.loads(started.stdout)


def test_a_start_prepares_all_that_first_requests_need(tmp_path: Path) -> None:
    assert prepared(tmp_path / "data") == {
        "libraries": [
            "jinja2",
            "graphql",
            "functions.central.graphql_execution",
            "functions.scim.resources",
        ],
        "models": ["Record", "ResponseModel", "Inputs"],
        # No request waits for more than one, and Pydantic does not promise that threads may build.
        "models in a turn": 1,
        "models of other threads": [],
        "vocabulary": True,
        "templates": True,
        "openapi.json": True,
        "documentation": True,
    }


def test_a_start_that_is_stopped_at_once_waits_for_nothing_to_be_prepared(tmp_path: Path) -> None:
    assert prepared(tmp_path / "data", "stopped") == {
        "libraries": [],
        "models": [],
        "models in a turn": 1,
        "models of other threads": [],
        "vocabulary": False,
        "templates": False,
        "openapi.json": False,
        "documentation": False,
    }


DIRECTORY = """
import sys
from pkgutil import iter_modules
from functions import scim
from functions.faces import operations, warm_up
from functions.scim.scim_face import LIBRARY_MODULES
from shared.settings import Settings
every = [each.name for each in iter_modules(scim.__path__, "functions.scim.")]
def missing():
    return [each for each in (*every, "scim2_models") if each not in sys.modules]
settings = Settings.load()
operations(settings)
print(missing() == sorted([*LIBRARY_MODULES, "scim2_models"]))
warm_up(settings)
print(missing())
"""


def test_the_library_of_scim_is_imported_behind_the_start_where_a_directory_provisions() -> None:
    prepared = subprocess.run(
        [sys.executable, "-c", DIRECTORY],
        cwd=ROOT,
        env={
            "BALLROOM_OIDC_ISSUER": "https://login.example.org",
            "BALLROOM_OIDC_CLIENT_ID": "ballroom",
            "BALLROOM_OIDC_CLIENT_SECRET": "secret",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert prepared.stdout.splitlines() == ["True", "[]"]
