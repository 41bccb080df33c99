"""GET /static/{file}: what pages are made of besides their words."""

from functools import cache

import azure.functions as func

from functions._documents import Document, document_answer
from functions._pages import page_errors
from functions._rendering import STATIC, static_path
from shared.domain.errors import PageNotFound
from shared.registry import Registry

FOR_EVER = "public, max-age=31536000, immutable"  # Other bytes have another address.

_TYPES = {
    "css": "text/css",
    "ico": "image/x-icon",
    "js": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that serves static files."""
    bp = func.Blueprint()

    @bp.route("static/{file}", methods=["GET", "HEAD"])
    @page_errors
    async def static_file(req: func.HttpRequest) -> func.HttpResponse:
        asked = req.route_params["file"]
        name = _name_of(asked)
        answer = document_answer(req, _documents()[name])
        # While a new version is rolled out, pages of the other one ask here for its file: they
        # get this one, and keep it no longer than the page.
        answer.headers["Cache-Control"] = (
            FOR_EVER if f"/static/{asked}" == static_path(name) else "no-cache"
        )
        return answer

    return bp


def _name_of(asked: str) -> str:
    """Return which file an address with the hash of any version is of."""
    stem, _, kind = asked.rpartition(".")
    name = f"{stem.rpartition('.')[0]}.{kind}"
    if name not in _documents():
        raise PageNotFound(f"/static/{asked}")
    return name


@cache
def _documents() -> dict[str, Document]:
    return {
        file.name: Document(file.read_bytes(), _TYPES[file.suffix[1:]], is_public=True)
        for file in STATIC.iterdir()
    }
