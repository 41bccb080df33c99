"""What a job reads: the archive, the folders of its texts, and the documents of other releases."""

from pathlib import Path

import pytest

from shared.confined.comparison import read_models
from shared.confined.release_files import ArchiveFile
from tests.support.archives import zipped
from tests.support.documented import documented
from tests.support.release_jobs import a_request, write_documents

JAVA = "3.0.0"
GO = "4.0.0"


@pytest.mark.parametrize(
    ("layout", "module", "folder"),
    [
        (JAVA, "shop", "modules/shop/"),
        (JAVA, "shop.sub", "modules/shop.sub/"),
        (GO, "shop", ""),
        (GO, "shop.sub", "modules/sub/"),
    ],
)
def test_sources_are_in_the_folder_of_their_module(layout: str, module: str, folder: str) -> None:
    assert a_request(bala_version=layout).source_folder(module) == folder


@pytest.mark.parametrize(
    ("layout", "module", "folder"),
    [
        (JAVA, "", "docs"),
        (JAVA, "shop.sub", "docs/modules/shop.sub"),
        (GO, "", ""),
        (GO, "shop.sub", "modules/sub"),
    ],
)
def test_readmes_are_in_the_folder_of_their_layout(layout: str, module: str, folder: str) -> None:
    assert a_request(bala_version=layout).text_folder(module) == folder


def test_readmes_that_a_toolchain_packs_are_below_docs() -> None:
    request = a_request(bala_version=GO)
    folders = [request.packed_text_folder(module) for module in ("", "shop.sub")]
    assert folders == ["docs", "docs/modules/shop.sub"]


def test_links_of_a_text_lead_to_the_files_of_the_release() -> None:
    request = a_request()
    assert request.address == "/packages/acme/shop/1.2.0"
    place = request.place("docs", frozenset({"docs/a.md"}))
    assert (place.files, place.folder) == ("/files/acme/shop/1.2.0", "docs")
    assert place.pages == "/packages/acme/shop/1.2.0/files?path="
    assert request.place().pages == ""


def test_a_long_directory_is_read_whole(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(zipped({f"resources/{number:05}.txt": b"" for number in range(2_000)}))
    assert len(ArchiveFile(archive).directory.files) == 2_000


def test_documents_in_a_folder_are_read(tmp_path: Path) -> None:
    modules = documented("public function a() {}"), documented("public function b() {}")
    write_documents(tmp_path / "before", *modules)
    assert read_models(tmp_path / "before") == list(modules)
