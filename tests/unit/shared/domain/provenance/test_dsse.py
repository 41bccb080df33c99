"""What is signed of a DSSE envelope."""

from shared.domain.provenance.dsse import pae


def test_the_example_of_the_specification() -> None:
    signed = pae("http://example.com/HelloWorld", b"hello world")
    assert signed == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_lengths_are_those_of_bytes() -> None:
    assert pae("ü", "é€".encode()) == b"DSSEv1 2 \xc3\xbc 5 \xc3\xa9\xe2\x82\xac"
