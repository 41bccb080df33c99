"""The index of decisions is complete."""

import re

from tests.paths import ROOT

DECISIONS = ROOT / "docs" / "decisions"


def title(name: str) -> str:
    """Return the first line of a decision, without its mark."""
    return (DECISIONS / name).read_text().partition("\n")[0].removeprefix("# ")


def test_every_decision_is_listed_once_in_its_own_words() -> None:
    listed = re.findall(
        r"^- \[(.+)\]\((.+)\)$", (DECISIONS / "README.md").read_text(), re.MULTILINE
    )
    assert [name for _, name in listed] == sorted(f.name for f in DECISIONS.glob("[0-9]*.md"))
    astray = [words for words, name in listed if not title(name).startswith(words)]
    assert not astray, astray


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [file.name[:4] for file in DECISIONS.glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers)), numbers
