"""Python files that the registry serves: each is one file that runs by itself."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import shared.outdated
import shared.publish
from functions.http.calls import Call
from functions.http.representations import Representation, conditional_answer
from shared.program import ROOT
from shared.runtime.answers import Answer

PYTHON = "text/x-python"

# The parts of the files that are run by themselves, which are served in place of their imports.
_PART_IMPORT = re.compile(
    r"^from (shared\.(?:cvss|dependency_files|sarif|script_client|verification\.\w+)) import "
    r"(?:\([^)]*\)|[^(\n]*)\n",
    re.M,
)


def script_answer(call: Call, file: str, address: str) -> Answer:
    """Return a Python file that is run by itself, with the address of this registry in place of
    `address`.
    """
    script = script_text(file, address, call.registry.settings.base_url)
    return conditional_answer(call, Representation(script.encode(), PYTHON, is_public=True))


def script_text(file: str, address: str, base_url: str) -> str:
    """Return the text of such a file as the registry at `base_url` serves it."""
    return _source(file).replace(address, base_url)


@cache
def _source(file: str) -> str:
    """Return the text of a file that is run by itself, with each part that it imports, once."""
    seen = set[str]()

    def part(found: re.Match[str]) -> str:
        if found[1] in seen:
            return ""
        seen.add(found[1])
        path = ROOT / f"{found[1].replace('.', '/')}.py"
        _, _, text = path.read_text("utf-8").partition(_FUTURE)
        return _PART_IMPORT.sub(part, text.strip() + "\n")

    return _PART_IMPORT.sub(part, Path(file).read_text("utf-8"))


_FUTURE = "from __future__ import annotations\n"  # The first statement of these files.


# What the files have in place of the values of a registry; docs/use shows the same.
EXAMPLE_URL = "https://ballroom.example.org"

# These are served and never run here: their imports take 30 ms at start.
VERIFY_FILE = ROOT / "shared" / "verify.py"
AUDIT_FILE = VERIFY_FILE.with_name("audit.py")
DIGESTS = {
    "SHA256_OF_AUDIT_PY": (str(AUDIT_FILE), EXAMPLE_URL),
    "SHA256_OF_OUTDATED_PY": (shared.outdated.__file__, shared.outdated.ADDRESS),
    "SHA256_OF_PUBLISH_PY": (shared.publish.__file__, shared.publish.ADDRESS),
    "SHA256_OF_VERIFY_PY": (str(VERIFY_FILE), EXAMPLE_URL),
}


@cache
def script_digests(url: str) -> Mapping[str, str]:
    """Return the SHA-256 of the files that the registry at `url` serves, by their words in the
    examples."""
    return {
        word: hashlib.sha256(script_text(file, address, url).encode()).hexdigest()
        for word, (file, address) in DIGESTS.items()
    }
