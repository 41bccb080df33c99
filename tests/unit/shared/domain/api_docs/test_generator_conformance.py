"""What Central's own generator is tested for, from sources that mean the same as its own."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from shared.domain.api_docs.documents import write_document
from tests.support.documented import documented

HERE = Path(__file__).with_name("conformance")
EXPECTED = HERE / "expected.json"
SOURCES = HERE / "sources"

ABSENT = object()
STEP = re.compile(r"(\w+)(?:\[([\w.]+)\])?")


def module(name: str) -> dict[str, Any]:
    content = write_document(documented((SOURCES / f"{name}.bal").read_text("utf-8")))
    return json.loads(content)["docsData"]["modules"][0]


def selected(value: Any, selector: str) -> Any:
    """Return what `records[Person].fields[0].name` selects."""
    steps = re.findall(r"\w+(?:\[[^\]]+\])?", selector)
    for step in steps:
        match = STEP.fullmatch(step)
        assert match, step
        value = entry(attribute(value, match[1]), match[2])
    return value


def attribute(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return len(value) if name == "length" else [each["name"] for each in value]
    return value.get(name, ABSENT)


def entry(value: Any, index: str | None) -> Any:
    if index is None:
        return value
    if ".." in index:
        first, _, last = index.partition("..")
        return value[int(first) : int(last) + 1]
    if index.isdigit():
        return value[int(index)]
    return next((each for each in value if each["name"] == index), ABSENT)


def contains(value: Any, expected: Any) -> bool:
    """Check that a value has all that is expected; releases have other names here."""
    if expected is None or str(expected).startswith("absent"):
        return value is ABSENT
    if isinstance(expected, str) and expected.startswith("present"):
        return value is not ABSENT
    if isinstance(expected, dict):
        named = {k: v for k, v in expected.items() if k not in ("orgName", "moduleName", "version")}
        return all(contains(selected(value, key), each) for key, each in named.items())
    if isinstance(expected, list):
        return len(value) == len(expected) and all(map(contains, value, expected))
    return value == expected


@pytest.mark.parametrize(
    ("project", "source"), [("type_models_project", "type_models"), ("errors_project", "errors")]
)
def test_documents_say_what_central_says(project: str, source: str) -> None:
    docs = module(source)
    expected = json.loads(EXPECTED.read_text("utf-8"))[project]
    wrong = [(path, want) for path, want in expected if not contains(selected(docs, path), want)]
    assert len(expected) > 5
    assert not wrong


def test_a_named_type_leads_to_its_release() -> None:
    detail = selected(module("errors"), "errors[AccountError].detailType")
    place = detail["orgName"], detail["moduleName"], detail["version"], detail["category"]
    assert place == ("acme", "shop", "1.2.0", "records")
