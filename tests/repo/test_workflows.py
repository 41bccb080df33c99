"""The workflows hold no secret, ask for little, and call what is there."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.repo.test_checkov import BOUND_SECONDS, ENVIRONMENT, environment

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
EXPECTED = {"check", "infra", "deploy", "release"}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> str:
    """Return the text of each workflow."""
    path: Path = request.param
    return path.read_text()


def test_every_workflow_is_there() -> None:
    assert {path.stem for path in FILES} >= EXPECTED


@pytest.mark.timeout(2 * BOUND_SECONDS)
def test_every_workflow_can_be_read() -> None:
    # There is a reader of YAML among what checkov stands on.
    if reason := environment():
        pytest.skip(reason)
    code = (
        "import json, sys, yaml; print(json.dumps([yaml.safe_load(open(f)) for f in sys.argv[1:]]))"
    )
    read = subprocess.run(
        [f"{ENVIRONMENT}/bin/python", "-c", code, *map(str, FILES)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for path, workflow in zip(FILES, json.loads(read.stdout), strict=True):
        assert workflow["name"] == path.stem
        assert workflow["jobs"], path.stem


def test_no_workflow_reads_a_secret(workflow: str) -> None:
    assert not re.search(r"secrets\s*[.:\[]", workflow)


def test_a_workflow_may_read_the_code_and_nothing_else_by_default(workflow: str) -> None:
    top = re.search(r"^permissions:\n((?:  .+\n)+)", workflow, re.MULTILINE)
    assert top
    assert top[1] == "  contents: read\n"
    assert "pull_request_target" not in workflow
    assert ": write-all" not in workflow
    assert set(re.findall(r"([\w-]+): write", workflow)) <= {"id-token"}


def test_a_checkout_leaves_no_credentials_behind(workflow: str) -> None:
    assert workflow.count("uses: actions/checkout@") == workflow.count("persist-credentials: false")


def test_no_script_has_an_expression_in_it(workflow: str) -> None:
    # What an expression stands for would be run as a part of the script; variables are not.
    for script in re.findall(r"^( *)(?:- )?run: (.*(?:\n(?:\1  +.*|))*)", workflow, re.MULTILINE):
        assert "${{" not in script[1]


def test_every_job_ends(workflow: str) -> None:
    assert workflow.count("runs-on:") == workflow.count("timeout-minutes:")


def test_every_file_that_a_workflow_names_is_there(workflow: str) -> None:
    named = re.findall(r"(?:\.ci|infra|\.github/workflows)/[\w-]+(?:\.\w+)?", workflow)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_a_deployment_is_tried_and_taken_back() -> None:
    deploy, release = (FOLDER / name for name in ("deploy.yml", "release.yml"))
    assert ".ci/smoke.py ready" in release.read_text()
    assert ".ci/smoke.py package" in release.read_text()
    assert "roll-back:" in deploy.read_text()
    assert "id-token: write" in release.read_text()
