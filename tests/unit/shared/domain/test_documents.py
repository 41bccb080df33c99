"""Documents know what caches need to know of them."""

import hashlib
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.documents import etag_of, gzipped, xml_document, xml_element, xml_flag, xml_leaf


@given(st.text())
def test_every_text_makes_a_document_that_any_parser_reads(text: str) -> None:
    root = ET.fromstring(xml_document(xml_element("a", xml_leaf("b", text), xml_flag("c", True))))
    assert (root.findtext("c"), len(root)) == ("true", 2)


@given(st.text(st.characters(codec="utf-8", min_codepoint=32, max_codepoint=0xFFFD)))
def test_text_that_xml_can_contain_is_read_back(text: str) -> None:
    assert ET.fromstring(xml_document(xml_leaf("a", text))).text == (text or None)


def test_a_compressed_document_names_no_time_and_no_best_level() -> None:
    assert gzipped(b"greet")[4:9] == bytes(5)


@pytest.mark.parametrize("length", [0, 1, 2_047, 2_048, 40_000, 262_144, 262_145])
def test_an_entity_tag_is_the_same_however_the_bytes_are_hashed(length: int) -> None:
    content = bytes(range(256)) * (length // 256 + 1)
    content = content[:length]
    assert etag_of(content) == f'"{hashlib.sha256(content).hexdigest()[:32]}"'
