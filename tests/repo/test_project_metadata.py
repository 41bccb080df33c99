"""What the registry says of itself is what the project says of it."""

import tomllib

from shared.domain.status import SOFTWARE_VERSION
from tests.paths import ROOT


def test_the_registry_reports_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["version"] == SOFTWARE_VERSION
