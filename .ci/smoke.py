"""Try a deployed registry from outside.

`smoke.py ready URL` waits until it answers and reaches its stores. `smoke.py package URL ORG/NAME`
pushes a new version of a package, pulls it, and compares the bytes. The token comes from
BALLROOM_TOKEN, or a job of GitHub Actions that is a trusted publisher of the package gets one for
its id token. Needs nothing but Python.
"""

import hashlib
import json
import os
import sys
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

ROOT = Path(__file__).resolve().parent.parent
# Seconds. Front Door may answer 404 for 45 minutes after it was made.
PATIENCE = float(os.environ.get("PATIENCE", "3000"))
PAUSE = 5.0
READY = "200"
TIMEOUT = 60.0
REDIRECTS = 3
# How Front Door is asked for an app, and which may answer: elsewhere one app answers everything.
APPS = {"": (), "?app=changes": ("changes", "all"), "?app=uploads": ("uploads", "all")}
BOUNDARY = "ballroom-smoke"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    location: str
    body: bytes


def main(arguments: list[str]) -> str | None:
    """Run one of the two commands; return why it failed, or None."""
    match arguments:
        case ["ready", url]:
            return wait_until_ready(url.rstrip("/"))
        case ["package", url, package]:
            return try_package(url.rstrip("/"), package)
        case _:
            return "usage: .ci/smoke.py ready URL | package URL ORG/NAME"


def wait_until_ready(url: str, patience: float = PATIENCE) -> None:
    """Wait until each app of the registry is ready."""
    deadline = time.monotonic() + patience
    for query, wanted in APPS.items():
        asked = f"{url}/health/ready{query}"
        while (said := probe(asked)) != READY:
            if time.monotonic() > deadline:
                sys.exit(f"{asked} still says {said} after {patience:.0f} seconds.")
            time.sleep(PAUSE)
        role = role_of(asked)
        if wanted and role and role not in wanted:
            # Front Door takes up to 45 minutes for a rule, which is no fault of the package.
            print(f"{asked} was answered by the app for {role}: its rule is not everywhere yet.")
    print(f"{url} is ready.")


def probe(url: str) -> str:
    """Return the status and the message of an answer, or why there is none."""
    try:
        answer = ask("GET", url)
    except (OSError, HTTPException) as error:
        return type(error).__name__
    return READY if str(answer.status) == READY else f"{answer.status} ({words(answer)})"


def role_of(url: str) -> str:
    """Return which app answers; empty if it does not say so, as those of earlier versions."""
    try:
        return str(json.loads(ask("GET", url).body)["app"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return ""


def words(answer: Answer) -> str:
    """Return the message of a refusal, or the beginning of another body."""
    try:
        return str(json.loads(answer.body)["message"])
    except (ValueError, KeyError, TypeError):
        return answer.body[:300].decode(errors="replace")


def try_package(url: str, package: str) -> None:
    """Push a new version, and pull it."""
    org, _, name = package.partition("/")
    version = f"0.0.{int(time.time())}"
    content = made(f"{package}:{version}")
    push(url, content, token(url, org))
    pulled = pull(f"{url}/2.0/registry/packages/{org}/{name}/{version}")
    if pulled != content:
        sys.exit(f"{package}:{version} was pushed, and other bytes came back.")
    print(f"{package}:{version} was pushed and pulled, {hashlib.sha256(content).hexdigest()}.")


def made(coordinate: str) -> bytes:
    """Return a small archive, built as in the tests."""
    sys.path.insert(0, str(ROOT))
    from tests.support.archives import bala  # noqa: PLC0415 - the other command needs none.

    return bala(coordinate, summary="Pushed after each deployment, to see whether it works.")


def push(url: str, content: bytes, secret: str) -> None:
    """Send the archive as `bal` does."""
    part = 'Content-Disposition: form-data; name="bala-file"; filename="smoke.bala"'
    head = f"--{BOUNDARY}\r\n{part}\r\nContent-Type: application/octet-stream\r\n\r\n"
    body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {
        "Authorization": f"Bearer {secret}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    expect(204, ask("POST", f"{url}/2.0/registry/packages", headers, body), "The push")


def pull(url: str) -> bytes:
    """Return the archive, after the redirects that lead to it."""
    headers = {"Accept": "application/octet-stream"}
    for _ in range(REDIRECTS):
        answer = ask("GET", url, headers)
        if not answer.location:
            break
        url = urljoin(url, answer.location)
    return expect(200, answer, "The pull").body


def token(url: str, org: str) -> str:
    """Return the token of the environment, or one for the id token of this job."""
    if given := os.environ.get("BALLROOM_TOKEN"):
        return given
    body = json.dumps({"org": org, "token": id_token(url)}).encode()
    headers = {"Content-Type": "application/json"}
    answer = ask("POST", f"{url}/api/v1/trusted-publishing/token", headers, body)
    secret: str = json.loads(expect(200, answer, "The exchange of the id token").body)["token"]
    print(f"::add-mask::{secret}")
    return secret


def id_token(audience: str) -> str:
    """Return the id token of this job of GitHub Actions."""
    asked = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")
    if not asked:
        sys.exit("There is no token: set BALLROOM_TOKEN, or let the job write id-token.")
    headers = {"Authorization": f"Bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    answer = ask("GET", f"{asked}&audience={quote(audience, safe='')}", headers)
    secret: str = json.loads(expect(200, answer, "The request for an id token").body)["value"]
    return secret


def expect(status: int, answer: Answer, what: str) -> Answer:
    """Return the answer; exit with a message unless it has the expected status."""
    if answer.status != status:
        sys.exit(f"{what} was answered {answer.status}, not {status}: {words(answer)}")
    return answer


def ask(
    method: str, url: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """Send one request, and return its answer."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request(method, path, body, headers or {})
        came = connection.getresponse()
        return Answer(came.status, came.headers.get("Location", ""), came.read())
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
