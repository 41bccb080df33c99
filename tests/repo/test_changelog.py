"""CHANGELOG.md has the versions of the registry, and what people have to do comes first."""

import re
from datetime import date

from shared.domain.status import SOFTWARE_VERSION
from tests.paths import ROOT

TEXT = (ROOT / "CHANGELOG.md").read_text("utf-8")
SECTIONS = (
    "Action needed",
    "Packages, clients and people",
    "On one machine",
    "In the cloud",
    "Code and tests",
)


def releases() -> list[tuple[str, str, str]]:
    """Return number, date and text of each release, as they follow each other."""
    found = re.split(r"^## (\d+\.\d+\.\d+) \((.*)\)$", TEXT, flags=re.MULTILINE)[1:]
    return list(zip(found[::3], found[1::3], found[2::3], strict=True))


def test_what_is_new_stands_above_the_releases() -> None:
    assert re.findall(r"^## (.*)$", TEXT, re.MULTILINE)[0] == "Unreleased"


def test_each_release_has_a_number_and_a_date_the_newest_first() -> None:
    headings = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)[1:]
    assert [f"{number} ({day})" for number, day, _ in releases()] == headings
    numbers = [tuple(map(int, number.split("."))) for number, _, _ in releases()]
    days = [date.fromisoformat(day) for _, day, _ in releases()]
    assert numbers == sorted(set(numbers), reverse=True)
    assert days == sorted(days, reverse=True)


def test_the_newest_number_is_that_of_the_registry() -> None:
    assert releases()[0][0] == SOFTWARE_VERSION


def test_a_release_begins_with_what_is_to_do_and_ends_with_the_cloud_and_the_code() -> None:
    for number, _, text in releases():
        sections = re.findall(r"^### (.*)$", text, re.MULTILINE)
        assert sections == [each for each in SECTIONS if each in sections], number
