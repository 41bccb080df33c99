"""Archives stream from the disk over real HTTP, whole and in parts."""

import hashlib
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import httpx
import pytest

from shared.hosting.file_responses import FileRefusal, FileResolver, FileResponse
from shared.hosting.host import Host
from tests.support.sample_app import build_app
from tests.support.server import Address, running
from tests.support.storage import one_machine

pytestmark = one_machine("it streams files")

CONTENT = hashlib.sha256(b"bala").digest() * 200_000  # 6.4 MB.
PATH = "/archives/public/digest/1.0.0/acme-greet-any-1.0.0.bala"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Generator[Address]:
    file = tmp_path_factory.mktemp("archives") / "content"
    file.write_bytes(CONTENT)
    with running(Host(build_app(), archives=_resolver(file))) as address:
        yield address


def _resolver(file: Path) -> FileResolver:
    async def resolve(
        segments: Sequence[str], _query: Mapping[str, str], _headers: Mapping[str, str]
    ) -> FileResponse | FileRefusal:
        if segments[0] != "public":
            return FileRefusal(404)
        return FileResponse(file, len(CONTENT), '"digest"', {"Content-Disposition": "attachment"})

    return resolve


def test_an_archive_arrives_completely_with_its_length(host: Address) -> None:
    answer = httpx.get(host.url + PATH)
    assert answer.content == CONTENT
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert "content-encoding" not in answer.headers


def test_a_broken_download_goes_on_where_it_stopped(host: Address) -> None:
    half = len(CONTENT) // 2
    with httpx.Client(base_url=host.url) as client:
        first = client.get(PATH, headers={"Range": f"bytes=0-{half - 1}"})
        validator = {"Range": f"bytes={half}-", "If-Range": first.headers["etag"]}
        second = client.get(PATH, headers=validator)
    assert (first.status_code, second.status_code) == (206, 206)
    assert first.content + second.content == CONTENT


def test_head_and_a_known_tag_send_no_byte(host: Address) -> None:
    with httpx.Client(base_url=host.url) as client:
        head = client.head(PATH)
        known = client.get(PATH, headers={"If-None-Match": head.headers["etag"]})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(CONTENT)))
    assert (known.status_code, known.content) == (304, b"")


def test_a_client_that_leaves_in_the_middle_harms_nobody(host: Address) -> None:
    with host.connect() as impatient:
        impatient.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        impatient.recv(100)
    assert httpx.get(host.url + PATH).content == CONTENT


def test_a_private_archive_is_not_served_under_the_public_path(host: Address) -> None:
    assert httpx.get(f"{host.url}{PATH.replace('public', 'private')}").status_code == 404
