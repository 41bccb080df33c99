"""docs/develop/architecture.md says which parts import which, and which test checks a rule."""

import ast
import re
from collections import defaultdict

import pytest

from tests.paths import ROOT
from tests.repo.product_source import product

PAGE = (ROOT / "docs" / "develop" / "architecture.md").read_text("utf-8")
FOR_ALL = {"runtime", "telemetry"}
ROW = re.compile(r"^\| (`(?:functions|shared)/.*?) \|.*\| ([\w, ]*)\|$", re.MULTILINE)


def part_of(module: str) -> str:
    """Name the part of the product that a module belongs to; the two roots of commands are one."""
    top, _, rest = module.partition(".")
    name = rest.partition(".")[0] if top == "shared" else top
    return {"cli": "commands"}.get(name, name)


def imported() -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for module in product():
        part = part_of(module.path.removesuffix(".py").replace("/", "."))
        ours = (each for each in module.imported() if each.startswith(("functions.", "shared.")))
        found[part] |= {part_of(each) for each in ours} - {part} - FOR_ALL
    return found


@pytest.mark.slow
def test_the_table_lists_all_that_each_part_imports() -> None:
    actual = imported()
    listed: dict[str, set[str]] = {}
    for parts, imports in ROW.findall(PAGE):
        for path in re.findall(r"`([\w/.]+)`", parts):
            part = part_of(path.strip("/").removesuffix(".py").replace("/", "."))
            listed.setdefault(part, set()).update(filter(None, re.split(r", | ", imports)))
    parts = actual.keys() - {"function_app", "__init__"}
    assert {each: listed.get(each, set()) - FOR_ALL for each in parts - FOR_ALL} == {
        each: actual[each] for each in parts - FOR_ALL
    }
    assert parts <= listed.keys()


def test_a_face_knows_no_store() -> None:
    asking = {
        module.path
        for module in product()
        if module.path.startswith("functions/")
        for node in module.find(ast.Attribute)
        if node.attr == "adapters"
    }
    assert asking == set()
