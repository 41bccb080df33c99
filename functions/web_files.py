"""/files/{org}/{name}/{version}/{path}: one file of an archive, as it is, and never as a page."""

import re
from urllib.parse import quote

import azure.functions as func

from functions._package_files import text_of
from functions._package_pages import coordinate_of
from functions._public_pages import METHODS, Look, PublicPages
from shared.registry import Registry

# Whatever an archive holds, a browser runs nothing of it here: it is saved, as a sandbox it has no
# origin, and it loads nothing. That it is taken for nothing else, the headers of all answers say.
SEALED = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TEXT, BYTES, DRAWING = "text/plain", "application/octet-stream", "image/svg+xml"

# A drawing of a readme: inside a page, browsers run no script of it and load nothing for it.
_DRAWING = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,500}?-->\s*)?<svg[\s>]", re.DOTALL)
_BEGINNING = 1_000  # Bytes of a file that say whether it is one.

# Pictures of readmes; what a file is, its first bytes say, and never its name.
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that sends files of archives."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("files/{org}/{name}/{version}/{*path}", methods=METHODS)
    @pages.page
    async def web_file(look: Look) -> func.HttpResponse:
        portrait = await registry.showing.release(coordinate_of(look), by=look.principal)
        path = look.route["path"]
        content = await registry.unpacking.file(portrait.release, path)
        answer = look.text(content, media_type_of(content))
        answer.headers.update(SEALED)
        answer.headers["Content-Disposition"] = disposition_of(path)
        return answer

    return bp


def media_type_of(content: bytes) -> str:
    """Return what a browser may take the bytes for: a picture without script, text, or bytes."""
    for beginning, media_type in _PICTURES:
        if content.startswith(beginning):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if text_of(content) is None:
        return BYTES
    return DRAWING if _DRAWING.match(content[:_BEGINNING]) else TEXT


def disposition_of(path: str) -> str:
    """Return the header that has a browser save the file under its own name."""
    name = path.rpartition("/")[2]
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
