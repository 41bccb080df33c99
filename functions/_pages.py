"""Pages: templates in one frame, and headers that let nothing else in."""

from collections.abc import Mapping
from dataclasses import dataclass

import azure.functions as func

from functions._api import STATUS
from functions._http import edge, when_again
from functions._rendering import html_of
from shared.domain.errors import Refusal

UNAUTHORIZED = 401  # Its answers have to name a scheme; browsers ask nothing for this one.

HEADERS = {
    # Styles and pictures are our own files; nothing is framed or run; forms lead back here.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page, as its header shows them; `csrf` goes into every form."""

    name: str
    csrf: str


def render(
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    visitor: Visitor | None = None,
    **values: object,
) -> func.HttpResponse:
    """Return a page made from a template of `functions/templates`."""
    body = html_of(template, {**values, "visitor": visitor})
    sent = {**HEADERS, **(headers or {})}
    if status == UNAUTHORIZED:
        sent["WWW-Authenticate"] = "Bearer"
    return func.HttpResponse(body, status_code=status, headers=sent, mimetype="text/html")


def see_other(path: str, cookie: str = "") -> func.HttpResponse:
    """Lead the browser to a page of ours, with a cookie to keep or to forget."""
    headers = {**HEADERS, "Location": path}
    if cookie:
        headers["Set-Cookie"] = cookie
    return func.HttpResponse(status_code=303, headers=headers)


def message_page(title: str, *sentences: str, status: int = 200) -> func.HttpResponse:
    """Return a page that says a few sentences, and nothing else."""
    return render("message.html", status=status, title=title, sentences=sentences)


def refusal_page(refusal: Refusal) -> func.HttpResponse:
    """Return the refusal as a page with its sentence."""
    answer = message_page("This did not work", str(refusal), status=STATUS[refusal.kind])
    for name, value in when_again(refusal).items():
        answer.headers[name] = value
    return answer


def broken_page(request_id: str) -> func.HttpResponse:
    """Return a page that tells its reader what to quote, and nothing of the inside."""
    message = f"The registry failed. Tell its operator this request id: {request_id}."
    return message_page("This did not work", message, status=500)


page_errors = edge(refusal_page, broken_page)
