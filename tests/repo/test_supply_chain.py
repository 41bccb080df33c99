"""What is released is what was tried, is listed whole, and can be asked for by a cluster."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.paths import ROOT, docs
from tests.repo.tool_environments import BOUND_SECONDS, folder, unavailable

WORKFLOWS = ROOT / ".github" / "workflows"
CONTAINERFILE = ROOT / "packaging" / "image" / "Containerfile"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def steps(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(job["steps"])


def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((WORKFLOWS / "publish.yml").read_text())["jobs"]
    return found


# --- what is tried ------------------------------------------------------------------------------


def test_the_package_for_azure_itself_is_tried_before_it_is_uploaded() -> None:
    texts = [json.dumps(each) for each in steps(jobs()["files"])]
    [made] = [index for index, each in enumerate(texts) if "azure-package" in each]
    [tried] = [index for index, each in enumerate(texts) if "BALLROOM_TEST_PACKAGE" in each]
    [uploaded] = [index for index, each in enumerate(texts) if "actions/upload-artifact" in each]
    assert made < tried < uploaded
    assert "tests/repo/test_deployed_package.py" in texts[tried]
    reading = (ROOT / "tests/repo/test_deployed_package.py").read_text()
    assert 'os.environ.get("BALLROOM_TEST_PACKAGE")' in reading


def test_each_image_serves_confined_before_it_is_pushed() -> None:
    names = [each.get("name") for each in steps(jobs()["image"])]
    build, tried, listed, pushed = map(
        names.index,
        ("Build", "Try it, read-only and without capabilities", "List what it contains", "Push"),
    )
    assert build < tried < listed < pushed
    trial = steps(jobs()["image"])[tried]["run"]
    for option in ("--read-only", "--cap-drop ALL", "no-new-privileges", "smoke.py ready"):
        assert option in trial


def test_both_architectures_of_both_images_are_made_attested_and_listed() -> None:
    matrix = jobs()["image"]["strategy"]["matrix"]
    assert (matrix["platform"], matrix["extra"]) == (["amd64", "arm64"], ["", "azure"])
    assert {each["platform"] for each in matrix["include"]} == {"amd64", "arm64"}
    attesting = jobs()["attest-image"]
    assert attesting["strategy"]["matrix"]["suffix"] == ["", "-azure"]
    uses = [each for each in steps(attesting) if "attest-" in each.get("uses", "")]
    attested = {
        (each["uses"].partition("@")[0], each["with"]["subject-digest"].split(".")[-1][:6].strip())
        for each in uses
    }
    assert attested == {
        ("actions/attest-build-provenance", "digest"),
        ("actions/attest-build-provenance", "amd64"),
        ("actions/attest-build-provenance", "arm64"),
        ("actions/attest-sbom", "amd64"),
        ("actions/attest-sbom", "arm64"),
    }
    assert all(each["with"]["push-to-registry"] is True for each in uses)
    assert "attest-image" in jobs()["release"]["needs"]


@pytest.mark.parametrize(("extra", "locks"), [("", 1), ("azure", 2)])
def test_the_extra_of_an_image_adds_its_lock(extra: str, locks: int) -> None:
    found = re.search(
        r"--requirement /context/requirements\.txt .*?(?= \\$)", CONTAINERFILE.read_text(), re.M
    )
    assert found
    printed = subprocess.run(
        ["sh", "-c", f"echo {found[0]}"],
        env={"EXTRA": extra},
        capture_output=True,
        text=True,
        check=True,
    )
    named = printed.stdout.split("--requirement /context/")[1:]
    assert [each.strip() for each in named] == ["requirements.txt", "requirements-azure.txt"][
        :locks
    ]
    for maker in (WORKFLOWS / "publish.yml", CONTAINERFILE.parent / "build"):
        assert "context/requirements-azure.txt" in maker.read_text()


# --- the base image -----------------------------------------------------------------------------


def base() -> str:
    [found] = re.findall(r"^ARG BASE=(\S+)$", CONTAINERFILE.read_text(), re.MULTILINE)
    return found


def test_the_base_image_is_named_by_its_digest() -> None:
    assert re.fullmatch(r"docker\.io/library/python:3\.13-slim-\w+@sha256:[0-9a-f]{64}", base())


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    for name in ("Containerfile", "renew-base"):
        copy = tmp_path / name
        copy.write_bytes((CONTAINERFILE.parent / name).read_bytes())
        copy.chmod(0o755)
    return tmp_path


def renew(image_folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(image_folder / "renew-base"), *arguments],
        env={"PATH": f"{image_folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_digest_is_written_once_and_nothing_else_changes(image_folder: Path) -> None:
    docker = image_folder / "docker"
    docker.write_text(f'#!/bin/sh\necho "$*" >> "{image_folder}/asked"\necho {DIGEST}\n')
    docker.chmod(0o755)
    name = base().partition("@")[0]
    before = (image_folder / "Containerfile").read_text()
    assert renew(image_folder).stdout == f"{name}@{DIGEST}\n"
    assert (image_folder / "Containerfile").read_text() == before.replace(
        base(), f"{name}@{DIGEST}"
    )
    assert f"imagetools inspect {name} " in (image_folder / "asked").read_text()
    again = renew(image_folder)
    assert (again.returncode, again.stdout) == (0, "")


@pytest.mark.parametrize("answer", ["", "latest", "sha256:abc", f"{DIGEST} {DIGEST}"])
def test_what_is_no_digest_is_refused_and_the_file_stays(image_folder: Path, answer: str) -> None:
    before = (image_folder / "Containerfile").read_text()
    docker = image_folder / "docker"
    docker.write_text(f"#!/bin/sh\necho '{answer}'\n")
    docker.chmod(0o755)
    refused = renew(image_folder)
    assert refused.returncode == 1
    assert "is no digest" in refused.stderr
    assert (image_folder / "Containerfile").read_text() == before


# Stands in for `gh`, and writes what it is called with.
GH = """\
#!/bin/sh
echo "$*" >> "$HOME/asked"
case "$*" in *"git/ref/heads/"*) [ -e "$HOME/branch" ] ;; esac
"""


def test_a_digest_is_proposed_once_as_a_pull_request(tmp_path: Path) -> None:
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    command = ["sh", ".ci/propose-base", f"python:3.13@{DIGEST}"]
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GITHUB_REPOSITORY": "acme/registry",
        "GITHUB_SHA": head.stdout.strip(),
    }
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [each.split()[:2] for each in asked] == [
        ["api", "repos/acme/registry/git/ref/heads/base-image-0123456789ab"],
        ["api", "--method"],
        ["api", "--method"],
        ["pr", "create"],
    ]
    assert "contents/packaging/image/Containerfile" in asked[2]
    (tmp_path / "branch").touch()
    (tmp_path / "asked").unlink()
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    assert len((tmp_path / "asked").read_text().splitlines()) == 1


# --- bills of materials -------------------------------------------------------------------------


def contents() -> ModuleType:
    file = ROOT / "packaging" / "image" / "contents.py"
    spec = importlib.util.spec_from_file_location("contents", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONTENTS = {
    "debian": "12",
    "python": "3.13.15",
    "packages": [
        {
            "name": "libc6",
            "version": "2.36-9+deb12u13",
            "architecture": "arm64",
            "source": "glibc",
            "source_version": "2.36-9+deb12u13",
            "licenses": ["GPL-2+", "LGPL-2.1+"],
        },
        {
            "name": "tzdata",
            "version": "2025b-0+deb12u2",
            "architecture": "all",
            "source": "tzdata",
            "source_version": "2025b-0+deb12u2",
            "licenses": [],
        },
    ],
}


def test_the_copyright_files_of_debian_name_licenses(tmp_path: Path) -> None:
    module = contents()
    vars(module)["COPYRIGHT"] = f"{tmp_path}/{{name}}"
    (tmp_path / "libc6").write_text("Files: *\nLicense: GPL-2+\n text\nLicense: LGPL-2.1+\n")
    (tmp_path / "old").write_text("This package was debianized by hand.\n")
    assert module.licenses_of("libc6") == ["GPL-2+", "LGPL-2.1+"]
    assert module.licenses_of("old") == []
    assert module.licenses_of("missing") == []


@pytest.mark.skipif(not Path("/var/lib/dpkg/status").exists(), reason="this is no Debian")
def test_the_contents_are_read_inside_the_image_with_its_python_alone() -> None:
    program = (ROOT / "packaging" / "image" / "contents.py").read_text()
    printed = subprocess.run(
        [sys.executable, "-I", "-"], input=program, capture_output=True, text=True, check=True
    )
    found = json.loads(printed.stdout)
    [libc] = [each for each in found["packages"] if each["name"] == "libc6"]
    assert libc["source"] == "glibc"
    assert set(found) == {*CONTENTS, "distributions"}


@pytest.mark.slow
@pytest.mark.timeout(BOUND_SECONDS)
def test_the_bill_of_an_image_has_packages_of_debian_python_and_the_locks(tmp_path: Path) -> None:
    if reason := unavailable("packaging", "packaging/requirements.txt"):
        pytest.skip(reason)
    here = tmp_path / "contents.json"
    distributions = [["boolean.py", "5.0"], ["jinja2", "3.1.6"], ["orjson", "3.13.0"]]
    here.write_text(json.dumps({**CONTENTS, "distributions": distributions}))
    bill = tmp_path / "image.cdx.json"
    subprocess.run(
        [f"{folder('packaging')}/bin/python", "packaging/build.py", "image-sbom", bill, here],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    text = bill.read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    listed = {each["name"]: each for each in json.loads(text)["components"]}
    assert set(listed) == {"boolean-py", "jinja2", "orjson", "python", "libc6", "tzdata"}
    assert listed["libc6"]["purl"] == (
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=arm64&distro=debian-12"
    )
    assert [each["license"]["name"] for each in listed["libc6"]["licenses"]] == [
        "GPL-2+",
        "LGPL-2.1+",
    ]
    assert "licenses" not in listed["tzdata"]
    assert listed["jinja2"]["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert listed["orjson"]["licenses"] == [{"expression": "MPL-2.0 AND (Apache-2.0 OR MIT)"}]
    hashes = [each for each in listed["jinja2"]["externalReferences"] if each.get("hashes")]
    assert hashes


# --- admission ----------------------------------------------------------------------------------


def test_the_policies_of_the_page_ask_for_what_the_workflow_attests() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", docs("run/supply-chain"), re.MULTILINE | re.DOTALL)
    policies = [yaml.safe_load(each) for each in blocks]
    assert [each["kind"] for each in policies] == ["ClusterImagePolicy", "ClusterPolicy"]
    for each in policies:
        text = json.dumps(each).replace("\\", "")
        assert "https://token.actions.githubusercontent.com" in text
        assert "https://slsa.dev/provenance/v1" in text
        assert "ghcr.io/OWNER/ballroom" in text
        assert (
            "https://github.com/OWNER/REPOSITORY/.github/workflows/publish.yml@refs/tags/v" in text
        )
