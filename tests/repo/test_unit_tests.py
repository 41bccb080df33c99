"""A reader finds the unit tests of a module by its path.

The tests of `shared/auth/sessions.py` are in `tests/unit/shared/auth/test_sessions.py`. Those of
one side of it are in a file beside, whose name begins the same: `test_sessions_cookies.py`.
"""

from pathlib import Path

import pytest

from tests.paths import ROOT

UNIT = ROOT / "tests" / "unit"
FILES = sorted(str(file.relative_to(UNIT)) for file in UNIT.rglob("test_*.py"))

# Tests of one rule that several modules keep together, and tests of what is no product.
RULES = {
    "conformance/test_docs.py": "the command tests/conformance/docs.py, which docs/develop names",
    "shared/commands/test_lost_database.py": (
        "a start, every command and doctor refuse a folder that lost its database"
    ),
    "shared/runtime/test_connection_failures.py": (
        "the client of issuers, the circuit breaker and webhooks keep the reason of a failure"
    ),
}


def subjects(file: str) -> list[Path]:
    """Return the modules, packages and files that a file of tests is named after."""
    path = Path(file)
    folder = ROOT / path.parent
    name = path.stem.removeprefix("test_")
    name = "__main__" if name == "main" else name
    return [
        each
        for each in (folder.iterdir() if folder.is_dir() else ())
        if (each.is_file() or (each / "__init__.py").is_file())
        and each.stem != "__init__"
        and (name == each.stem or name.startswith(f"{each.stem}_"))
    ]


@pytest.mark.parametrize("file", [each for each in FILES if each not in RULES])
def test_a_file_of_unit_tests_is_named_after_what_it_tests(file: str) -> None:
    assert subjects(file), (
        f"tests/unit/{file} is named after nothing in {Path(file).parent}/. Name it after the "
        "module that it tests, and where it has one side of it: test_MODULE_SIDE.py."
    )


def test_a_file_that_is_named_after_its_rule_is_there_and_after_no_module() -> None:
    assert set(RULES) <= set(FILES)
    assert not [file for file in RULES if subjects(file)]
