"""Every refusal in every face: its status, its body and its sentence.

The list is read from the source, so a new refusal is tested from its first day. A new face that is
not named here fails.
"""

import html
import json
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import azure.functions as func
import pytest
from syrupy.assertion import SnapshotAssertion

from functions.account.sign_in import SignInPages
from functions.api.api_face import ApiFace
from functions.api.device_login import DeviceFace
from functions.api.trusted_publishing import TokenExchangeFace
from functions.central.central_face import CentralFace
from functions.central.graphql import GraphqlFace
from functions.faces import operations
from functions.html.public_pages import PublicPages
from functions.http.calls import Call
from functions.http.operations import Face
from functions.http.plain_text import PlainTextFace
from functions.log.witness import WitnessFace
from functions.mcp.protocol import McpFace
from functions.osv import OsvFace
from functions.scim.scim_face import ScimFace
from functions.sparse_index import IndexFace
from functions.web.feeds import FeedFace
from functions.web.unknown_paths import UnknownPaths
from shared.domain.errors.base import Invalid, Refusal, RefusalKind, Unauthenticated, Unavailable
from shared.domain.errors.identity import DeviceRefusal
from shared.domain.errors.requests import BodyUnreadable, TooMany
from shared.runtime.answers import Answer, FunctionResponse
from shared.settings import Settings
from tests.sampling import with_repeats
from tests.support.operations import answer_of
from tests.support.refusals import refusals_of_the_source

pytestmark = pytest.mark.each_row

REFUSALS = sorted(refusals_of_the_source(), key=lambda each: each.code)
REPEATABLE = Unavailable | TooMany


@dataclass(frozen=True)
class Table:
    """What a face is expected to answer: a status for each kind, and the body."""

    statuses: dict[RefusalKind, int]
    body: Callable[[Refusal], object]


CENTRAL = {
    RefusalKind.INVALID: 400,
    RefusalKind.CONFLICT: 400,
    RefusalKind.FORBIDDEN: 400,
    RefusalKind.METHOD_NOT_ALLOWED: 405,
    RefusalKind.LENGTH_MISSING: 411,
    RefusalKind.TOO_LARGE: 400,
    RefusalKind.UNAUTHENTICATED: 401,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.TOO_MANY: 429,
    RefusalKind.UNAVAILABLE: 503,
}
API = {
    RefusalKind.INVALID: 400,
    RefusalKind.UNAUTHENTICATED: 401,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.CONFLICT: 409,
    RefusalKind.METHOD_NOT_ALLOWED: 405,
    RefusalKind.LENGTH_MISSING: 411,
    RefusalKind.TOO_LARGE: 413,
    RefusalKind.TOO_MANY: 429,
    RefusalKind.UNAVAILABLE: 503,
}


def message(refusal: Refusal) -> object:
    """Return the body that the clients of Central read."""
    return {"message": str(refusal)}


def rpc_error(refusal: Refusal) -> object:
    """Return the body that agents read of a request that was not answered."""
    code = -32700 if isinstance(refusal, BodyUnreadable) else -32600
    return {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": str(refusal)}}


def problem(refusal: Refusal) -> object:
    """Return the body that programs of our own API read."""
    return {"error": {"code": refusal.code, "message": str(refusal)}}


OAUTH = {
    RefusalKind.UNAUTHENTICATED: "invalid_client",
    RefusalKind.FORBIDDEN: "unauthorized_client",
    RefusalKind.TOO_MANY: "slow_down",
    RefusalKind.UNAVAILABLE: "temporarily_unavailable",
}


def oauth_error(refusal: Refusal) -> object:
    """Return the body that machines read while they log in."""
    usual = OAUTH.get(refusal.kind, "invalid_request")
    code = refusal.error if isinstance(refusal, DeviceRefusal) else usual
    return {"error": code, "error_description": str(refusal)}


FACES: dict[str, tuple[Callable[[], Face[Any]], Table]] = {
    "central": (CentralFace, Table(CENTRAL, message)),
    "central push, search and resolve": (
        partial(CentralFace, shows_404=False),
        Table({**CENTRAL, RefusalKind.NOT_FOUND: 400}, message),
    ),
    "api": (ApiFace, Table(API, problem)),
    "device": (DeviceFace, Table(API, oauth_error)),
    "exchange": (TokenExchangeFace, Table(API, problem)),
    "index": (IndexFace, Table(API, problem)),
    "mcp": (McpFace, Table(API, rpc_error)),
}
OTHER_FACES = {
    "feeds": FeedFace,
    "maven": PlainTextFace,
    "osv": OsvFace,
    "witness": WitnessFace,
    "pages": SignInPages,
    "public pages": PublicPages,
    "scim": ScimFace,
    "unknown paths": partial(UnknownPaths, frozenset[str]()),
}
EVERY_FACE: dict[str, Callable[[], Face[Any]]] = {
    **{name: make for name, (make, _) in FACES.items()},
    **OTHER_FACES,
}


async def answer_to(
    refusal: Exception, make: Callable[[], Face[Any]], agent: str = "curl/8.0"
) -> FunctionResponse:
    """Let an operation of the face raise, and return what its client gets."""

    async def operation(_call: Call) -> Answer:
        raise refusal

    headers = {"user-agent": agent}
    return await answer_of(
        make(), operation, func.HttpRequest("GET", "/", headers=headers, body=b"")
    )


def named(refusal: object) -> str:
    """Return what pytest calls it; a text that is no refusal is its own name."""
    return refusal.outcome if isinstance(refusal, Refusal) else str(refusal)


def kind_of(refusal: Refusal) -> object:
    """Return what decides how a face answers a refusal."""
    return refusal.kind, type(refusal)


# One refusal of each kind stands for the others of its kind.
of_each_kind = pytest.mark.parametrize("refusal", with_repeats(REFUSALS, kind_of), ids=named)


@pytest.mark.parametrize("refusal", REFUSALS, ids=named)
def test_the_kind_and_sentence_of_each_refusal_are_as_recorded(
    refusal: Refusal, snapshot: SnapshotAssertion
) -> None:
    assert (refusal.kind.name, str(refusal)) == snapshot


@pytest.mark.parametrize(
    ("refusal", "face"),
    with_repeats(
        product(REFUSALS, FACES),
        lambda row: row[0].code,
        lambda row: (kind_of(row[0]), row[1]),
    ),
    ids=named,
)
async def test_every_face_answers_every_refusal_by_its_table(refusal: Refusal, face: str) -> None:
    make, table = FACES[face]
    answer = await answer_to(refusal, make)
    assert answer.status_code == table.statuses[refusal.kind]
    assert answer.mimetype == "application/json"
    assert json.loads(answer.get_body()) == table.body(refusal)
    assert answer.headers["X-Request-Id"]
    assert (int(answer.headers.get("Retry-After", 0)) > 0) is isinstance(refusal, REPEATABLE)


@pytest.mark.parametrize("face", EVERY_FACE)
async def test_a_401_of_every_face_names_a_scheme(face: str) -> None:
    """RFC 9110, 15.5.2, and JDK's client throws for one that names none if it could answer."""
    refusal = Unauthenticated("token-unknown", "The token is unknown. Create another one.")
    answer = await answer_to(refusal, EVERY_FACE[face])
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].split()[0] in ("Basic", "Bearer")


@of_each_kind
async def test_every_refusal_is_a_page_for_people(refusal: Refusal) -> None:
    answer = await answer_to(refusal, SignInPages)
    assert answer.status_code == API[refusal.kind]
    assert answer.mimetype == "text/html"
    assert str(refusal) in html.unescape(answer.get_body().decode())


@of_each_kind
async def test_every_refusal_is_a_line_of_text_for_maven_clients(refusal: Refusal) -> None:
    answer = await answer_to(refusal, PlainTextFace)
    assert answer.status_code == API[refusal.kind]
    assert answer.mimetype == "text/plain"
    assert answer.get_body().decode() == f"{refusal}\n"
    assert answer.headers["Content-Length"] == str(len(answer.get_body()))
    challenge = "Basic " if refusal.kind is RefusalKind.UNAUTHENTICATED else ""
    assert answer.headers.get("WWW-Authenticate", "").partition("realm")[0] == challenge
    assert ("Retry-After" in answer.headers) is isinstance(refusal, REPEATABLE)


@pytest.mark.parametrize("refusal", REFUSALS, ids=named)
def test_every_refusal_is_one_line_for_its_user(refusal: Refusal) -> None:
    sentence = str(refusal)
    assert sentence.isprintable()
    assert len(sentence) > 20, "a sentence names the thing, the reason and the way out"


@pytest.mark.parametrize("words", ["two\nlines", "\x1b[31mred", "\u202eright to left", "\0"])
def test_no_words_in_a_refusal_reach_a_terminal_as_commands(words: str) -> None:
    said = str(Invalid("odd", f"The name {words} is odd. Send another."))
    assert said.isprintable()
    assert said.startswith("The name ")


TOO_MANY = [each for each in REFUSALS if isinstance(each, TooMany)]


@pytest.mark.parametrize("face", EVERY_FACE)
@pytest.mark.parametrize("refusal", TOO_MANY, ids=named)
async def test_a_refusal_of_a_rate_limit_names_the_limit_and_when_to_retry(
    face: str, refusal: Refusal
) -> None:
    answer = await answer_to(refusal, EVERY_FACE[face])
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == answer.headers["RateLimit-Reset"] == "17"
    assert answer.headers["RateLimit-Limit"] == "120"
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert "17 seconds" in str(refusal)


@pytest.mark.parametrize("face", ["central", "central push, search and resolve"])
@pytest.mark.parametrize("refusal", TOO_MANY, ids=named)
async def test_a_ballerina_client_gets_a_status_whose_message_it_prints(
    face: str, refusal: Refusal
) -> None:
    answer = await answer_to(refusal, FACES[face][0], agent="2201.12.0")
    assert answer.status_code == 503
    assert json.loads(answer.get_body()) == message(refusal)
    assert answer.mimetype == "application/json"
    assert answer.headers["Retry-After"] == "17"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("face", [*EVERY_FACE, "graphql"])
async def test_no_refusal_and_no_fault_of_ours_keeps_its_request(face: str) -> None:
    make = {**EVERY_FACE, "graphql": GraphqlFace}[face]
    kept = [await is_kept(each, make) for each in (*REFUSALS, RuntimeError("broken"))]
    assert not any(kept)


async def is_kept(refusal: Exception, make: Callable[[], Face[Any]]) -> bool:
    """Return whether the request is there after its answer, with a variable for the refusal."""

    async def operation(_call: Call) -> Answer:
        named_here = refusal
        raise named_here

    request = func.HttpRequest("POST", "/", body=b"x")
    found = weakref.ref(request)
    await answer_of(make(), operation, request)
    del request
    return found() is not None


@pytest.mark.parametrize("face", [*FACES, "maven"])
async def test_our_own_faults_are_500_with_a_request_id_and_nothing_inside(face: str) -> None:
    answer = await answer_to(RuntimeError("/var/lib/secret"), EVERY_FACE[face])
    body = answer.get_body().decode()
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in body
    assert "secret" not in body


@of_each_kind
async def test_a_refusal_of_graphql_is_an_error_in_its_body(refusal: Refusal) -> None:
    answer = await answer_to(refusal, GraphqlFace)
    assert answer.status_code == 200
    assert json.loads(answer.get_body())["errors"] == [{"message": str(refusal)}]


def test_every_face_is_driven_here() -> None:
    driven = {type(make()) for make in (*EVERY_FACE.values(), GraphqlFace)}
    own_refusals = {each for each in faces(Face) if "refused" in vars(each)}
    assert own_refusals <= {kind for each in driven for kind in each.__mro__}


def faces(kind: type[Face[Any]]) -> Iterator[type[Face[Any]]]:
    """Yield a class of faces, and those below it."""
    operations(Settings())  # Imports all of them.
    yield kind
    for below in kind.__subclasses__():
        yield from faces(below)
