"""The double of Blob Storage answers as Azurite does, to the real client and to those of links."""

import hashlib
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import httpx
import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobBlock, ContentSettings, generate_blob_sas
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient

from shared.adapters.system import SystemClock
from tests.fakes.blob_double import CONNECTION, BlobDouble
from tests.fakes.blob_transport import BlobTransport, LinkTransport
from tests.support.cloud_stores import emulator

SMALL_BLOCKS: dict[str, Any] = {
    "max_single_put_size": 10,
    "max_block_size": 4,
    "max_single_get_size": 8,
}
MD5 = hashlib.md5(b"content", usedforsecurity=False).digest()
HEADERS = ContentSettings(
    content_type="text/plain",
    cache_control="public, max-age=60",
    content_disposition="attachment; filename=a.txt",
    content_md5=bytearray(MD5),
)
ODD_NAME = "a folder/ä&<+'%.txt"


@dataclass
class Account:
    """A container of an account, the client of the library, and a client that follows links."""

    service: BlobServiceClient
    http: httpx.AsyncClient
    name: str

    @property
    def container(self) -> ContainerClient:
        return self.service.get_container_client(self.name)

    def blob(self, name: str = "a.txt", container: str = "") -> BlobClient:
        return self.service.get_blob_client(container or self.name, name)

    async def stored(self, content: bytes = b"content", **options: Any) -> BlobClient:
        """Return a blob with this content."""
        await self.blob().upload_blob(content, **options)
        return self.blob()

    def link(self, blob: BlobClient, *, permission: str = "r", age: int = 0, **more: Any) -> str:
        """Return a link that was signed so many minutes ago, for ten minutes."""
        now = datetime.now(UTC) - timedelta(minutes=age)
        credential: Any = self.service.credential
        signed = generate_blob_sas(
            str(self.service.account_name),
            self.name,
            blob.blob_name,
            account_key=credential.account_key,
            permission=permission,
            start=now - timedelta(minutes=1),
            expiry=now + timedelta(minutes=10),
            **more,
        )
        return f"{blob.url}?{signed}"


@pytest.fixture(params=["azurite", "double"])
async def account(request: pytest.FixtureRequest) -> AsyncGenerator[Account]:
    """Return an account with an empty container."""
    if request.param == "double":
        double = BlobDouble(SystemClock().now_ms)
        service = BlobServiceClient.from_connection_string(
            CONNECTION, transport=BlobTransport(double), **SMALL_BLOCKS
        )
        links = LinkTransport(lambda: double)
    else:
        service = BlobServiceClient.from_connection_string(emulator(), **SMALL_BLOCKS)
        links = httpx.AsyncHTTPTransport(verify=False)
    async with service, httpx.AsyncClient(transport=links) as http:
        opened = Account(service, http, f"c{uuid.uuid4().hex}")
        await opened.container.create_container()
        yield opened


async def read(blob: BlobClient, **options: Any) -> bytes:
    found = await blob.download_blob(**options)
    return await found.readall()


async def names(container: ContainerClient, prefix: str = "") -> list[str]:
    return [name async for name in container.list_blob_names(name_starts_with=prefix)]


def code_of(refused: pytest.ExceptionInfo[Any]) -> str:
    return refused.value.error_code


# --- containers --------------------------------------------------------------------------------


async def test_a_container_is_made_once(account: Account) -> None:
    assert (await account.container.get_container_properties()).etag
    with pytest.raises(ResourceExistsError) as refused:
        await account.container.create_container()
    assert code_of(refused) == "ContainerAlreadyExists"


async def test_a_container_that_was_deleted_has_no_blobs(account: Account) -> None:
    await account.stored()
    await account.container.delete_container()
    with pytest.raises(ResourceNotFoundError):
        await account.container.get_container_properties()
    with pytest.raises(ResourceNotFoundError) as refused:
        await read(account.blob())
    assert code_of(refused) == "ContainerNotFound"
    with pytest.raises(ResourceNotFoundError):
        await account.stored()
    with pytest.raises(ResourceNotFoundError):
        await names(account.container)


# --- content -----------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"1", b"12345678", b"123456789", b"0123456789ab" * 3])
async def test_a_blob_comes_back_as_it_was_stored(account: Account, content: bytes) -> None:
    blob = await account.stored(content)
    assert await read(blob) == content
    await blob.upload_blob(BytesIO(content + b"!"), overwrite=True)
    assert await read(blob) == content + b"!"
    found = await blob.get_blob_properties()
    assert (found.size, found.content_settings.content_type) == (
        len(content) + 1, "application/octet-stream",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "count", "part"),
    [(0, 3, b"con"), (3, None, b"tent"), (5, 100, b"nt"), (6, 1, b"t")],
)
async def test_a_part_of_a_blob_is_read(
    account: Account, start: int, count: int | None, part: bytes
) -> None:
    blob = await account.stored()
    assert await read(blob, offset=start, length=count) == part


async def test_a_part_behind_the_end_is_refused(account: Account) -> None:
    blob = await account.stored()
    with pytest.raises(HttpResponseError) as refused:
        await read(blob, offset=8, length=1)
    assert refused.value.status_code == 416


async def test_blocks_are_a_blob_once_they_are_listed(account: Account) -> None:
    blob = account.blob()
    await blob.stage_block("2", b"second")
    await blob.stage_block("1", b"first ")
    with pytest.raises(ResourceNotFoundError):
        await read(blob)
    with pytest.raises(HttpResponseError):
        await blob.commit_block_list([BlobBlock("1"), BlobBlock("3")])
    await blob.commit_block_list([BlobBlock("1"), BlobBlock("2")])
    assert await read(blob) == b"first second"


async def test_a_list_of_no_blocks_is_an_empty_blob(account: Account) -> None:
    blob = account.blob()
    await blob.commit_block_list([])
    assert await read(blob) == b""


async def test_a_blob_that_is_missing_is_not_found(account: Account) -> None:
    blob = account.blob()
    for ask in (
        blob.download_blob,
        blob.get_blob_properties,
        blob.delete_blob,
        lambda: blob.set_blob_metadata({"a": "b"}),
        lambda: blob.set_http_headers(HEADERS),
    ):
        with pytest.raises(ResourceNotFoundError):
            await ask()


async def test_a_deleted_blob_is_missing(account: Account) -> None:
    blob = await account.stored()
    await blob.delete_blob()
    with pytest.raises(ResourceNotFoundError):
        await blob.delete_blob()


async def test_content_that_is_not_of_its_checksum_is_refused(account: Account) -> None:
    with pytest.raises(HttpResponseError) as refused:
        await account.stored(b"changed", content_settings=HEADERS)
    assert refused.value.status_code == 400


# --- headers and metadata ----------------------------------------------------------------------


async def test_headers_and_metadata_are_kept(account: Account) -> None:
    blob = await account.stored(content_settings=HEADERS, metadata={"stored_ms": "1"})
    for found in (await blob.get_blob_properties(), (await blob.download_blob()).properties):
        assert found.metadata == {"stored_ms": "1"}
        assert found.content_settings.content_type == HEADERS.content_type
        assert found.content_settings.cache_control == HEADERS.cache_control
        assert found.content_settings.content_disposition == HEADERS.content_disposition
    found = await blob.get_blob_properties()
    assert bytes(found.content_settings.content_md5 or b"") == MD5


@pytest.mark.parametrize("content", [b"short", b"of several blocks"])
async def test_only_a_blob_of_one_request_has_a_checksum_by_itself(
    account: Account, content: bytes
) -> None:
    found = await (await account.stored(content)).get_blob_properties()
    assert bool(found.content_settings.content_md5) is (content == b"short")


async def test_new_metadata_takes_the_place_of_the_old(account: Account) -> None:
    blob = await account.stored(content_settings=HEADERS, metadata={"a": "1", "b": "2"})
    before = await blob.get_blob_properties()
    await blob.set_blob_metadata({"b": "3"})
    after = await blob.get_blob_properties()
    assert (after.metadata, after.etag != before.etag) == ({"b": "3"}, True)
    assert after.content_settings.cache_control == HEADERS.cache_control


async def test_new_headers_take_the_place_of_the_old(account: Account) -> None:
    blob = await account.stored(content_settings=HEADERS, metadata={"a": "1"})
    before = await blob.get_blob_properties()
    await blob.set_http_headers(ContentSettings(content_type="text/html"))
    after = await blob.get_blob_properties()
    assert (after.metadata, after.etag != before.etag) == ({"a": "1"}, True)
    assert after.content_settings.content_type == "text/html"
    assert after.content_settings.cache_control is None
    assert after.content_settings.content_disposition is None
    assert after.content_settings.content_md5 is None


async def test_a_blob_that_is_stored_again_begins_anew(account: Account) -> None:
    await account.stored(content_settings=HEADERS, metadata={"a": "1"})
    found = await (await account.stored(b"new", overwrite=True)).get_blob_properties()
    assert (found.metadata, found.content_settings.cache_control) == ({}, None)


# --- conditions --------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"short", b"of several blocks"])
async def test_a_blob_is_not_stored_over_another_one(account: Account, content: bytes) -> None:
    blob = await account.stored()
    with pytest.raises(ResourceExistsError) as refused:
        await blob.upload_blob(content, overwrite=False)
    assert code_of(refused) == "BlobAlreadyExists"
    assert await read(blob) == b"content"


@pytest.mark.parametrize("content", [b"short", b"of several blocks"])
async def test_only_the_version_that_was_read_is_changed(account: Account, content: bytes) -> None:
    blob = await account.stored()
    stale = (await blob.get_blob_properties()).etag
    unmodified: Any = {"etag": stale, "match_condition": MatchConditions.IfNotModified}
    await blob.upload_blob(content, overwrite=True, **unmodified)
    with pytest.raises(ResourceModifiedError) as refused:
        await blob.upload_blob(b"late", overwrite=True, **unmodified)
    assert code_of(refused) == "ConditionNotMet"
    with pytest.raises(ResourceModifiedError):
        await blob.delete_blob(**unmodified)
    assert await read(blob) == content
    await blob.delete_blob()
    with pytest.raises(ResourceModifiedError):
        await blob.upload_blob(content, overwrite=True, **unmodified)


async def test_a_version_that_is_known_is_not_sent_again(account: Account) -> None:
    blob = await account.stored()
    known = (await blob.get_blob_properties()).etag
    modified: Any = {"etag": known, "match_condition": MatchConditions.IfModified}
    with pytest.raises(HttpResponseError) as refused:
        await blob.download_blob(**modified)
    assert refused.value.status_code == 304
    await blob.upload_blob(b"new", overwrite=True)
    assert await read(blob, **modified) == b"new"


# --- lists -------------------------------------------------------------------------------------


async def test_a_list_has_the_blobs_of_a_prefix_in_order(account: Account) -> None:
    for name in ("b/2", "a", "b/1", ODD_NAME, "c"):
        await account.blob(name).upload_blob(b"content")
    assert await names(account.container) == ["a", ODD_NAME, "b/1", "b/2", "c"]
    assert await names(account.container, "b/") == ["b/1", "b/2"]
    assert await names(account.container, ODD_NAME) == [ODD_NAME]
    assert await names(account.container, "d") == []
    assert await read(account.blob(ODD_NAME)) == b"content"


async def test_a_list_tells_the_properties_of_blobs(account: Account) -> None:
    blob = await account.stored(content_settings=HEADERS, metadata={"stored_ms": "1"})
    stored = await blob.get_blob_properties()
    (plain,) = [each async for each in account.container.list_blobs()]
    (listed,) = [each async for each in account.container.list_blobs(include=["metadata"])]
    assert (plain.metadata, listed.metadata) == ({}, {"stored_ms": "1"})
    assert (listed.name, listed.size) == ("a.txt", 7)
    assert str(listed.etag).strip('"') == str(stored.etag).strip('"')
    assert listed.last_modified == stored.last_modified
    assert listed.content_settings.content_type == HEADERS.content_type
    assert listed.content_settings.cache_control == HEADERS.cache_control
    assert listed.content_settings.content_disposition == HEADERS.content_disposition
    assert bytes(listed.content_settings.content_md5 or b"") == MD5


# --- copies ------------------------------------------------------------------------------------


async def test_a_copy_has_the_content_and_headers_of_its_source(account: Account) -> None:
    source = await account.stored(content_settings=HEADERS, metadata={"a": "1"})
    copy, other = account.blob("copy"), account.blob(ODD_NAME)
    await copy.start_copy_from_url(account.link(source), requires_sync=True)
    await other.start_copy_from_url(account.link(source), metadata={"b": "2"}, requires_sync=True)
    assert (await read(copy), await read(other)) == (b"content", b"content")
    found, with_others = await copy.get_blob_properties(), await other.get_blob_properties()
    assert (found.metadata, with_others.metadata) == ({"a": "1"}, {"b": "2"})
    assert found.content_settings.cache_control == HEADERS.cache_control
    assert found.content_settings.content_disposition == HEADERS.content_disposition


async def test_nothing_is_copied_over_a_blob_that_must_be_missing(account: Account) -> None:
    source, target = await account.stored(), account.blob("target")
    await target.upload_blob(b"there")
    with pytest.raises((ResourceExistsError, ResourceModifiedError)):
        await target.start_copy_from_url(
            account.link(source), requires_sync=True, match_condition=MatchConditions.IfMissing
        )
    assert await read(target) == b"there"


async def test_a_source_has_to_be_there(account: Account) -> None:
    missing, target = account.blob("missing"), account.blob("target")
    with pytest.raises(ResourceNotFoundError):
        await target.start_copy_from_url(account.link(missing), requires_sync=True)
    with pytest.raises(ResourceNotFoundError):
        await read(target)


# Azurite copies within an account whatever the signature says.
@pytest.mark.parametrize("account", ["double"], indirect=True)
async def test_a_source_has_to_be_signed(account: Account) -> None:
    source, target = await account.stored(), account.blob("target")
    with pytest.raises(HttpResponseError):
        await target.start_copy_from_url(
            account.link(source).replace("sig=", "sig=A"), requires_sync=True
        )
    with pytest.raises(ResourceNotFoundError):
        await read(target)


# --- links -------------------------------------------------------------------------------------


async def test_a_link_sends_the_blob_with_the_headers_that_were_signed(account: Account) -> None:
    blob = account.blob(ODD_NAME)
    await blob.upload_blob(b"content", content_settings=HEADERS)
    plain = await account.http.get(account.link(blob))
    assert (plain.status_code, plain.content) == (200, b"content")
    assert plain.headers["cache-control"] == HEADERS.cache_control
    link = account.link(
        blob,
        cache_control="no-store",
        content_disposition="attachment; filename=given.txt",
        content_type="text/html",
    )
    answer = await account.http.get(link)
    assert (answer.status_code, answer.headers["content-length"]) == (200, "7")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == "attachment; filename=given.txt"
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["etag"] == (await blob.get_blob_properties()).etag


async def test_a_link_sends_a_part(account: Account) -> None:
    link = account.link(await account.stored())
    answer = await account.http.get(link, headers={"Range": "bytes=1-3"})
    assert (answer.status_code, answer.content) == (206, b"ont")
    assert answer.headers["content-range"] == "bytes 1-3/7"
    behind = await account.http.get(link, headers={"Range": "bytes=8-"})
    assert behind.status_code == 416


async def test_a_link_to_a_missing_blob_is_not_found(account: Account) -> None:
    assert (await account.http.get(account.link(account.blob("missing")))).status_code == 404


async def test_a_link_is_for_what_was_signed(account: Account) -> None:
    blob, other = await account.stored(), account.blob("other")
    await other.upload_blob(b"other")
    link = account.link(blob, content_type="text/html")
    for part, changed in (
        ("a.txt", "other"),
        ("sp=r", "sp=rw"),
        ("sig=", "sig=A"),
        ("text/html", "text/css"),
    ):
        assert part in link
        assert (await account.http.get(link.replace(part, changed))).status_code == 403, part


@pytest.mark.parametrize("age", [-5, 15])
async def test_a_link_is_valid_for_its_time(account: Account, age: int) -> None:
    blob = await account.stored()
    assert (await account.http.get(account.link(blob, age=age))).status_code == 403


async def test_a_link_to_read_allows_nothing_else(account: Account) -> None:
    link = account.link(await account.stored())
    headers = {"x-ms-blob-type": "BlockBlob"}
    assert (await account.http.delete(link)).status_code == 403
    assert (await account.http.put(link, content=b"x", headers=headers)).status_code == 403
    assert await read(account.blob()) == b"content"


async def test_without_a_signature_nothing_is_sent(account: Account) -> None:
    blob = await account.stored()
    answer = await account.http.get(blob.url)
    assert answer.status_code == 403
    assert b"content" not in answer.content
