"""Addresses of archives."""

from typing import Any, cast

import pytest

from shared.domain.archives.delivery import Cdn
from shared.domain.visibility import Readers, Visibility
from shared.services.packages.archive_delivery import ArchiveDelivery
from tests.contract.sample_records import head, release
from tests.fakes.system import FakeClock

FOR_CLIENTS = "foo-any-1.0.0.bala"
OF_THE_BLOB = "foo-foo-any-1.0.0.bala"


@pytest.mark.parametrize(
    ("cdn", "visibility", "readers", "file"),
    [
        (Cdn.READING_BLOBS, Visibility.PUBLIC, Readers.EVERYBODY, OF_THE_BLOB),
        (Cdn.READING_BLOBS, Visibility.PUBLIC, Readers.SIGNED_IN, FOR_CLIENTS),
        (Cdn.READING_BLOBS, Visibility.PRIVATE, Readers.EVERYBODY, FOR_CLIENTS),
        (Cdn.STRIPPING, Visibility.PUBLIC, Readers.EVERYBODY, FOR_CLIENTS),
    ],
)
def test_what_a_cdn_reads_from_the_store_itself_is_named_like_its_blob(
    cdn: Cdn, visibility: Visibility, readers: Readers, file: str
) -> None:
    unused = cast("Any", None)
    delivery = ArchiveDelivery(
        authorization=unused,
        package_reader=unused,
        archives=unused,
        signer=unused,
        clock=FakeClock(),
        base_url="https://registry.test",
        cdn=cdn,
        readers=readers,
    )
    package = head("foo/foo", visibility=visibility)
    assert delivery.link(package, release("foo/foo:1.0.0")).file == file
