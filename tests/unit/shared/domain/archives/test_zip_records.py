"""The records of a zip archive: end record, central directory and local headers."""

import pytest

from shared.domain.archives.zip_records import read_entries
from shared.domain.errors.base import BadArchive
from tests.support.raw_zip import Member, raw_zip


def refusal(content: bytes) -> BadArchive:
    """Return why the entries of an archive are not read."""
    with pytest.raises(BadArchive) as refused:
        read_entries(memoryview(content), 10)
    return refused.value


def test_a_comment_of_an_entry_is_utf_8() -> None:
    found = refusal(raw_zip([Member(name="a", comment=b"\xff")]))
    assert "The entry a uses a comment that is not UTF-8," in str(found)
    [entry] = read_entries(memoryview(raw_zip([Member(name="a", comment=b"x")])), 10)
    assert entry.name == "a"


def test_an_entry_may_need_version_6_3_of_the_format_and_none_above() -> None:
    [entry] = read_entries(memoryview(raw_zip([Member(name="a", needed=63)])), 10)
    assert entry.name == "a"
    found = refusal(raw_zip([Member(name="a", needed=64)]))
    assert "The entry a uses version 6.4 of the zip format," in str(found)
