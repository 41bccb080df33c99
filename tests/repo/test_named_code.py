"""Pages for developers name code that is there: in files, and as attributes of classes. A folder
that lists its modules lists all of them."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache

from tests.paths import ROOT
from tests.repo.product_source import product

DEVELOP = ROOT / "docs" / "develop"
PAGES = ("architecture", "consistency", "finding", "patterns", "search", "api-docs")
CODE_BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
NAME_IN_FILE = re.compile(
    r"`(\w+)`(?: and `(\w+)`)?(?: (?:is|are|stands?))?,? in\s+`([\w/]+\.(?:py|bicep|sql))`"
)
ATTRIBUTE = re.compile(r"`([A-Za-z]\w+)\.([a-z]\w+)(?:\([^`]*\))?`")
FILE_SUFFIXES = {"py", "html", "md", "json", "txt", "toml", "sql", "bicep", "js", "css"}
ROW = re.compile(
    r"^\| (?P<question>.+?) \| `(?P<path>[^`]+)`(?P<rest>[^|]*) \| `(?P<name>.+?)` \|$",
    re.MULTILINE,
)


def prose_of(page: str) -> str:
    return CODE_BLOCK.sub("", (DEVELOP / f"{page}.md").read_text("utf-8"))


def test_a_name_that_a_page_places_in_a_file_is_there() -> None:
    named = [
        (page, name, path)
        for page in PAGES
        for *names, path in NAME_IN_FILE.findall(prose_of(page))
        for name in filter(None, names)
    ]
    assert len(named) > 10
    assert [each for each in named if not has_name(each[2], each[1])] == []


def test_each_row_of_the_page_for_finding_names_what_its_file_has() -> None:
    rows = list(ROW.finditer((DEVELOP / "finding.md").read_text("utf-8")))
    assert len(rows) > 150
    assert [each["question"] for each in rows if not has_name(each["path"], each["name"])] == []


# A module in the list at the beginning of a package, at the beginning of its line.
LISTED_MODULE = re.compile(r"^ *(?:- `)?(\w+)\.py\b", re.MULTILINE)


def test_a_folder_that_lists_its_modules_lists_all_of_them() -> None:
    missing = dict[str, list[str]]()
    for package in (*ROOT.glob("shared/**/__init__.py"), *ROOT.glob("tests/fakes/**/__init__.py")):
        listed = LISTED_MODULE.findall(package.read_text("utf-8"))
        modules = {each.stem for each in package.parent.glob("*.py")} - {"__init__", "__main__"}
        if listed and modules != set(listed):
            missing[str(package.relative_to(ROOT))] = sorted(modules.symmetric_difference(listed))
    assert missing == {}


def has_name(path: str, name: str) -> bool:
    named = ROOT / path
    files = [named] if named.is_file() else [each for each in named.rglob("*") if each.is_file()]
    texts = (each.read_text("utf-8", errors="replace") for each in files if each.suffix != ".pyc")
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for text in texts)


@cache
def classes() -> Mapping[str, list[str]]:
    """Return the modules of the product's classes, by the names of these in lower case."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for module in product():
        for each in module.find(ast.ClassDef):
            found[each.name.lower()].append(f"{module_name(module.path)}:{each.name}")
    return found


def module_name(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


@cache
def annotated() -> Mapping[tuple[str, str], set[str]]:
    """Return the names that each class of the product annotates, by its module and name."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for module in product():
        for each in module.find(ast.ClassDef):
            names = (node.target for node in each.body if isinstance(node, ast.AnnAssign))
            found[module_name(module.path), each.name] = {
                name.id for name in names if isinstance(name, ast.Name)
            }
    return found


def has_attribute(of: str, attribute: str) -> bool:
    """Check whether a class of the product with this name has the attribute; a name in lower case
    is that of an object, such as `call`."""
    for place in classes()[of.lower().replace("_", "")]:
        module, _, name = place.partition(":")
        known = getattr(importlib.import_module(module), name)
        if hasattr(known, attribute) or any(
            attribute in annotated()[base.__module__, base.__name__] for base in known.__mro__
        ):
            return True
    return False


# Other pages name kinds of events in this form.
def test_an_attribute_that_a_page_names_exists() -> None:
    named = {
        (page, of, attribute)
        for page in ("architecture", "patterns", "search", "api-docs")
        for of, attribute in ATTRIBUTE.findall(prose_of(page))
        if attribute not in FILE_SUFFIXES and of.lower().replace("_", "") in classes()
    }
    assert len(named) > 5
    assert [each for each in sorted(named) if not has_attribute(each[1], each[2])] == []


# What the tree of a request shows: the calls at the beginning of its lines.
STEP = re.compile(r"^ *([a-zA-Z_.]+)(?:\(\w+\))?(?:, ([a-z_]+))?   ", re.MULTILINE)


def test_the_tree_of_a_request_names_calls_that_exist() -> None:
    page = (DEVELOP / "architecture.md").read_text("utf-8")
    tree = page.partition("## A request")[2].split("```")[1]
    named = {each for step in STEP.findall(tree) for each in step if each}
    assert {"face.answer", "Exchange.begin"} <= named
    plain = {each for each in named if "." not in each} - {"handler", "host"}
    functions = {each.name for module in product() for each in module.functions()}
    assert sorted(plain - functions) == []
    dotted = [each.split(".") for each in sorted(named) if "." in each]
    assert [each for each in dotted if not has_attribute(*each)] == []
