"""Checksums as Maven clients keep them."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.checksum import Algorithm, Checksum
from shared.domain.errors import ChecksumUnreadable

ALGORITHMS = pytest.mark.parametrize("algorithm", list(Algorithm))


@ALGORITHMS
def test_a_checksum_is_that_of_its_algorithm(algorithm: Algorithm) -> None:
    checksum = algorithm.of(b"bala")
    assert checksum == hashlib.new(algorithm.value, b"bala").hexdigest()
    assert len(checksum) == algorithm.digits


@ALGORITHMS
def test_pieces_make_the_checksum_of_the_whole(algorithm: Algorithm) -> None:
    hasher = algorithm.hasher()
    for piece in (b"ba", b"", b"la"):
        hasher.update(piece)
    assert hasher.hexdigest() == algorithm.of(b"bala")


@given(st.binary(), st.sampled_from(list(Algorithm)))
def test_what_is_written_is_read(content: bytes, algorithm: Algorithm) -> None:
    written = algorithm.of(content)
    for text in (written, written.upper(), f"{written}\n", f"{written}  a file.bala\n"):
        assert Checksum.parse(algorithm, text.encode()) == Checksum(algorithm, written)


@given(st.binary(max_size=100), st.sampled_from(list(Algorithm)))
def test_what_is_not_of_its_length_is_refused(content: bytes, algorithm: Algorithm) -> None:
    with pytest.raises(ChecksumUnreadable, match=f"Send {algorithm.digits} hexadecimal digits"):
        Checksum.parse(algorithm, content.hex().encode() + b"0" * algorithm.digits + b"0")
