"""Words that mean the same."""

from collections import Counter

import pytest

from shared.adapters.search.synonyms import GROUPS, SYNONYMS, synonyms_of
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
    assert all(each.source for each in (*SYNONYMS, *GROUPS))
    assert len({each.typed for each in SYNONYMS}) == len(SYNONYMS)
    for group in GROUPS:
        forms = [_forms(each) for each in group.typed.split(",")]
        assert len(set(forms)) == len(forms), group


def test_a_name_and_the_same_words_are_in_one_group() -> None:
    named = Counter((_forms(name), each.meant) for each in GROUPS for name in each.typed.split(","))
    assert [name for name, count in named.items() if count > 1] == []


def test_what_is_meant_is_one_word_as_packages_write_it() -> None:
    meant = [word for each in SYNONYMS for word in each.meant]
    meant += [word for each in GROUPS for word in each.meant.split()]
    assert all(split_words(word) == [word] for word in meant)


def test_nothing_that_a_stem_already_finds_is_a_synonym() -> None:
    pairs = [(each.typed, word) for each in SYNONYMS for word in each.meant]
    pairs += [
        (t, word) for each in GROUPS for t in each.typed.split(",") for word in each.meant.split()
    ]
    assert [pair for pair in pairs if _forms(pair[0]) == _forms(pair[1])] == []


def _forms(text: str) -> tuple[str, ...]:
    return tuple(map(stem, split_words(text)))
