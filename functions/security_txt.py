"""GET /.well-known/security.txt: whom to tell of a weakness (RFC 9116)."""

from datetime import UTC, datetime, timedelta

import azure.functions as func

from functions._documents import Document, document_answer
from functions._pages import page_errors
from shared.domain.errors import PathNotFound
from shared.registry import Registry

PATH = ".well-known/security.txt"
PLAIN = "text/plain"

# Counted by whole days, so that a copy stays the same for one; the standard advises a year at most.
GOOD_FOR = timedelta(days=90)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that names the operator's contact, where there is one."""
    bp = func.Blueprint()

    @bp.route(PATH, methods=["GET", "HEAD"])
    @page_errors
    async def security_txt_file(req: func.HttpRequest) -> func.HttpResponse:
        settings = registry.settings
        if not settings.security_contact:
            raise PathNotFound(PATH, "The operator of this registry names no contact.")
        text = security_txt(settings.security_contact, settings.base_url, registry.clock.now_ms())
        return document_answer(req, Document(text.encode(), PLAIN, is_public=True))

    return bp


def security_txt(contact: str, base_url: str, now_ms: int) -> str:
    """Return the file: it never expires while the registry runs."""
    today = datetime.fromtimestamp(now_ms // 1000, UTC).replace(hour=0, minute=0, second=0)
    return (
        f"Contact: {contact}\n"
        f"Expires: {today + GOOD_FOR:%Y-%m-%dT%H:%M:%SZ}\n"
        "Preferred-Languages: en\n"
        f"Canonical: {base_url}/{PATH}\n"
    )
