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


@pytest.mark.parametrize(
    ("path", "description"),
    [
        ("records[Apartment].fields[number].description", "apartment no\n"),
        ("records[Apartment].fields[floor].description", "counted from the street\n"),
        ("records[Address].fields[street].description", "street of the address\n"),
        ("classes[Employee].fields[empNo].description", "funny number\n"),
    ],
)
def test_a_fields_own_comment_wins_over_the_line_of_its_record(path: str, description: str) -> None:
    assert selected(module("fields"), path) == description


def test_only_public_fields_of_classes_are_documented() -> None:
    assert selected(module("fields"), "classes[Employee].fields.names") == ["empNo"]


def test_defaults_of_fields_are_their_source_text() -> None:
    docs = module("fields")
    fields = selected(docs, "classes[Bar].fields")
    assert {each["name"]: each["defaultValue"] for each in fields} == {
        "i": "1",
        "s": '"str"',
        "foos": "new",
    }
    assert selected(docs, "classes[Student].fields[f].defaultValue") == "new Bar()"


@pytest.mark.parametrize(
    "path",
    [
        "constants[LKA]",
        "unionTypes[CountryCode]",
        "unionTypes[State]",
        "classes[Person]",
        "records[Address]",
        "errors[InvalidAccountTypeError]",
        "annotations[Bye]",
        "functions[createPerson]",
        "functions[getFullName].parameters[fName]",
        "functions[getFullName].parameters[lName]",
        "classes[Person].methods[getFullName]",
        "classes[Student].fields[name]",
        "classes[Student].methods[getName]",
        "records[Player].fields[name]",
    ],
)
def test_what_has_the_annotation_is_deprecated(path: str) -> None:
    assert selected(module("deprecated"), path)["isDeprecated"] is True


@pytest.mark.parametrize(
    "path",
    [
        "constants[LK]",
        "constants[USA]",
        "unionTypes[NewCountryCode]",
        "unionTypes[NewState]",
        "classes[Student]",
        "records[Bank]",
        "errors[InvalidBankTypeError]",
        "annotations[Greeting]",
        "functions[sayHello]",
        "functions[getFullName].parameters[title]",
        "functions[getFullName].parameters[mName]",
        "classes[Person].methods[getCity]",
        "classes[Student].fields[age]",
    ],
)
def test_what_has_no_annotation_is_not_deprecated(path: str) -> None:
    assert selected(module("deprecated"), path)["isDeprecated"] is False


def test_the_section_says_what_to_use_instead() -> None:
    docs = module("deprecated")
    assert selected(docs, "constants[LKA].descriptionSections") == ["# Deprecated\nUse `LK`.\n"]
    assert selected(docs, "functions[createPerson].description") == "Makes one.\n\n"
    assert selected(docs, "functions[createPerson].parameters[fname].description") == (
        "the first name\n"
    )
