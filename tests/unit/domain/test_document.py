"""Documents know what caches need to know of them."""

import gzip

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.document import Document


@given(st.binary(max_size=200))
def test_the_compressed_bytes_are_the_same_document(content: bytes) -> None:
    assert gzip.decompress(Document.of(content).gzipped) == content


@given(st.binary(max_size=9), st.binary(max_size=9))
def test_a_tag_names_the_bytes_and_nothing_else(one: bytes, other: bytes) -> None:
    assert (Document.of(one, 1).tag == Document.of(other, 2).tag) == (one == other)


def test_a_document_is_the_same_whenever_it_is_made() -> None:
    assert Document.of(b"greet", 1) == Document.of(b"greet", 1)
