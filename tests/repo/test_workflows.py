"""The workflows hold no secret, ask for little, and call what is there."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from infra import snapshot
from shared.settings import Settings
from tests.paths import ROOT, docs
from tests.repo.tool_environments import BOUND_SECONDS, folder, unavailable

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
WRITES = {"id-token"}  # What a job may ask for.
MORE_WRITES = {
    "publish": {"attestations", "contents", "packages"},
    "base-image": {"contents", "pull-requests"},  # It proposes, and merges nothing.
}


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
    name = workflow.removeprefix("name: ").partition("\n")[0]
    allowed = WRITES | MORE_WRITES.get(name, set())
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
    places = r"(?:\.ci|infra|packaging(?:/image)?|\.github/workflows)"
    named = re.findall(rf"(?<!\.venvs/){places}/[\w-]+(?:\.\w+)?", workflow)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_stores_of_the_emulators_have_all_settings_that_they_require() -> None:
    emulators = (FOLDER / "emulators.yml").read_text()
    given = dict(re.findall(r"^      (BALLROOM_\w+): (.+)$", emulators, re.MULTILINE))
    settings = {name.removeprefix("BALLROOM_").lower(): value for name, value in given.items()}
    settings["blob_connection"] = "UseDevelopmentStorage=true"  # It is folded over two lines.
    assert Settings(**settings).is_in_the_cloud  # pyright: ignore[reportArgumentType]


def test_what_would_change_is_asked_with_the_parameters_that_azd_deploys() -> None:
    workflow = (FOLDER / "infra.yml").read_text()
    _, _, asked = workflow.partition("az deployment group what-if ")
    assert "--parameters parameters.json\n" in asked
    assert 'infra/parameters.py "$VARIABLES" > parameters.json' in workflow
    given = {"AZURE_ENV_NAME": "packages", "BALLROOM_SIZE": "team", "BALLROOM_URL": 'a"b'}
    printed = subprocess.run(
        [sys.executable, "infra/parameters.py", json.dumps(given)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    written = json.loads((ROOT / "infra/main.parameters.json").read_text())["parameters"]
    filled = json.loads(printed.stdout)["parameters"]
    assert set(filled) == set(written)
    assert filled["environmentName"]["value"] == "packages"
    assert filled["size"]["value"] == "team"
    assert filled["url"]["value"] == 'a"b'
    assert filled["alertEmail"]["value"] == ""


def test_the_page_names_each_variable_that_the_parameters_are_filled_in_with() -> None:
    named = re.findall(r"\$\{(\w+)", (ROOT / "infra/main.parameters.json").read_text())
    assert len(named) > 5
    _, _, step = docs("run/azure/deployment").partition("Set the variables (not secrets)")
    assert [name for name in named if f"`{name}`" not in step[:1_000]] == []


def test_the_workflow_evaluates_with_the_compiler_of_the_snapshots() -> None:
    workflow = (FOLDER / "infra.yml").read_text()
    assert f"az bicep install --version v{snapshot.VERSION}\n" in workflow
    for command in ("snapshot.py --check", "check_types.py infra", "check_types.py --newest"):
        assert f"python3 infra/{command}" in workflow


# Answers what .ci/release-package asks GitHub for: the commit of a tag, a file of its release, and
# whether the workflow made it from that commit.
GH = """\
#!/bin/sh
set -eu
case "$1 $2" in
"api repos/acme/registry/commits/tags/"*) cat "$HOME/tags/${2##*/}" ;;
"release download") [ "$4 $5" = "--repo acme/registry" ] && cp "$HOME/releases/$3" "$9" ;;
"attestation verify") grep -qx "$*" "$HOME/attested" ;;
*) exit 1 ;;
esac
"""

ATTESTED = (
    "attestation verify ballroom.zip --repo acme/registry"
    " --signer-workflow acme/registry/.github/workflows/publish.yml"
    " --source-ref refs/tags/{tag} --source-digest {commit}\n"
)


@dataclass(frozen=True)
class GitHub:
    """What stands in for GitHub, and for the folder of a job."""

    folder: Path

    @property
    def fetched(self) -> Path:
        return self.folder / "ballroom.zip"

    def has(self, tag: str, commit: str) -> None:
        """Make a tag of a commit."""
        (self.folder / "tags" / tag).write_text(commit)

    def released(self, tag: str, commit: str) -> None:
        """Make a release of a tag, with a package that the workflow made from a commit."""
        (self.folder / "releases" / tag).write_text(f"package of {tag}")
        with (self.folder / "attested").open("a") as attested:
            attested.write(ATTESTED.format(tag=tag, commit=commit))

    def refusal(self, tag: str) -> str:
        """Fetch the package of a tag; return why it is refused, or an empty text."""
        asked = subprocess.run(
            ["/bin/sh", ROOT / ".ci" / "release-package", tag],
            cwd=self.folder,
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
    (tmp_path / "releases").mkdir()
    (tmp_path / "attested").touch()
    return GitHub(tmp_path)


def test_the_package_of_a_tag_comes_from_its_release(github: GitHub) -> None:
    github.has("v1.2.0", "c0ffee")
    github.released("v1.2.0", "c0ffee")
    assert github.refusal("v1.2.0") == ""
    assert github.fetched.read_text() == "package of v1.2.0"


def test_the_package_of_a_tag_that_was_moved_since_is_refused_and_removed(github: GitHub) -> None:
    github.has("v1.2.0", "badc0de")
    github.released("v1.2.0", "c0ffee")
    assert "was not made by publish from badc0de" in github.refusal("v1.2.0")
    assert not github.fetched.exists()


def test_a_package_that_no_workflow_made_is_refused_and_removed(github: GitHub) -> None:
    github.has("v1.2.0", "c0ffee")
    github.released("v1.2.0", "c0ffee")
    (github.folder / "attested").write_text("")
    assert "was not made by publish from c0ffee" in github.refusal("v1.2.0")
    assert not github.fetched.exists()


def test_a_release_without_a_package_is_refused(github: GitHub) -> None:
    github.has("v0.1.0", "c0ffee")
    assert "The release v0.1.0 has no package for Azure." in github.refusal("v0.1.0")


@pytest.mark.parametrize("tag", ["", "main", "refs/tags/v1.2.0", "--help"])
def test_what_is_no_tag_of_a_release_is_refused(github: GitHub, tag: str) -> None:
    assert f"'{tag}' is no tag of a release." in github.refusal(tag)


def test_an_unknown_tag_is_refused(github: GitHub) -> None:
    assert "There is no tag v9.9.9 in acme/registry." in github.refusal("v9.9.9")


def test_one_file_is_fetched_checked_and_deployed_as_it_is() -> None:
    release = (FOLDER / "release.yml").read_text()
    fetched = release.index(".ci/release-package")
    deployments = re.findall(r"az functionapp deployment source config-zip(?:\\\n|.)*", release)
    assert deployments
    assert all("--src ballroom.zip --build-remote false" in each for each in deployments)
    assert fetched < release.index(deployments[0])
    assert ".ci/package.py" not in release + (FOLDER / "deploy.yml").read_text()


def test_a_release_has_the_package_and_its_bill_of_materials_attested() -> None:
    publish = (FOLDER / "publish.yml").read_text()
    assert re.search(r"run: make .*\bazure-package\b", publish)
    release = publish[publish.index("\n  release:") :]
    assert "subject-path: dist/*\n" in release
    assert "subject-path: dist/ballroom-*-azure.zip\n" in release
    assert 'gh release create "$GITHUB_REF_NAME" dist/*' in release


def test_a_repository_without_an_installation_in_azure_deploys_nothing_and_says_so() -> None:
    jobs = yaml.safe_load((FOLDER / "deploy.yml").read_text())["jobs"]
    nowhere = jobs.pop("nowhere")
    assert nowhere["if"] == "vars.AZURE_CLIENT_ID == ''"
    [step] = nowhere["steps"]
    said = subprocess.run(["sh", "-c", step["run"]], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("::notice::Nothing is deployed, because ")
    assert said.stdout.endswith(".\n")
    # All others wait for the first of them, which is left out.
    firsts = {name: job["if"] for name, job in jobs.items() if "needs" not in job}
    assert firsts == {"package": "vars.AZURE_CLIENT_ID != ''"}


def test_a_deployment_names_the_variables_that_are_missing() -> None:
    [job] = yaml.safe_load((FOLDER / "release.yml").read_text())["jobs"].values()
    [step] = [each for each in job["steps"] if each.get("name") == "Check the variables"]
    given = dict.fromkeys(step["env"], "given")
    for missing in ({}, {"AZURE_TENANT_ID": ""}):
        said = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            env={"PATH": os.environ["PATH"], **given, **missing},
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == len(missing)
        assert all(name in said.stdout for name in missing)
    read = set(re.findall(r"\$\{\{ vars\.(\w+) \}\}", yaml.dump(job)))
    optional = {"BALLROOM_READS_APP", "BALLROOM_UPLOADS_APP"}  # Not every size has these apps.
    assert read - optional == set(step["env"])


def test_every_image_of_the_workflows_has_a_digest(workflow: str) -> None:
    images = re.findall(r"mcr\.microsoft\.com/\S+", workflow)
    assert [each for each in images if not re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", each)] == []
