"""Paths are decoded for routing and written again for `req.url` as the real host does both."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from shared.hosting.paths import UnusablePath, collapse_slashes, decoded, encoded

DECODED = [
    (b"/a/b", "/a/b"),
    (b"/a%20b", "/a b"),
    (b"/a%2Fb", "/a%2Fb"),
    (b"/a%2fb%2Ec", "/a%2fb.c"),
    (b"/%C3%A9", "/é"),
    (b"/%FF%41", "/%FFA"),
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


@pytest.mark.parametrize(
    ("raw", "collapsed"),
    [(b"/2.0//search///x", b"/2.0/search/x"), (b"/a/b", b"/a/b"), (b"//", b"/")],
)
async def test_repeated_slashes_are_one_to_the_application(raw: bytes, collapsed: bytes) -> None:
    seen: list[Scope] = []

    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    await collapse_slashes(application)({"raw_path": raw, "path": raw.decode()}, _nothing, _drop)
    assert (seen[0]["raw_path"], seen[0]["path"]) == (collapsed, collapsed.decode())


async def _nothing() -> Message:
    return {}


async def _drop(message: Message) -> None:
    del message
