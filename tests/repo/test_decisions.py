"""The index of decisions is complete."""

import re

from tests.paths import ROOT

DECISIONS = ROOT / "docs" / "decisions"


def test_every_decision_is_listed_once_with_its_title() -> None:
    titles = {
        file.name: file.read_text().partition("\n")[0].removeprefix("# ")
        for file in DECISIONS.glob("[0-9]*.md")
    }
    listed = re.findall(r"^- \[(.+)\]\((.+)\)", (DECISIONS / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted((title, name) for name, title in titles.items())


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [file.name[:4] for file in DECISIONS.glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers)), numbers
