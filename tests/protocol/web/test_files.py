"""Files of archives: pages that show them, and downloads."""

from random import Random

import pytest

from tests.protocol.web.page_reader import Elements, opened
from tests.protocol.web.sample_packages import PICTURE, README, publish
from tests.support.world import URL, World

FILES = "/packages/acme/greet/1.2.0/files"
RAW = "/files/acme/greet/1.2.0"


async def test_a_large_text_is_not_shown_and_can_be_saved(own_shelf: World) -> None:
    large = "a line of many\n" * 20_000
    await publish(own_shelf, "acme/large:1.0.0", entries={"resources/large.txt": large})
    page = await opened(own_shelf, "/packages/acme/large/1.0.0/files?path=resources/large.txt")
    assert "too large to display" in page.text
    raw = await opened(own_shelf, "/files/acme/large/1.0.0/resources/large.txt")
    assert raw.text == large


async def test_a_file_that_nobody_would_save_alone_is_not_unpacked(own_shelf: World) -> None:
    huge = Random(1).randbytes(16 * 1024 * 1024 + 1)  # noqa: S311 - it only must not pack.
    await publish(own_shelf, "acme/huge:1.0.0", entries={"resources/huge": huge})
    answer = await opened(own_shelf, "/files/acme/huge/1.0.0/resources/huge")
    assert answer.status_code == 413
    assert "Pull the archive" in answer.text


@pytest.mark.parametrize("path", ["none", "docs/none", "docs/README.md/x", "../package.json"])
async def test_a_file_that_is_not_in_the_archive_is_404(shelf: World, path: str) -> None:
    page = await opened(shelf, f"{FILES}?path={path}")
    assert (page.status_code, "its list of files" in page.text) == (404, True)
    assert (await opened(shelf, f"{RAW}/{path.replace('..', 'x')}")).status_code == 404


async def test_a_file_is_sent_as_it_is(shelf: World) -> None:
    answer = await opened(shelf, f"{RAW}/docs/README.md")
    assert answer.text == README
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''README.md"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PICTURE, "image/png"),
        (b"\xff\xd8\xff\xe0 a photograph", "image/jpeg"),
        (b"GIF89a<script>", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "application/octet-stream"),
        (b"<html><script>", "text/plain; charset=utf-8"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"<?xml version='1.0'?>\n<!-- a --><svg >", "image/svg+xml"),
        (b"<svgx>", "text/plain; charset=utf-8"),
        (b"<p><svg>", "text/plain; charset=utf-8"),
        (b"<!DOCTYPE html><svg>", "text/plain; charset=utf-8"),
        (b"%PDF-1.7\x00", "application/octet-stream"),
        (b"\xfe\xff\xd8", "application/octet-stream"),
        (b"", "text/plain; charset=utf-8"),
    ],
)
async def test_the_content_type_depends_on_the_bytes_and_never_on_the_name(
    own_shelf: World, content: bytes, media_type: str
) -> None:
    await publish(own_shelf, "acme/kinds:1.0.0", entries={"resources/x.html": content})
    answer = await opened(own_shelf, "/files/acme/kinds/1.0.0/resources/x.html")
    assert answer.headers["content-type"] == media_type


async def test_the_tag_of_a_file_differs_for_each_file_and_release(own_shelf: World) -> None:
    files = {"resources/a": "same", "resources/b": "same"}
    for version in ("1.0.0", "1.1.0"):
        await publish(own_shelf, f"acme/tagged:{version}", entries=files)
    at = "/files/acme/tagged"
    paths = [f"{at}/{version}/{file}" for version in ("1.0.0", "1.1.0") for file in files]
    tags = [(await opened(own_shelf, path)).headers["etag"] for path in paths]
    assert len(set(tags)) == len(paths)
    again = await own_shelf.get(URL + paths[0], headers={"If-None-Match": tags[0]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_name_of_a_file_is_no_header(own_shelf: World) -> None:
    name = 'resources/a "b"; c=é.txt'
    await publish(own_shelf, "acme/odd:1.0.0", entries={name: "x"})
    answer = await own_shelf.get(
        f"{URL}/files/acme/odd/1.0.0/resources/a%20%22b%22;%20c=%C3%A9.txt"
    )
    assert answer.status_code == 200
    expected = "attachment; filename*=UTF-8''a%20%22b%22%3B%20c%3D%C3%A9.txt"
    assert answer.headers["content-disposition"] == expected


async def test_a_list_of_thousands_of_files_is_read_completely(own_shelf: World) -> None:
    many = {f"resources/{number:05}.txt": "" for number in range(1_500)}
    await publish(own_shelf, "acme/crowd:1.0.0", entries=many)
    at = "/packages/acme/crowd/1.0.0/files?path=resources"
    first = await opened(own_shelf, at)
    last = await opened(own_shelf, f"{at}&page=3")
    assert "00000.txt" in first.text
    assert "01499.txt" not in first.text
    assert "01499.txt" in last.text
    assert "/packages/acme/crowd/1.0.0/files?path=resources&page=2" in Elements.of(first).links


@pytest.mark.parametrize("folder", ["docs/", ""])
async def test_links_of_a_readme_of_the_go_toolchain_lead_to_files_beside_it(
    world: World, folder: str
) -> None:
    texts = {"README.md": "See [the guide](guide.md).\n\n![A picture](img/a.png)\n"}
    below = {"docs/guide.md": "Below.", "docs/img/a.png": PICTURE}
    at_root = {"guide.md": "At the root.", "img/a.png": PICTURE}
    entries = {**{f"{folder}{name}": text for name, text in texts.items()}, **below, **at_root}
    await publish(world, "acme/linked:1.0.0", layout=4, readme="", entries=entries)
    page = Elements.of(await opened(world, "/packages/acme/linked"))
    assert f"/packages/acme/linked/1.0.0/files?path={folder}guide.md" in page.links
    assert (
        f'src="/files/acme/linked/1.0.0/{folder}img/a.png"'
        in (await opened(world, "/packages/acme/linked")).text
    )
