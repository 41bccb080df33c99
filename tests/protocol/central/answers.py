"""Reading the answers of the Central face, strictly."""

from typing import Any

import httpx

# The clients understand these, and no client sends what is answered by 405 or 411.
STATUSES = {200, 204, 302, 400, 401, 404, 405, 411, 500, 503}

# Of a 404 about a version that was withdrawn.
OF_WITHDRAWN = {"message", "kind", "reason", "permanent", "digest"}


def refused(response: httpx.Response, status: int) -> str:
    """Return the message of a refusal, after checking that every client can show it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/json")
    body = response.json()
    assert set(body) in ({"message"}, OF_WITHDRAWN)
    message: str = body["message"]
    assert message
    assert message.isprintable(), "one line, and nothing that a terminal would obey"
    return message


def answered(response: httpx.Response) -> Any:
    """Return the JSON of a success."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/json")
    return response.json()
