"""How the Maven face refuses: statuses that `bal` and Aether print, sentences for who looks.

The clients print the status, and drop the body; the sentence in it is for a person with another
client, and docs/clients.md repeats what each status means. Credentials are sent only after a 401
with a Basic challenge, so every refusal that credentials could lift is one.
"""

import azure.functions as func

from functions._api import STATUS
from functions._http import edge, when_again
from shared.domain.errors import Kind, Refusal

XML = "application/xml"
TEXT = "text/plain"

CHALLENGE = 'Basic realm="Ballroom"'


def refusal_answer(refusal: Refusal) -> func.HttpResponse:
    """Return the refusal with its status, and its sentence as a line of text."""
    headers = when_again(refusal)
    if refusal.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = CHALLENGE
    return _sentence(str(refusal), STATUS[refusal.kind], headers)


def broken_answer(request_id: str) -> func.HttpResponse:
    """Return a 500 that tells its reader what to quote, and nothing of the inside."""
    message = f"The registry failed. Tell its operator this request id: {request_id}."
    return _sentence(message, 500, {})


def _sentence(message: str, status: int, headers: dict[str, str]) -> func.HttpResponse:
    body = f"{message}\n".encode()
    headers |= {"Cache-Control": "no-store", "Content-Length": str(len(body))}
    return func.HttpResponse(body, status_code=status, headers=headers, mimetype=TEXT)


maven_errors = edge(refusal_answer, broken_answer)
