"""The registry over our host against what it answered in the real Functions host.

The real host served it over SQLite, after its first start and the push of the sample package, to
somebody without credentials.
"""

import json
import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache
from typing import Any, cast

import httpx
import pytest

from functions.faces import operations
from functions.host_functions import CATCH_ALL
from shared.commands.first_start import sample_archive
from shared.hosting.requests import decode_path
from shared.localhost import build_host, prepare_data_folder
from shared.runtime.routing import Route, Router, parse_template
from shared.settings import Settings
from tests.paths import MEASURED_HOST
from tests.protocol.host.test_recorded_answers import Client, Received, rows
from tests.protocol.test_first_start import token_in
from tests.support.server import Address, served_app
from tests.support.storage import one_machine
from tests.support.waiting import eventually

pytestmark = one_machine("it is about the first start over a data folder")

URL = "http://localhost:7071"
DOCUMENTED = "/2.0/docs/acme/greet/1.0.0"

Row = dict[str, Any]

# Headers that the recording leaves out: those of one answer or of the moment, and those of
# host.json, which are the same for all.
LEFT_OUT = {
    "connection",
    "date",
    "etag",
    "retry-after",
    "server",
    "x-request-id",
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
}
# The templates let every origin read answers; nothing did so where the answers were recorded.
OF_ORIGINS = "access-control-allow-origin"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Generator[Address]:
    data = tmp_path_factory.mktemp("first") / "data"
    settings = Settings(data=data, url=URL, log_level="error")
    prepare_data_folder(settings)
    with served_app(build_host(settings)) as address:
        push = httpx.post(
            f"{address.url}/2.0/registry/packages",
            headers={"Authorization": f"Bearer {token_in(data)}"},
            files={"bala-file": ("greet.bala", sample_archive())},
        )
        assert push.status_code == 204
        eventually(lambda: httpx.get(address.url + DOCUMENTED).status_code == 200)
        yield address


# What the registry answers differently since: the target, the recorded status and the body that was
# sent, and the reason.
CHANGED = {
    (DOCUMENTED, 304, ""): "a 304 has the type of what it confirms",
    ("/api/v1/mirror/dry-run", 400, "{}"): "the caller is identified first",
    ("/api/v1/device/token", 400, '{"a":'): "refusals have the form of OAuth",
    ("/api/v1/device/token", 400, "[]"): "refusals have the form of OAuth",
    (
        "/api/v1/orgs/acme/webhooks",
        400,
        '{"query":"{__typename}"}',
    ): "the missing field of a body is named first",
}
NAMING_THEIR_APP = ("/health", "/health/ready")

# Sentences that the registry says in other words since, as patterns with their replacements.
REWORDED = {
    r"Add one to Settings\.toml as central\.accesstoken, or send it as a bearer token\.": (
        "Put one into Settings.toml as the accesstoken of this registry's entry, or send it as a "
        "bearer token."
    ),
    r"The field ('\w+') is not right: ([^\"]*)\. There are: ": (
        r"Invalid field \1: \2. Known fields: "
    ),
    r"There is no method nope\. There are: ": "There is no method nope. Known methods: ",
}


def test_every_recorded_answer_is_given_again(registry: Address) -> None:
    left_out = Counter[str]()
    wrong: list[object] = []
    with closing(Client(registry)) as client:
        for row in rows("answers-2026-11.jsonl"):
            received = client.ask(_request(row), is_head=row["method"] == "HEAD")
            is_same = received is not None and _given(received, row) == _recorded(row)
            reason = reason_to_leave_out(row)
            left_out[reason] += 1
            if is_same == bool(reason):
                wrong.append((reason, row, received))
    assert wrong == []
    assert left_out == {
        "": 107,
        "no route had it": 5,
        "a 304 has the type of what it confirms": 1,
        "the caller is identified first": 1,
        "the missing field of a body is named first": 1,
        "refusals have the form of OAuth": 2,
        "it names the app that answers": 3,
    }


def reason_to_leave_out(row: Row) -> str:
    """Return why an answer is not compared; empty if it is."""
    path = decode_path(row["target"].partition("?")[0].encode("latin-1"))
    before = _routes_of_the_recording().match(row["method"], path)
    if before is None:
        return "no route had it"
    now = _routes().match(row["method"], path)
    if now is None or now[0] != before[0]:
        return "its route changed"
    if row["method"] == "GET" and row["target"] in NAMING_THEIR_APP:
        return "it names the app that answers"
    return CHANGED.get((row["target"], row["answer"]["status"], row["body"]), "")


@cache
def _routes_of_the_recording() -> Router[tuple[str, str]]:
    recorded = json.loads((MEASURED_HOST / "routes-2026-11.json").read_text("utf-8"))
    return _router((each["function"], each["template"], each["methods"]) for each in recorded)


@cache
def _routes() -> Router[tuple[str, str]]:
    declared = operations(Settings(url=URL))
    routes = ((each.name, each.route, each.methods) for each in declared if each.name != CATCH_ALL)
    return _router(routes)


def _router(routes: Iterator[tuple[str, str, Sequence[str]]]) -> Router[tuple[str, str]]:
    return Router(
        [
            (Route(name, parse_template(template or "/"), frozenset(methods)), (name, template))
            for name, template, methods in sorted(routes)
        ]
    )


def _request(row: Row) -> bytes:
    body = row["body"].encode("latin-1")
    headers = {"Host": "localhost:7071", **row["headers"]}
    if body and "Transfer-Encoding" not in headers:
        headers["Content-Length"] = str(len(body))
    lines = [
        f"{row['method']} {row['target']} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _recorded(row: Row) -> Row:
    answer = row["answer"]
    document = json.dumps(answer["json"])
    for before, now in REWORDED.items():
        document = re.sub(before, now, document)
    return _compared(row, answer["status"], answer["headers"], json.loads(document))


def _given(received: Received, row: Row) -> Row:
    is_compared = row["answer"]["json"] is not None
    # The recording reads bodies as Latin-1, too.
    text = received.body.decode("latin-1")
    document = json.loads(text) if is_compared and text else None
    return _compared(row, received.status, received.headers, document)


def _compared(row: Row, status: int, headers: Mapping[str, str], document: object) -> Row:
    """Return what is compared of an answer: of the length of a body, only that it is named."""
    shown = {name: value for name, value in headers.items() if name not in LEFT_OUT}
    shown["content-length"] = "named" if "content-length" in shown else ""
    if "Origin" in row["headers"]:
        shown.pop(OF_ORIGINS, None)
    if "set-cookie" in shown:  # The real host writes it anew, with empty attributes.
        parts = shown["set-cookie"].lower().split("; ")
        shown["set-cookie"] = " ".join(sorted(each for each in parts if not each.endswith("=")))
    if isinstance(document, dict):  # When tasks run, and which there are.
        document = {k: v for k, v in cast("Row", document).items() if k != "upkeep"}
    return {"status": status, "headers": shown, "json": document}
