"""`/verify.py`: one file, with the address of its registry, for people without our code."""

import ast
import hashlib
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.paths import docs
from tests.support.log_files import LOG, LogTreeFiles, Site, release_leaf, serving
from tests.support.world import URL, World

pytestmark = pytest.mark.measured


@pytest.fixture
async def script(world: World) -> str:
    answer = await world.get(f"{URL}/verify.py", headers={"Host": "evil.example"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/x-python; charset=utf-8"
    return answer.text


async def test_the_file_is_for_the_address_of_the_settings(script: str) -> None:
    assert f'ADDRESS = "{URL}"' in script
    assert "evil.example" not in script


async def test_the_file_has_all_its_parts_once(script: str) -> None:
    names = Counter[str]()
    for each in ast.parse(script).body:
        if isinstance(each, ast.FunctionDef | ast.ClassDef):
            names[each.name] += 1
        elif isinstance(each, ast.Assign | ast.AnnAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            names.update(ast.unparse(target) for target in targets)
    repeated = {name for name, count in names.items() if count > 1}
    assert repeated <= {"MLDSA44PublicKey"}
    assert "from shared" not in script
    assert {"LogTree", "LogPolicy", "RegistryClient", "read_versions"} <= names.keys()


async def test_the_page_about_the_file_has_its_digest(world: World, script: str) -> None:
    page = (await world.send("GET", f"{URL}/docs/verify")).text
    assert f"{hashlib.sha256(script.encode()).hexdigest()}  verify.py" in page
    assert "SHA256_OF_VERIFY_PY" not in page


def test_the_workflow_of_the_page_can_be_read() -> None:
    [workflow] = re.findall(r"^```yaml\n(.*?)^```$", docs("use/verify"), re.DOTALL | re.MULTILINE)
    steps = yaml.safe_load(workflow)["jobs"]["verify"]["steps"]
    assert "verify.py https://ballroom.example.org Dependencies.toml" in steps[-1]["run"]


@pytest.mark.slow
@pytest.mark.parametrize("oldest", [False, True], ids=["this-python", "oldest-python"])
async def test_a_stranger_runs_the_file(script: str, oldest: bool, tmp_path: Path) -> None:
    python = _oldest_python() if oldest else sys.executable
    site = Site(LogTreeFiles([release_leaf(0, "acme/greet:1.0.0", "0" * 64)]), 1)
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
