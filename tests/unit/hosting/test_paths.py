"""Paths are decoded for routing and written again for `req.url` as the real host does both."""

import pytest

from shared.hosting.paths import UnusablePath, decoded, encoded

DECODED = [
    (b"/a/b", "/a/b"),
    (b"/a%20b", "/a b"),
    (b"/a%2Fb", "/a%2Fb"),
    (b"/a%2fb%2Ec", "/a%2fb.c"),
    (b"/%C3%A9", "/é"),
    (b"/%FF%41", "/%FFA"),
    (b"/%ff%C3%A9%e2%82", "/%ffé%e2%82"),
    (b"//a//b", "//a//b"),
    (b"/100%", "/100%"),
    (b"/a/./b/../c", "/a/c"),
    (b"/a/%2e%2e/c", "/c"),
    (b"/../..", "/"),
    (b"/a/..", "/"),
    (b"/a/b/.", "/a/b/"),
    (b"/.well-known/x", "/.well-known/x"),
    (b"/a+b", "/a+b"),
]


@pytest.mark.parametrize(("raw", "path"), DECODED)
def test_every_escape_is_decoded_but_the_slash(raw: bytes, path: str) -> None:
    assert decoded(raw) == path


def test_an_escaped_nul_is_refused() -> None:
    with pytest.raises(UnusablePath):
        decoded(b"/a%00b")


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/a/b", "/a/b"),
        (b"/a%41%20b", "/aA%20b"),
        (b"/a%2Fb", "/a%2Fb"),
        (b"/%C3%A9|", "/%C3%A9%7C"),
        (b"/100%", "/100%25"),
        (b"/%FF", "/%FF"),
    ],
)
def test_the_address_shows_a_path_that_is_escaped_where_it_must_be(raw: bytes, path: str) -> None:
    assert encoded(raw) == path
