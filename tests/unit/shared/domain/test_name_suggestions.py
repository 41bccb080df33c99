"""Names that are similar to one that nothing has."""

import pytest

from shared.domain.name_suggestions import MAX_SIMILAR, similar_names

KNOWN = ["Client", "Client.post", "Client.get", "Client.get [string path]", "Caller.post", "parse"]


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        ("Client.pst", "Client.post"),
        ("client.POST", "Client.post"),
        ("Listener.post", "Client.post"),
        ("pars", "parse"),
        ("Cliant", "Client"),
    ],
)
def test_the_most_similar_name_is_first(wanted: str, first: str) -> None:
    assert similar_names(wanted, KNOWN)[0] == first


def test_nothing_is_similar_to_something_else() -> None:
    assert similar_names("zqxv", KNOWN) == []
    assert similar_names("", KNOWN) == []


def test_no_more_names_are_shown_than_somebody_reads() -> None:
    assert len(similar_names("e", KNOWN)) == MAX_SIMILAR < len(KNOWN)
