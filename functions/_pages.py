"""Pages: templates in one frame, and headers that let nothing else in."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

import azure.functions as func

from functions._api import STATUS
from functions._http import Handler, edge, request_id, when_again
from functions._rendering import announced, html_of
from shared.domain.errors import Refusal
from shared.registry import Registry

UNAUTHORIZED = 401  # Its answers have to name a scheme; browsers ask nothing for this one.
MISSING = 404

HEADERS = {
    # Styles, pictures and the one script are our own files; nothing else is run, and nothing
    # framed; forms lead back here.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page, as its header shows them; `csrf` goes into every form, and
    administrators find the way to `/manage`."""

    name: str
    csrf: str
    administrator: bool = False


# Whose request is answered: its id, and who sent it. A refusal is shown in the frame of theirs.
_known: ContextVar[tuple[str, Visitor | None]] = ContextVar("known", default=("", None))


def known_as(visitor: Visitor | None) -> None:
    """Note who has sent the request that is answered now."""
    _known.set((request_id(), visitor))


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
    """Return the refusal as a page with its sentence and the id of the request."""
    status = STATUS[refusal.kind]
    title = "There is nothing here" if status == MISSING else "This did not work"
    answer = _apology(title, str(refusal), status, request_id())
    for name, value in when_again(refusal).items():
        answer.headers[name] = value
    return answer


def broken_page(failed: str) -> func.HttpResponse:
    """Return a page that tells its reader what to quote, and nothing of the inside."""
    sentence = "The registry failed. It has noted what happened; nothing that you did is wrong."
    return _apology("This did not work", sentence, 500, failed)


def _apology(title: str, sentence: str, status: int, quoted: str) -> func.HttpResponse:
    asked, visitor = _known.get()
    return render(
        "web/refused.html",
        status=status,
        visitor=visitor if asked == request_id() else None,
        title=title,
        sentence=sentence,
        refused=status,
        request_id=quoted,
    )


page_errors = edge(refusal_page, broken_page)


def pages_of(registry: Registry) -> Callable[[Handler], Handler]:
    """Return a decorator for Functions of pages: `page_errors`, with what is announced on each."""

    def decorate(handler: Handler) -> Handler:
        async def answered(req: func.HttpRequest) -> func.HttpResponse:
            bulletin = await registry.bulletins.current()
            announced.set(bulletin.announcements(registry.clock.now_ms()))
            return await handler(req)

        # By hand: the host would look through `functools.wraps` and miss the request.
        answered.__name__ = handler.__name__
        return page_errors(answered)

    return decorate
