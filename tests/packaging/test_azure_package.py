"""The file of a release that is deployed to Azure has a bill of materials of its own."""

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.repo.tool_environments import folder, unavailable
from tests.run import find_python
from tests.support.bicep_templates import MAIN, template

BOUND_SECONDS = 600.0


@pytest.mark.timeout(BOUND_SECONDS)
def test_the_bill_of_materials_lists_what_the_package_has(tmp_path: Path) -> None:
    version = template(MAIN).parameters["pythonVersion"]["default"]
    interpreter = find_python(version)
    if interpreter is None:
        pytest.skip(f"Python {version} is not installed here")
    if reason := unavailable("packaging", "packaging/requirements.txt"):
        pytest.skip(reason)
    subprocess.run(
        [f"{folder('packaging')}/bin/python", "packaging/build.py", "azure-package", tmp_path],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{Path(interpreter).parent}:{os.environ['PATH']}"},
        check=True,
        timeout=BOUND_SECONDS,
    )
    [package] = tmp_path.glob("ballroom-*-azure.zip")
    with zipfile.ZipFile(package) as archive:
        found = re.findall(
            r"/([^/\n]+)-([^/-]+)\.dist-info/METADATA$", "\n".join(archive.namelist()), re.M
        )
    listed = json.loads(package.with_suffix(".cdx.json").read_text())["components"]
    assert {(each["name"], each["version"]) for each in listed} == {
        (name.replace("_", "-"), number) for name, number in found
    }
