"""Digests are compared as numbers, because the Java client prints one."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.digest import Digest
from shared.domain.errors import InvalidDigest

numbers = st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 2**240))


def java(number: int) -> str:
    """Print as `BigInteger.toString(16)` does."""
    return f"{number:x}"


@given(st.binary(max_size=64))
def test_the_digest_of_bytes_is_their_sha_256(content: bytes) -> None:
    expected = hashlib.sha256(content).hexdigest()
    assert Digest.of(content).hex == Digest.of(memoryview(content)).hex == expected
    assert str(Digest.of(content)) == expected


@given(numbers)
def test_leading_zeros_may_be_missing(number: int) -> None:
    full = Digest.parse(f"{number:064x}")
    assert len(full.hex) == 64
    assert Digest.parse(java(number)) == full
    assert Digest.parse(java(number).upper()) == full
    assert Digest.parse(str(full)) == full


@given(numbers)
def test_both_headers_are_read_as_the_same_digest(number: int) -> None:
    digest = Digest.parse(java(number))
    assert digest.header() == f"sha-256={number:064x}"
    assert digest.header_without_leading_zeros() == f"sha-256={java(number)}"
    assert Digest.parse_header(digest.header()) == digest
    assert Digest.parse_header(digest.header_without_leading_zeros()) == digest


def test_a_header_is_read_in_any_case_and_with_spaces_around_the_digits() -> None:
    assert Digest.parse_header("SHA-256= 0aBc ") == Digest.parse("abc")


@pytest.mark.parametrize("text", ["", "g", "0x1", "-1", " 1", "1\n", "٣", "a" * 65, "é"])
def test_what_is_no_number_of_64_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest, match="is not a digest"):
        Digest.parse(text)


@pytest.mark.parametrize("text", ["", "abc", "sha-256", "sha-256=", "sha256=abc", "md5=abc"])
def test_a_header_without_its_prefix_or_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest):
        Digest.parse_header(text)
