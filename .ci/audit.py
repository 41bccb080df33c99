"""Look for known vulnerabilities of what is shipped: `python .ci/audit.py [OPTIONS OF PIP-AUDIT]`.

pip-audit asks the database of OSV about each pin of the locks. What it finds fails, unless
.github/vex.cdx.json says with a reason that it does not affect the registry. It installs nothing of
what it looks at.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VEX = ROOT / ".github" / "vex.cdx.json"
LOCKS = ("requirements.txt", "infra/requirements.txt")
TOOL = ".venvs/audit"
UNAFFECTED = {"not_affected", "false_positive"}


def main(arguments: Sequence[str]) -> int:
    """Run pip-audit; return its exit code, which is 0 if nothing is open."""
    document = json.loads(VEX.read_text("utf-8"))
    for sentence in (troubles := problems(document["vulnerabilities"])):
        print(sentence, file=sys.stderr)
    if troubles:
        return 2
    install = ("sh", ".ci/environment", ".ci/audit-requirements.txt", TOOL, sys.executable)
    subprocess.run(install, cwd=ROOT, check=True)
    command = [f"{TOOL}/bin/pip-audit", "--vulnerability-service", "osv", "--disable-pip"]
    command += ["--require-hashes", "--strict", "--progress-spinner", "off"]
    for lock in LOCKS:
        command += ["--requirement", lock]
    for id_ in ignored(document["vulnerabilities"]):
        command += ["--ignore-vuln", id_]
    return subprocess.run([*command, *arguments], cwd=ROOT, check=False).returncode


def ignored(vulnerabilities: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ids of those that do not affect the registry."""
    return [each["id"] for each in vulnerabilities if each["analysis"]["state"] in UNAFFECTED]


def problems(vulnerabilities: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence about each statement that lacks what a reader needs."""
    found = list[str]()
    for each in vulnerabilities:
        analysis = each.get("analysis", {})
        id_ = each.get("id", "A statement without an id")
        if not analysis.get("detail"):
            found.append(f"{id_} has no `analysis.detail`: say why in .github/vex.cdx.json.")
        if analysis.get("state") == "not_affected" and not analysis.get("justification"):
            found.append(f"{id_} is not_affected without a `justification` of CycloneDX.")
        if not each.get("affects"):
            found.append(f"{id_} does not say which package it is about, in `affects`.")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
