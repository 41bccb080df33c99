"""Each dependency has its reason, and each pin its hash."""

import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from shared.domain.software_version import SOFTWARE_VERSION
from tests.paths import ROOT
from tests.repo.product_source import product

RUNTIME = ROOT / "requirements.txt"
AZURE = ROOT / "infra" / "requirements.txt"
TESTS = ROOT / "tests" / "requirements.txt"
TOOLS = [
    ROOT / "tests" / tool / "requirements.txt"
    for tool in ("checkov", "mutants", "zizmor", "az", "clients/mcp")
]
LOCKS = [RUNTIME, AZURE, TESTS, ROOT / ".ci" / "requirements.txt", *TOOLS]

NAME = re.compile(r"[A-Za-z0-9._-]+")
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][0-9A-Za-z.+!]*)( ; (?P<marker>.+))?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Pin:
    """One requirement of a lock and how many files may satisfy it."""

    requirement: str
    hashes: int

    @property
    def name(self) -> str:
        """Return the name of the package."""
        return self.requirement.partition("==")[0]


def pins(lock: Path) -> list[Pin]:
    """Read a lock, whose lines are joined by backslashes."""
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    return [pin(line) for line in text.replace("\\\n", " ").splitlines() if line]


def pin(line: str) -> Pin:
    """Read one requirement with its hashes."""
    return Pin(HASH.sub("", line).strip(), len(HASH.findall(line)))


def direct() -> dict[str, list[str]]:
    """Return the names of the direct dependencies by the part of the product that asks."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    groups = {
        "runtime": project["dependencies"],
        **project["optional-dependencies"],
        **document["dependency-groups"],
    }
    return {group: [name_of(one) for one in inputs] for group, inputs in groups.items()}


def name_of(requirement: str) -> str:
    """Return the package that a requirement asks for."""
    found = NAME.match(requirement)
    assert found, requirement
    return found.group()


def named(path: Path) -> str:
    """Return the path as a reader names it."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("lock", LOCKS, ids=named)
def test_a_lock_holds_exact_versions_with_hashes(lock: Path) -> None:
    loose = [one for one in pins(lock) if not PIN.fullmatch(one.requirement) or not one.hashes]
    assert not loose, loose


@pytest.mark.parametrize("lock", LOCKS, ids=named)
def test_a_lock_names_no_place_to_download_from(lock: Path) -> None:
    assert not re.findall(r"\w+://\S*|--\w*index\S*|--find-links\S*", lock.read_text())


def test_everything_that_the_product_imports_is_declared() -> None:
    distributions = packages_distributions()
    imported = {name.partition(".")[0] for module in product() for name in module.imported()}
    ours = {"function_app", "functions", "shared", "_typeshed"}  # The last one is for types.
    inputs = direct()
    declared = {canonical(name) for name in (*inputs["runtime"], *inputs["azure"])} | {
        "cryptography"
    }  # Of `pyjwt[crypto]`.
    unknown = {
        name
        for name in imported - ours - sys.stdlib_module_names
        if not declared & {canonical(each) for each in distributions[name]}
    }
    assert not unknown, unknown


def canonical(name: str) -> str:
    """Return the name of a package as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_all_locks_are_one_resolution() -> None:
    runtime, azure, tests = (
        {one.requirement for one in pins(lock)} for lock in (RUNTIME, AZURE, TESTS)
    )
    assert runtime | azure <= tests
    assert not runtime & azure


def test_the_locks_belong_to_the_inputs() -> None:
    command = [sys.executable, ".ci/lock.py", "check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_registry_reports_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["version"] == SOFTWARE_VERSION
