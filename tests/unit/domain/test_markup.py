"""XML is well-formed whatever goes into it."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.markup import document, element, flag, leaf


def test_elements_are_nested_as_they_are_written() -> None:
    root = element("a", leaf("b", 1), flag("c", False), element("d"))
    assert document(root) == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<a><b>1</b><c>false</c><d/></a>\n'
    )


def test_signs_of_markup_are_escaped() -> None:
    assert leaf("a", "<b> & ]]>") == "<a>&lt;b&gt; &amp; ]]&gt;</a>"


@given(st.text())
def test_every_text_makes_a_document_that_any_parser_reads(text: str) -> None:
    root = ET.fromstring(document(element("a", leaf("b", text), flag("c", True))))
    assert (root.findtext("c"), len(root)) == ("true", 2)


@given(st.text(st.characters(codec="utf-8", min_codepoint=32, max_codepoint=0xFFFD)))
def test_what_xml_can_hold_comes_back(text: str) -> None:
    assert ET.fromstring(document(leaf("a", text))).text == (text or None)
