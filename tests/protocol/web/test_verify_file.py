"""`/verify.py`, run by people without our code."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.paths import docs
from tests.support.log_files import LOG, LogTreeFiles, ServedLog, release_leaf, serving
from tests.support.world import URL, World

pytestmark = pytest.mark.measured


@pytest.fixture
async def script(world: World) -> str:
    return (await world.get(f"{URL}/verify.py")).text


def test_the_workflow_of_the_page_can_be_read() -> None:
    [workflow] = re.findall(r"^```yaml\n(.*?)^```$", docs("use/verify"), re.DOTALL | re.MULTILINE)
    steps = yaml.safe_load(workflow)["jobs"]["verify"]["steps"]
    assert "verify.py https://ballroom.example.org Dependencies.toml" in steps[-1]["run"]


@pytest.mark.slow
@pytest.mark.parametrize("oldest", [False, True], ids=["this-python", "oldest-python"])
async def test_a_stranger_runs_the_file(script: str, oldest: bool, tmp_path: Path) -> None:
    python = _oldest_python() if oldest else sys.executable
    site = ServedLog(LogTreeFiles([release_leaf(0, "acme/greet:1.0.0", "0" * 64)]), 1)
    site.sign("acme/greet:1.0.0", "0" * 64)
    locked = tmp_path / "Dependencies.toml"
    locked.write_text('[[package]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n')
    with serving(site) as url:
        for files, said in (((), "1 entries in 1 tiles"), ((str(locked),), "1 are signed")):
            done = subprocess.run(
                [python, "-I", "-", url, *files, "--key", LOG.vkey, "--state", str(tmp_path / "s")],
                input=script,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert said in done.stdout


async def test_a_stranger_without_cryptography_is_told(script: str) -> None:
    hidden = "import sys; sys.modules['cryptography'] = None; exec(sys.stdin.read())"
    done = subprocess.run(
        [sys.executable, "-I", "-c", hidden],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr == (
        "cryptography is missing. Install it: python3 -m pip install cryptography\n"
    )


def _oldest_python() -> str:
    """Return an interpreter of the oldest version that the file promises, or skip."""
    python = shutil.which("python3.9")
    code = "import cryptography, sys; sys.exit(sys.version_info[:2] != (3, 9))"
    check = [python or "", "-c", code]
    # A name on the PATH proves little: version managers put up fronts.
    if python is None or subprocess.run(check, capture_output=True, check=False).returncode:
        pytest.skip("there is no python3.9 with cryptography on the PATH")
    return python
