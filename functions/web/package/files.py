"""Files of a release: folders, texts with line numbers, and each file as it is at /files/…."""

import re
from dataclasses import dataclass
from urllib.parse import quote

import azure.functions as func

from functions.http.pagination import Pager
from functions.http.public_pages import READ_METHODS, PageRequest, PublicPages
from functions.web.package.frame import PackageFrame, coordinate_of, show_tab
from shared.composition import Registry
from shared.domain.archives.unpacking import KIB, ArchiveDirectory, FolderListing
from shared.domain.errors.packages import FileNotInArchive
from shared.prose.rendering import SafeHtml
from shared.services.package_details import ReleaseDetails

MAX_SHOWN_BYTES = 256 * KIB  # Of a text; a browser lays out 10,000 lines of it in a moment.

ROWS_PER_PAGE = 500  # Of a folder, on one page.

_MAX_PATH_LENGTH = 1_000  # Characters.


@dataclass(frozen=True, slots=True)
class ShownFile:
    """One file: its size, and its text as HTML where it is one that people read."""

    path: str
    size_bytes: int
    code: SafeHtml | None
    lines: int
    is_text: bool


async def files_page(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Show what lies in a folder of the archive, or one file."""
    path = request.query.get("path", "").strip("/")[:_MAX_PATH_LENGTH]
    files = await request.registry.archive_files.list(details.release)
    folder, shown = files.folder(path), None
    if folder is None:
        shown = await _shown(request, details, files, path)
        parent = path.rpartition("/")[0]
        folder = files.folder(parent) or FolderListing(parent, (), ())
    rows = [*((f"{name}/", None) for name in folder.folders), *folder.files]
    address = quote(PackageFrame(details, request.url).address("files"))
    pager = Pager.of(len(rows), ROWS_PER_PAGE, address, request.query)
    values = {"file": shown, "steps": _steps(path), "folder": folder.path, "pager": pager}
    listed = rows[pager.offset : pager.offset + ROWS_PER_PAGE]
    return show_tab(request, details, "files", total=len(files.files), rows=listed, **values)


async def _shown(
    request: PageRequest, details: ReleaseDetails, files: ArchiveDirectory, path: str
) -> ShownFile:
    entry = files.file(path)
    if entry is None:
        raise FileNotInArchive(details.release.coordinate, path)
    size = entry.unpacked_bytes
    if size > MAX_SHOWN_BYTES:
        return ShownFile(path, size, None, 0, is_text=False)
    text = text_of(await request.registry.archive_files.read(details.release, path))
    if text is None:
        return ShownFile(path, size, None, 0, is_text=False)
    code = await request.registry.rendered_texts.highlight(path, text)
    return ShownFile(path, size, code, text.removesuffix("\n").count("\n") + 1, is_text=True)


def text_of(content: bytes) -> str | None:
    """Return what a file says, or None where it is no text."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _steps(path: str) -> list[tuple[str, str]]:
    """Return the folders on the way to a path, and itself, each with its own path."""
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: at + 1])) for at, part in enumerate(parts)]


# Whatever an archive holds, a browser runs nothing of it here: it is saved, as a sandbox it has no
# origin, and it loads nothing. That it is taken for nothing else, the headers of all answers say.
SANDBOX_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PLAIN_TEXT, BINARY, SVG_IMAGE = "text/plain", "application/octet-stream", "image/svg+xml"

# A drawing of a readme: inside a page, browsers run no script of it and load nothing for it.
_SVG_START = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,500}?-->\s*)?<svg[\s>]", re.DOTALL)
_SNIFFED_BYTES = 1_000  # Bytes of a file that say whether it is one.

# Pictures of readmes; what a file is, its first bytes say, and never its name.
_PICTURE_TYPES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("files/{org}/{name}/{version}/{*path}", methods=READ_METHODS)
    @pages.page
    async def web_file(request: PageRequest) -> func.HttpResponse:
        details = await registry.package_details.release(
            coordinate_of(request), by=request.principal
        )
        path = request.route["path"]
        content = await registry.archive_files.read(details.release, path)
        answer = request.text(content, media_type_of(content))
        answer.headers.update(SANDBOX_HEADERS)
        answer.headers["Content-Disposition"] = disposition_of(path)
        return answer

    return bp


def media_type_of(content: bytes) -> str:
    """Return what a browser may take the bytes for: a picture without script, text, or bytes."""
    for beginning, media_type in _PICTURE_TYPES:
        if content.startswith(beginning):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if text_of(content) is None:
        return BINARY
    return SVG_IMAGE if _SVG_START.match(content[:_SNIFFED_BYTES]) else PLAIN_TEXT


def disposition_of(path: str) -> str:
    """Return the header that has a browser save the file under its own name."""
    name = path.rpartition("/")[2]
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
