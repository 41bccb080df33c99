"""`/audit.py`: one file, with the address of its registry, for people without our code."""

import ast
import hashlib
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
import yaml

from functions.faces import build_app
from shared.adapters.system import SystemClock
from shared.bootstrap import build_registry
from shared.domain.advisories.advisories import ballerina_ecosystem
from shared.domain.principals import OPERATOR
from shared.hosting.host import Host
from shared.hosting.http_server.server import bind
from tests.paths import docs
from tests.protocol.bal.okhttp import FORM, multipart
from tests.reaching import noted
from tests.support.advisories import advisory, affected
from tests.support.archives import bala
from tests.support.server import running
from tests.support.storage import PLACES
from tests.support.world import URL, Template, World, settings_of

pytestmark = pytest.mark.measured


@pytest.fixture
async def script(world: World) -> str:
    answer = await world.get(f"{URL}/audit.py", headers={"Host": "evil.example"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/x-python; charset=utf-8"
    return answer.text


async def test_the_file_is_for_the_address_of_the_settings(script: str) -> None:
    assert f'ADDRESS = "{URL}"' in script
    assert "evil.example" not in script


async def test_the_file_has_all_its_parts_once(script: str) -> None:
    names = Counter[str]()
    for each in ast.parse(script, feature_version=(3, 9)).body:
        if isinstance(each, ast.FunctionDef | ast.ClassDef):
            names[each.name] += 1
        elif isinstance(each, ast.Assign | ast.AnnAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            names.update(ast.unparse(target) for target in targets)
    assert not [name for name, count in names.items() if count > 1]
    assert "from shared" not in script
    assert {"AuditFinding", "RegistryClient", "read_versions", "read_libraries"} <= names.keys()


async def test_the_page_about_the_file_has_its_digest(world: World, script: str) -> None:
    page = (await world.send("GET", f"{URL}/docs/audit")).text
    assert f"{hashlib.sha256(script.encode()).hexdigest()}  audit.py" in page
    assert "SHA256_OF_AUDIT_PY" not in page


def test_the_workflow_of_the_page_can_be_read() -> None:
    [workflow] = re.findall(r"^```yaml\n(.*?)^```$", docs("use/audit"), re.DOTALL | re.MULTILINE)
    job = yaml.safe_load(workflow)["jobs"]["audit"]
    assert job["permissions"] == {"contents": "read", "security-events": "write"}
    runs = "".join(each.get("run", "") for each in job["steps"])
    assert 'audit.py" Dependencies.toml --format sarif > audit.sarif' in runs
    [upload] = [each for each in job["steps"] if "upload-sarif" in each.get("uses", "")]
    assert upload["with"]["sarif_file"] == "audit.sarif"


@pytest.mark.slow
@pytest.mark.parametrize("oldest", [False, True], ids=["this-python", "oldest-python"])
async def test_a_stranger_runs_the_file(script: str, oldest: bool, tmp_path: Path) -> None:
    python = _oldest_python() if oldest else sys.executable
    done = subprocess.run(
        [python, "-I", "-", "http://127.0.0.1:9", "nothing.toml"],
        input=script,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "nothing.toml cannot be read. Name the Ballerina.toml of a package.\n"


@pytest.mark.slow
async def test_a_job_audits_its_package(template: Template, scratch: Path) -> None:
    PLACES.copy(template.folder, scratch / "data")
    bound = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    settings = settings_of(scratch / "data", url=url)
    registry = build_registry(settings, noted(await PLACES.stores(settings, SystemClock())))
    project = scratch / "project"
    project.mkdir()
    (project / "Ballerina.toml").write_text('[package]\norg = "acme"\nname = "app"\n')
    (project / "Dependencies.toml").write_text(
        '[[package]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'
    )
    ann = template.people.ann
    with running(Host(build_app(registry), on_stop=[registry.close]), at=bound):
        httpx.post(
            f"{url}/2.0/registry/packages",
            content=multipart("x.bala", bala("acme/greet:1.0.0", visibility="private")),
            headers={**FORM, "Authorization": f"Bearer {ann.token}"},
        ).raise_for_status()
        own = affected(
            "acme/greet", "introduced 0", "fixed 1.2.0", ecosystem=ballerina_ecosystem(url)
        )
        found = await registry.advisories.advisories.store(advisory(own), OPERATOR)
        script = httpx.get(f"{url}/audit.py").raise_for_status().text

        def run(environment: Mapping[str, str]) -> tuple[int, str]:
            done = subprocess.run(
                [sys.executable, "-I", "-"],
                input=script,
                cwd=project,
                env={"HOME": str(scratch), **environment},
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            return done.returncode, done.stdout + done.stderr

        code, printed = run({"BALLROOM_TOKEN": ann.token})
        assert (code, printed.splitlines()[1:3]) == (
            1,
            [f"acme/greet  1.0.0    {found.id}  unknown   1.2.0", "    Greets strangers"],
        )
        # Others do not learn that there is such a package.
        assert run({}) == (0, "Versions asked: 1, affected: 0. Advisories: 0.\n")


def _oldest_python() -> str:
    """Return an interpreter of the oldest version that the file promises, or skip."""
    python = shutil.which("python3.9")
    check = [python or "", "-c", "import sys; sys.exit(sys.version_info[:2] != (3, 9))"]
    # A name on the PATH proves little: version managers put up fronts.
    if python is None or subprocess.run(check, capture_output=True, check=False).returncode:
        pytest.skip("there is no python3.9 on the PATH")
    return python
