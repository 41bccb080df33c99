"""Plain pages: one frame, escaped text, and headers that let nothing else in."""

import base64
import hashlib
from html import escape
from string import Template

import azure.functions as func

from functions._api import STATUS, retry_after
from functions._http import edge
from shared.domain.errors import Refusal, Unavailable

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid; border-radius: .25rem; }
button { font: inherit; padding: .5rem 1rem; }
:focus-visible { outline: 3px solid; outline-offset: 2px; }
"""

_FRAME = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title - Ballroom</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
$content
</main>
</body>
</html>
""")

UNAUTHORIZED = 401  # Its answers have to name a scheme; browsers ask nothing for this one.

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS = {
    # Nothing is loaded, framed or run; the one style is this one; forms lead back here.
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # The address of a sign-in link is a secret.
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def text(value: str) -> str:
    """Return a text that HTML shows as it is."""
    return escape(value, quote=True)


def paragraph(value: str) -> str:
    """Return a paragraph of plain text."""
    return f"<p>{text(value)}</p>"


def command(value: str, label: str) -> str:
    """Return a command to copy; long lines scroll, with the keyboard too."""
    return f'<pre tabindex="0" role="region" aria-label="{text(label)}">{text(value)}</pre>'


def page(title: str, content: str, status: int = 200) -> func.HttpResponse:
    """Return a page; `content` is HTML whose texts are escaped already."""
    body = _FRAME.substitute(title=text(title), style=STYLE, content=content)
    headers = {**HEADERS, "WWW-Authenticate": "Bearer"} if status == UNAUTHORIZED else HEADERS
    return func.HttpResponse(body, status_code=status, headers=headers, mimetype="text/html")


def see_other(path: str, cookie: str) -> func.HttpResponse:
    """Lead the browser to a page of ours, with a cookie to keep or to forget."""
    headers = {**HEADERS, "Location": path, "Set-Cookie": cookie}
    return func.HttpResponse(status_code=303, headers=headers)


def refusal_page(refusal: Refusal) -> func.HttpResponse:
    """Return the refusal as a page with its sentence."""
    answer = page("This did not work", paragraph(str(refusal)), STATUS[refusal.kind])
    if isinstance(refusal, Unavailable):
        answer.headers["Retry-After"] = retry_after(refusal)
    return answer


def broken_page(request_id: str) -> func.HttpResponse:
    """Return a page that tells its reader what to quote, and nothing of the inside."""
    message = f"The registry failed. Tell its operator this request id: {request_id}."
    return page("This did not work", paragraph(message), 500)


page_errors = edge(refusal_page, broken_page)
