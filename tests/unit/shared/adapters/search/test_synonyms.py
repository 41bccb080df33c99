"""Words that mean the same."""

import pytest

from shared.adapters.search.synonyms import SYNONYMS, synonyms_of
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


def test_every_synonym_says_where_it_is_from_and_stands_once() -> None:
    assert all(each.source for each in SYNONYMS)
    assert len({each.typed for each in SYNONYMS}) == len(SYNONYMS)


def test_what_is_meant_is_one_word_as_packages_write_it() -> None:
    assert all(split_words(word) == [word] for each in SYNONYMS for word in each.meant)


def test_nothing_that_a_stem_already_finds_is_a_synonym() -> None:
    assert all(stem(each.typed) != stem(word) for each in SYNONYMS for word in each.meant)
