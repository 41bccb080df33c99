"""Digests are read as clients write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.archives.digests import Digest
from shared.domain.errors.base import InvalidDigest

numbers = st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 2**240))


@given(numbers)
def test_both_headers_are_read_as_the_same_digest(number: int) -> None:
    digest = Digest.parse(f"{number:X}")
    assert str(digest) == digest.hex == f"{number:064x}"
    assert Digest.parse(str(digest)) == digest
    assert digest.header() == f"sha-256={number:064x}"
    assert digest.header_without_leading_zeros() == f"sha-256={number:x}"
    assert Digest.parse_header(digest.header()) == digest
    assert Digest.parse_header(digest.header_without_leading_zeros()) == digest


def test_a_header_is_read_in_any_case_and_with_spaces_around_the_digits() -> None:
    assert Digest.parse_header("SHA-256= 0aBc ") == Digest.parse("abc")


@pytest.mark.parametrize("text", ["", "g", "0x1", "-1", " 1", "1\n", "٣", "a" * 65, "é"])
def test_a_number_that_has_not_64_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest, match="is not a digest"):
        Digest.parse(text)
