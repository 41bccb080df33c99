"""`/audit.py`, run by people without our code."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
import yaml

from shared.domain.advisories.advisories import ballerina_ecosystem
from shared.domain.principals import OPERATOR
from tests.paths import docs
from tests.protocol.bal.okhttp import FORM, multipart
from tests.protocol.device.test_login_script import oldest_python
from tests.support.advisories import advisory, affected
from tests.support.archives import bala
from tests.support.served_copies import served_copy
from tests.support.world import URL, Template, World

pytestmark = pytest.mark.measured


@pytest.fixture
async def script(world: World) -> str:
    return (await world.get(f"{URL}/audit.py")).text


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
    python = oldest_python() if oldest else sys.executable
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
    project = scratch / "project"
    project.mkdir()
    (project / "Ballerina.toml").write_text('[package]\norg = "acme"\nname = "app"\n')
    (project / "Dependencies.toml").write_text(
        '[[package]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'
    )
    ann = template.people.ann
    async with served_copy(template, scratch / "data") as (registry, url):
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
