"""docs/reference/security.md says what the code does, and names no proof that is not there."""

import ast
import re
from functools import cache

import pytest

from tests.paths import ROOT, docs
from tests.support.rights_table import rights_table

PAGE = docs("reference/security", "reference/rights")
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def block(name: str) -> list[str]:
    """Return the rows of a table of the page, without its head."""
    [text] = re.findall(rf"<!-- {name}.*? -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
    return text.splitlines()[2:]


def listed(name: str) -> list[tuple[str, str, str, str]]:
    """Return number, attack, state and proof of each row of a table.

    A row links to the section with the proof, whose heading is the number and the attack.
    """
    table, *sections = re.split(r"\n\n### ", "\n".join(block(name)))
    rows = [
        re.fullmatch(r"\| (\w+) \| \[(.+)\]\(#\S+\) \| (\w+) \|", row) for row in table.split("\n")
    ]
    listed = [(row[1], row[2], row[3]) for row in rows if row]
    assert len(listed) == len(rows)
    found: list[tuple[str, str, str, str]] = []
    for (number, what, state), section in zip(listed, sections, strict=True):
        heading, _, proof = section.partition("\n\n")
        assert heading == f"{number}. {what}"
        found.append((number, what, state, proof))
    return found


@cache
def names_in(path: str) -> set[str]:
    """Return the names of the tests in a file; none where there is no file."""
    file = ROOT / path
    if not file.exists():
        return set()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(file.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, functions)}


def test_the_table_of_rights_is_the_one_in_the_code() -> None:
    assert block("rights") == rights_table().splitlines()[2:]
    assert rights_table() in PAGE


@pytest.mark.parametrize(
    ("number", "what", "state", "proof"), [*listed("incidents"), *listed("risks")]
)
def test_a_state_is_what_its_proof_allows(number: str, what: str, state: str, proof: str) -> None:
    assert what, number
    assert state in {"proven", "part", "open"}
    if state != "open":
        assert PROOF.search(proof), f"row {number} is {state} and names no test"
    if state != "proven":
        assert PROOF.sub("", proof).strip(" ,.-\n"), f"row {number} does not say what is missing"


@pytest.mark.parametrize(("path", "name"), sorted(set(PROOF.findall(PAGE))))
def test_every_proof_is_a_test(path: str, name: str) -> None:
    assert name in names_in(path)
