"""How names and texts are taken apart."""

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.search.vocabulary import all_groups, is_meant, synonyms_of
from shared.adapters.search.words import WordMark, split_words, stem


@given(st.text())
def test_no_text_holds_a_marked_word(text: str) -> None:
    marks = "".join(mark.value for mark in WordMark)
    assert not any(letter in word for word in split_words(text) for letter in marks)


def test_each_name_of_the_vocabulary_leads_to_what_it_means() -> None:
    for group in all_groups():
        for name in group.typed:
            words = list(map(stem, split_words(name)))
            found = {meant for start, end, meant in synonyms_of(words) if end - start == len(words)}
            assert found >= {*group.meant}, name
        assert all(map(is_meant, group.meant))
