"""Files of a release: folders, texts with line numbers, and each file as it is at /files/…."""

import asyncio
import re
from urllib.parse import quote

from msgspec import Struct

from functions.html.numbered_pages import Pager
from functions.html.public_pages import PublicPageCall, PublicPages
from functions.web.package.frame import PackageFrame, show_tab, stored_details_of
from functions.web.package.missing import refusal_page_of
from shared.domain.archives.limits import KIB
from shared.domain.archives.unpacking import ArchiveDirectory, FolderListing, text_of
from shared.domain.documents import etag_of
from shared.domain.errors.packages import file_not_in_archive
from shared.prose.rendering import show_plain
from shared.prose.safe_html import SafeHtml
from shared.runtime.answers import Answer
from shared.services.packages.archive_reader import ON_THE_LOOP_BYTES
from shared.services.packages.package_details import ReleaseDetails

# The size of a shown text; browsers lay out 10,000 lines of it at once.
MAX_SHOWN_BYTES = 256 * KIB
ROWS_PER_PAGE = 500  # Files and folders of one folder on a page.

_MAX_PATH_LENGTH = 1_000  # Characters.


class ShownFile(Struct, frozen=True):
    """A file of an archive; `code` is its text as HTML, unless it is binary or too large."""

    path: str
    size_bytes: int
    code: SafeHtml | None
    lines: int

    @property
    def is_too_large(self) -> bool:
        return self.size_bytes > MAX_SHOWN_BYTES


async def files_page(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show a folder of the archive, or one file."""
    path = call.redacted_query.get("path", "").strip("/")[:_MAX_PATH_LENGTH]
    files = await call.registry.packages.archive_files.list(details.release)
    folder = files.folder(path)
    shown = None
    if folder is None:
        shown = await _file(call, details, files, path)
        parent = path.rpartition("/")[0]
        folder = files.folder(parent) or FolderListing(parent, (), ())
    rows = [*((f"{name}/", None) for name in folder.folders), *folder.files]
    address = quote(PackageFrame(details, call.base_url).address("files"))
    pager = Pager.of(len(rows), ROWS_PER_PAGE, address, call.redacted_query)
    values = {
        "file": shown,
        "steps": _steps(path),
        "folder": folder.path,
        "pager": pager,
        "total": len(files.files),
        "rows": pager.slice(rows),
    }
    return await show_tab(call, details, "files", values)


async def _file(
    call: PublicPageCall, details: ReleaseDetails, files: ArchiveDirectory, path: str
) -> ShownFile:
    entry = files.file(path)
    if entry is None:
        raise file_not_in_archive(details.release.coordinate, path)
    size = entry.unpacked_bytes
    if size > MAX_SHOWN_BYTES:
        return ShownFile(path, size, None, 0)
    text = text_of(await call.registry.packages.archive_files.read(details.release, path))
    if text is None:
        return ShownFile(path, size, None, 0)
    highlighted = call.registry.api_docs.file_highlighting.highlighted
    code = await highlighted(details.release, path, text) or show_plain(text)
    return ShownFile(path, size, code, text.removesuffix("\n").count("\n") + 1)


def _steps(path: str) -> list[tuple[str, str]]:
    """Return the name and the path of each folder above a path, and of the path itself."""
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: at + 1])) for at, part in enumerate(parts)]


# Browsers run no file of an archive on this origin: they save it, and the sandbox has no origin and
# loads nothing. `X-Content-Type-Options` of all answers keeps them from guessing another type.
SANDBOX_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PLAIN_TEXT = "text/plain"
BINARY = "application/octet-stream"
SVG_IMAGE = "image/svg+xml"

# An SVG picture of a readme; in an `img` element, browsers run no scripts of it.
_SVG_START = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,500}?-->\s*)?<svg[\s>]", re.DOTALL)
_SNIFFED_BYTES = 1_000

# Pictures of readmes, by their first bytes, since names can be wrong.
_PICTURE_TYPES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


pages = PublicPages(refusal_page_of)
FACES = (pages,)


@pages.read("files/{org}/{name}/{version}/{*path}")
async def web_file(call: PublicPageCall) -> Answer:
    details = await stored_details_of(call, call.redacted_route["version"])
    path = call.redacted_route.get("path", "")
    content = await call.registry.packages.archive_files.read(details.release, path)
    # A release never changes, so the tag needs no digest of up to 6 MiB.
    etag = etag_of(f"{details.release.digest} {path}".encode())
    response = call.text(content, await _media_type(content), etag=etag)
    for name, value in SANDBOX_HEADERS.items():
        response.headers[name] = value
    response.headers["Content-Disposition"] = disposition_of(path)
    return response


async def _media_type(content: bytes) -> str:
    if len(content) <= ON_THE_LOOP_BYTES:
        return media_type_of(content)
    return await asyncio.to_thread(media_type_of, content)


def media_type_of(content: bytes) -> str:
    """Return the media type to serve content as: a picture, plain text or binary."""
    for beginning, media_type in _PICTURE_TYPES:
        if content.startswith(beginning):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if text_of(content) is None:
        return BINARY
    return SVG_IMAGE if _SVG_START.match(content[:_SNIFFED_BYTES]) else PLAIN_TEXT


def disposition_of(path: str) -> str:
    """Return the `Content-Disposition` with which browsers save the file under its own name."""
    name = path.rpartition("/")[2]
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
