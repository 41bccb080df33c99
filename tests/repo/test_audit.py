"""What is shipped is looked up for known vulnerabilities, and what is excused says why."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.paths import ROOT
from tests.repo.tool_environments import BOUND_SECONDS, unavailable
from tests.support.served_handlers import QuietHandler, served_handler

FILES = (".ci/audit.py", ".ci/environment", ".ci/audit-requirements.txt")
LOCKS = ("requirements.txt", "infra/requirements.txt")
STATEMENT = {
    "id": "GHSA-test-test-test",
    "affects": [{"ref": "pkg:pypi/jinja2"}],
    "analysis": {
        "state": "not_affected",
        "justification": "code_not_reachable",
        "detail": "The sandbox, which no page uses.",
    },
}


def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def document(*statements: dict[str, Any]) -> str:
    written = json.loads((ROOT / ".github" / "vex.cdx.json").read_text())
    return json.dumps({**written, "vulnerabilities": [*statements]})


def test_the_statements_are_a_document_of_cyclonedx_each_with_its_reason() -> None:
    text = (ROOT / ".github" / "vex.cdx.json").read_text()
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    assert validator.validate_str(document(STATEMENT)) is None
    assert audit().problems(json.loads(text)["vulnerabilities"]) == []
    assert "vex.cdx.json" in (ROOT / ".github" / "SECURITY.md").read_text()


def test_a_statement_without_a_reason_or_a_package_is_named() -> None:
    assert audit().problems([STATEMENT]) == []
    bare = {"id": "CVE-1", "analysis": {"state": "not_affected"}}
    assert len(audit().problems([bare])) == 3
    assert all(each.startswith("CVE-1 ") for each in audit().problems([bare]))


def test_only_what_does_not_affect_the_registry_is_left_out() -> None:
    open_ = {
        **STATEMENT,
        "id": "CVE-2",
        "analysis": {"state": "in_triage", "detail": "Since today."},
    }
    assert audit().ignored([STATEMENT, open_]) == ["GHSA-test-test-test"]


def test_every_push_and_every_night_are_audited() -> None:
    for name in ("check", "nightly"):
        workflow = yaml.safe_load((ROOT / ".github/workflows" / f"{name}.yml").read_text())
        steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
        assert [step for step in steps if step.get("run") == "make audit"], name
    publish = (ROOT / ".github/workflows/publish.yml").read_text()
    assert publish.index("run: make audit") < publish.index("run: make wheel")


@dataclass
class Osv:
    """A double of OSV's database, in which one package has a vulnerability."""

    url: str = ""
    asked: set[str] = field(default_factory=set[str])

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["package"]["name"]
        self.asked.add(f"{name}=={asked['version']}")
        if name != "jinja2":
            return {}
        return {
            "vulns": [
                {
                    "id": STATEMENT["id"],
                    "summary": "Escapes the sandbox.",
                    "details": "Escapes the sandbox.",
                    "modified": "2026-01-01T00:00:00Z",
                    "published": "2026-01-01T00:00:00Z",
                    "affected": [{"package": {"name": "jinja2", "ecosystem": "PyPI"}}],
                }
            ]
        }


@pytest.fixture
def osv() -> Generator[Osv]:
    double = Osv()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.read_body())
            self.answer(200, json.dumps(double.answer(asked)).encode())

    with served_handler(Handler) as address:
        double.url = f"{address}/v1/query"
        yield double


@pytest.mark.slow
@pytest.mark.timeout(2 * BOUND_SECONDS)
def test_each_pin_is_asked_about_and_a_finding_fails_until_it_is_excused(
    osv: Osv, tmp_path: Path
) -> None:
    if reason := unavailable("audit", ".ci/audit-requirements.txt"):
        pytest.skip(reason)
    for name in (*FILES, *LOCKS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".ci" / "audit.py").unlink()
    (tmp_path / ".ci" / "audit.py").write_text((ROOT / ".ci" / "audit.py").read_text())
    (tmp_path / ".venvs").symlink_to((ROOT / ".venvs").resolve())
    vex = tmp_path / ".github" / "vex.cdx.json"
    vex.parent.mkdir()

    def run(statements: str) -> subprocess.CompletedProcess[str]:
        vex.write_text(statements)
        return subprocess.run(
            [sys.executable, ".ci/audit.py", "--osv-url", osv.url],
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=BOUND_SECONDS,
        )

    found = run(document())
    assert found.returncode == 1, found.stderr
    assert "GHSA-test-test-test" in found.stdout
    pinned = {
        f"{name}=={version}"
        for lock in LOCKS
        for name, version in re.findall(
            r"^([\w.-]+)==(\S+) \\$", (ROOT / lock).read_text(), re.MULTILINE
        )
    }
    assert len(pinned) > 70
    assert pinned <= osv.asked
    excused = run(document(STATEMENT))
    assert excused.returncode == 0, excused.stdout + excused.stderr
    assert run(document({"id": "CVE-1", "analysis": {}})).returncode == 2
