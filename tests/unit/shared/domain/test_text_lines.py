"""Lists in sentences."""

from shared.domain.text_lines import first_of


def test_a_sentence_names_the_first_ten_and_counts_the_others() -> None:
    names = [f"n{number}" for number in range(12)]
    assert first_of(names[:2]) == "n0; n1"
    assert first_of(names[:10]).endswith("; n8; n9")
    assert first_of(names).endswith("; n8; n9; and 2 more")
