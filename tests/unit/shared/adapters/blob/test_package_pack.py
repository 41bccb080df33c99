"""The blob of the pack: what is read is what was written, or the pack is not used."""

import zlib

import pytest

from shared.adapters.blob.package_pack import (
    LARGEST_UNPACKED_BYTES,
    PACK_FORMAT,
    decode_pack,
    encode_pack,
)
from shared.domain.records import Event
from shared.ports import PackagePack, PackedPackage, PackUnusable
from tests.contract.sample_records import release
from tests.support.surveys import deprecated, survey

RELEASE = release()
PACK = PackagePack(
    {"low": "1", "high": "2"},
    (
        PackedPackage(survey(deprecated("1.0.0"), "0.9.0"), (RELEASE,)),
        PackedPackage(survey("2.0.0", package="acme/other"), ()),
    ),
)


def unusable(content: bytes) -> str:
    with pytest.raises(PackUnusable) as caught:
        decode_pack(content)
    return str(caught.value)


def test_what_is_written_is_read() -> None:
    assert decode_pack(encode_pack(PACK)) == PACK


def test_outboxes_are_left_out() -> None:
    event = Event(id="1", kind="release.pushed", at_ms=1, actor="ann", subject="s", address="::1")
    outbox = {"outbox": (event,)}
    found = survey("1.0.0")
    head, pending = found.head.model_copy(update=outbox), RELEASE.model_copy(update=outbox)
    package = PackedPackage(type(found)(head, found.entries), (pending,))
    [read] = decode_pack(encode_pack(PackagePack({}, (package,)))).packages
    assert (read.survey, read.releases) == (found, (RELEASE,))


def test_a_damaged_blob_is_unusable() -> None:
    content = encode_pack(PACK)
    assert unusable(content[:-1]) == "it is cut off, or too large"
    assert "incorrect data check" in unusable(content[:-4] + b"xxxx")
    assert "mistakes" in unusable(zlib.compress(b"{}"))


def test_another_format_is_unusable() -> None:
    text = zlib.decompress(encode_pack(PACK))
    other = text.replace(b'{"format":%d' % PACK_FORMAT, b'{"format":%d' % (PACK_FORMAT + 1))
    assert unusable(zlib.compress(other)) == "it has format 2, and this Ballroom reads 1"


def test_fields_of_a_newer_version_are_ignored() -> None:
    text = zlib.decompress(encode_pack(PACK)).replace(b'{"head":{', b'{"new":1,"head":{"more":2,')
    assert decode_pack(zlib.compress(text)) == PACK


@pytest.mark.slow
def test_a_blob_that_unpacks_to_too_much_is_unusable() -> None:
    content = zlib.compress(bytes(LARGEST_UNPACKED_BYTES + 1), 1)
    assert unusable(content) == "it is cut off, or too large"
