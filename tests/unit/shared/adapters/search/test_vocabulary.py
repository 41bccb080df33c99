"""Words that mean the same."""

import re
from collections import Counter
from pathlib import Path

import pytest

from shared.adapters.search.vocabulary import FILES, all_groups, read_groups, synonyms_of
from shared.adapters.search.words import split_words, stem


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("cron", [(0, 1, "task"), (0, 1, "schedule")]),
        ("Servers", [(0, 1, "service"), (0, 1, "listener")]),
        ("sql server", [(0, 2, "mssql"), (1, 2, "service"), (1, 2, "listener")]),
        ("nothing", []),
    ],
)
def test_a_synonym_says_which_words_it_stands_for(
    typed: str, expected: list[tuple[int, int, str]]
) -> None:
    assert list(synonyms_of([stem(word) for word in split_words(typed)])) == expected


def test_no_name_stands_twice_in_a_group_and_no_word_in_two_groups() -> None:
    words = [each.typed for each in read_groups("words")]
    assert len(set(words)) == len(words)
    for group in all_groups():
        forms = [_forms(each) for each in group.typed]
        assert len(set(forms)) == len(forms), group


def test_a_name_and_the_same_words_are_in_one_group() -> None:
    named = Counter(
        (_forms(name), each.meant)
        for file in FILES[1:]
        for each in read_groups(file)
        for name in each.typed
    )
    assert [name for name, count in named.items() if count > 1] == []


def test_what_is_meant_is_one_word_as_packages_write_it() -> None:
    meant = [word for each in all_groups() for word in each.meant]
    assert all(split_words(word) == [word] for word in meant)


def test_nothing_that_a_stem_already_finds_is_a_synonym() -> None:
    pairs = [(t, word) for each in all_groups() for t in each.typed for word in each.meant]
    assert [pair for pair in pairs if _forms(pair[0]) == _forms(pair[1])] == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("time date | ballerina/time", "is not `meant words <- name, name | source`"),
        ("time <- date", "is not `meant words <- name, name | source`"),
        ("time <- date, | ballerina/time", "has an empty name"),
    ],
)
def test_a_line_that_is_no_group_is_refused_with_its_place(
    line: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.txt").write_text(f"# Words.\n\n{line}\n")
    with pytest.raises(ValueError, match=re.escape(f"broken.txt:3 {reason}: {line}")):
        read_groups("broken", tmp_path)


def _forms(text: str) -> tuple[str, ...]:
    return tuple(map(stem, split_words(text)))
