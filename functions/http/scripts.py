"""Python files that the registry serves: each is one file that runs by itself."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from functions.http.calls import Call
from functions.http.representations import Representation, conditional_answer
from shared.program import ROOT
from shared.runtime.answers import Answer

PYTHON = "text/x-python"

# The parts of the files that are run by themselves, which are served in place of their imports.
_PART_IMPORT = re.compile(
    r"^from (shared\.(?:ci_job|cvss|dependency_files|sarif|script_client|verification\.\w+)) "
    r"import (?:\([^)]*\)|[^(\n]*)\n",
    re.M,
)


# They are served and never run here: to import them would take 30 ms of each start.
AUDIT_FILE = ROOT / "shared" / "audit.py"
LOGIN_FILE = ROOT / "shared" / "login.py"
OUTDATED_FILE = ROOT / "shared" / "outdated.py"
PUBLISH_FILE = ROOT / "shared" / "publish.py"
VERIFY_FILE = ROOT / "shared" / "verify.py"

# What the files have in place of the address of a registry; docs/use shows the same.
EXAMPLE_URL = "https://ballroom.example.org"


def script_answer(call: Call, file: Path) -> Answer:
    """Return a Python file that is run by itself, with the address of this registry."""
    script = script_text(file, call.registry.settings.base_url)
    return conditional_answer(call, Representation(script.encode(), PYTHON, is_public=True))


def script_text(file: Path, base_url: str) -> str:
    """Return the text of such a file as the registry at `base_url` serves it."""
    return _source(file).replace(EXAMPLE_URL, base_url)


@cache
def _source(file: Path) -> str:
    """Return the text of a file that is run by itself, with each part that it imports, once."""
    seen = set[str]()

    def part(found: re.Match[str]) -> str:
        if found[1] in seen:
            return ""
        seen.add(found[1])
        path = ROOT / f"{found[1].replace('.', '/')}.py"
        _, _, text = path.read_text("utf-8").partition(_FUTURE)
        return _PART_IMPORT.sub(part, text.strip() + "\n")

    return _PART_IMPORT.sub(part, file.read_text("utf-8"))


_FUTURE = "from __future__ import annotations\n"  # The first statement of these files.


# The files by the words that stand for their SHA-256 in the examples.
DIGESTS = {
    "SHA256_OF_AUDIT_PY": AUDIT_FILE,
    "SHA256_OF_OUTDATED_PY": OUTDATED_FILE,
    "SHA256_OF_PUBLISH_PY": PUBLISH_FILE,
    "SHA256_OF_VERIFY_PY": VERIFY_FILE,
}


@cache
def script_digests(url: str) -> Mapping[str, str]:
    """Return the SHA-256 of the files that the registry at `url` serves, by their words in the
    examples."""
    return {
        word: hashlib.sha256(script_text(file, url).encode()).hexdigest()
        for word, file in DIGESTS.items()
    }
