"""The workflows hold no secret, ask for little, and call what is there."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.paths import ROOT
from tests.repo.tool_environments import BOUND_SECONDS, folder, unavailable

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
WRITES = {"id-token"}  # What a job may ask for.
WRITES_OF_PUBLISH = {*WRITES, "attestations", "contents", "packages"}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> str:
    """Return the text of each workflow."""
    path: Path = request.param
    return path.read_text()


def test_no_workflow_reads_a_secret(workflow: str) -> None:
    assert not re.search(r"secrets\s*[.:\[]", workflow)


def test_a_workflow_may_read_the_code_and_nothing_else_by_default(workflow: str) -> None:
    top = re.search(r"^permissions:\n((?:  .+\n)+)", workflow, re.MULTILINE)
    assert top
    assert top[1] == "  contents: read\n"
    assert "pull_request_target" not in workflow
    assert ": write-all" not in workflow
    allowed = WRITES_OF_PUBLISH if workflow.startswith("name: publish\n") else WRITES
    assert set(re.findall(r"([\w-]+): write", workflow)) <= allowed


@pytest.mark.timeout(2 * BOUND_SECONDS)
@pytest.mark.slow
def test_zizmor_finds_nothing_that_is_not_excused() -> None:
    if reason := unavailable("zizmor"):
        pytest.skip(reason)
    judged = subprocess.run(
        [f"{folder('zizmor')}/bin/zizmor", "--offline", "--no-progress", ".github"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=BOUND_SECONDS,
    )
    assert judged.returncode == 0, judged.stdout
    assert "No findings to report" in judged.stdout
    # Each excuse has its reason behind it.
    for path in FILES:
        excuses = re.findall(r"zizmor: ignore\S*(.*)$", path.read_text(), re.MULTILINE)
        assert all(re.fullmatch(r" \S.{20,}\.", reason) for reason in excuses), path.name


def test_every_job_ends(workflow: str) -> None:
    assert workflow.count("runs-on:") == workflow.count("timeout-minutes:")


def test_every_file_that_a_workflow_names_is_there(workflow: str) -> None:
    named = re.findall(r"(?:\.ci|infra|\.github/workflows)/[\w-]+(?:\.\w+)?", workflow)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_stores_of_the_emulators_have_all_settings_that_they_require() -> None:
    emulators = (FOLDER / "emulators.yml").read_text()
    given = dict(re.findall(r"^      (BALLROOM_\w+): (.+)$", emulators, re.MULTILINE))
    settings = {name.removeprefix("BALLROOM_").lower(): value for name, value in given.items()}
    settings["blob_connection"] = "UseDevelopmentStorage=true"  # It is folded over two lines.
    assert Settings(**settings).is_in_the_cloud  # pyright: ignore[reportArgumentType]


# Answers what .ci/package-source asks GitHub for: a run, and the commit of a tag.
GH = """\
#!/bin/sh
case "$2" in
repos/acme/registry/actions/runs/7) cat "$HOME/run" ;;
repos/acme/registry/commits/tags/*) [ -f "$HOME/tags/${2##*/}" ] && cat "$HOME/tags/${2##*/}" ;;
*) exit 1 ;;
esac
"""

DEPLOY = ".github/workflows/deploy.yml"


@dataclass(frozen=True)
class GitHub:
    """What stands in for GitHub, and knows of run 7 alone."""

    folder: Path

    def refusal(self, *run: str, number: str = "7") -> str:
        """Ask where the package of a run comes from; return why it is refused, or an empty text."""
        (self.folder / "run").write_text(" ".join(run))
        asked = subprocess.run(
            ["/bin/sh", ROOT / ".ci" / "package-source", number],
            env={
                "PATH": f"{self.folder}:{os.environ.get('PATH', os.defpath)}",
                "HOME": str(self.folder),
                "GITHUB_REPOSITORY": "acme/registry",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert bool(asked.returncode) == bool(asked.stderr)
        return asked.stderr


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "tags").mkdir()
    (tmp_path / "tags" / "v1.2.0").write_text("c0ffee")
    return GitHub(tmp_path)


def test_the_package_of_a_tag_is_released(github: GitHub) -> None:
    assert github.refusal(DEPLOY, "v1.2.0", "c0ffee", "acme/registry") == ""
    assert github.refusal(f"{DEPLOY}@refs/tags/v1.2.0", "v1.2.0", "c0ffee", "acme/registry") == ""


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ((".github/workflows/check.yml", "v1.2.0", "c0ffee", "acme/registry"), "check.yml"),
        ((DEPLOY, "v1.2.0", "c0ffee", "mallory/registry"), "belongs to mallory/registry"),
        ((DEPLOY, "main", "c0ffee", "acme/registry"), "is of main"),
        ((DEPLOY, "v9.9.9", "c0ffee", "acme/registry"), "there is no such tag"),
        # A branch that is named as a tag is, or a tag that was moved.
        ((DEPLOY, "v1.2.0", "badc0de", "acme/registry"), "the tag v1.2.0 is c0ffee"),
    ],
)
def test_a_package_of_anything_else_is_refused(
    github: GitHub, run: tuple[str, ...], reason: str
) -> None:
    assert reason in github.refusal(*run)


@pytest.mark.parametrize("number", ["", "7/artifacts", "-1", "8"])
def test_an_unknown_run_is_refused(github: GitHub, number: str) -> None:
    assert "run" in github.refusal(number=number)


def test_a_release_asks_where_its_package_comes_from_before_it_takes_it() -> None:
    release = (FOLDER / "release.yml").read_text()
    assert 0 < release.index(".ci/package-source") < release.index("download-artifact@")
