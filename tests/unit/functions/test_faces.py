"""An app with an invalid setting names the setting on every route, and not its value; a start
prepares the first requests."""

import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT

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


PREPARED = """
import sys
from functions.faces import prepare_faces
from shared.domain.packages import Release
from shared.settings import Settings
late = ("jinja2", "graphql", "functions.central.graphql_execution")
print([each in sys.modules for each in late], Release.__pydantic_complete__)
prepare_faces(Settings.load())
print([each in sys.modules for each in late], Release.__pydantic_complete__)
"""


def test_libraries_and_models_of_first_requests_are_prepared() -> None:
    prepared = subprocess.run(
        [sys.executable, "-c", PREPARED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert prepared.stdout.splitlines() == [
        "[False, False, False] False",
        "[True, True, True] True",
    ]


DIRECTORY = """
import sys
from pkgutil import iter_modules
from functions import scim
from functions.faces import operations, prepare_faces
from functions.scim.scim_face import LIBRARY_MODULES
from shared.settings import Settings
every = [each.name for each in iter_modules(scim.__path__, "functions.scim.")]
def missing():
    return [each for each in (*every, "scim2_models") if each not in sys.modules]
settings = Settings.load()
operations(settings)
print(missing() == sorted([*LIBRARY_MODULES, "scim2_models"]))
prepare_faces(settings)
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
