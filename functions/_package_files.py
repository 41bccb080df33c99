"""The files of a release: folders, and texts with their lines."""

from dataclasses import dataclass
from urllib.parse import quote

import azure.functions as func

from functions._package_pages import Frame, show
from functions._paging import Pager
from functions._public_pages import Look
from shared.domain.archive_files import FileList, Folder
from shared.domain.errors import FileNotInArchive
from shared.domain.limits import KIB
from shared.prose.highlighting import SafeHtml
from shared.services.showing import Portrait

MOST_SHOWN_BYTES = 256 * KIB  # Of a text; a browser lays out 10,000 lines of it in a moment.

ROWS = 500  # Of a folder, on one page.

_LONGEST_PATH = 1_000  # Characters.


@dataclass(frozen=True, slots=True)
class Shown:
    """One file: its size, and its text as HTML where it is one that people read."""

    path: str
    size_bytes: int
    code: SafeHtml | None
    lines: int
    is_text: bool


async def files_page(look: Look, portrait: Portrait) -> func.HttpResponse:
    """Show what lies in a folder of the archive, or one file."""
    path = look.query.get("path", "").strip("/")[:_LONGEST_PATH]
    files = await look.registry.unpacking.files(portrait.release)
    folder, shown = files.folder(path), None
    if folder is None:
        shown = await _shown(look, portrait, files, path)
        parent = path.rpartition("/")[0]
        folder = files.folder(parent) or Folder(parent, (), ())
    rows = [*((f"{name}/", None) for name in folder.folders), *folder.files]
    address = quote(Frame(portrait, look.url).address("files"))
    pager = Pager.of(len(rows), ROWS, address, look.query)
    values = {"file": shown, "steps": _steps(path), "folder": folder.path, "pager": pager}
    listed = rows[pager.offset : pager.offset + ROWS]
    return show(look, portrait, "files", total=len(files.files), rows=listed, **values)


async def _shown(look: Look, portrait: Portrait, files: FileList, path: str) -> Shown:
    entry = files.file(path)
    if entry is None:
        raise FileNotInArchive(portrait.release.coordinate, path)
    size = entry.unpacked_bytes
    if size > MOST_SHOWN_BYTES:
        return Shown(path, size, None, 0, is_text=False)
    text = text_of(await look.registry.unpacking.file(portrait.release, path))
    if text is None:
        return Shown(path, size, None, 0, is_text=False)
    code = await look.registry.renderings.code(path, text)
    return Shown(path, size, code, text.removesuffix("\n").count("\n") + 1, is_text=True)


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
