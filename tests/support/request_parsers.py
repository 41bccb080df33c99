"""The parsers of what requests bring: of bodies, and of texts in addresses and headers."""

from base64 import b64encode
from collections.abc import Callable

import azure.functions as func

from functions.api import api_face
from functions.api.openapi import OPERATIONS
from functions.http import body_parsing
from functions.http.body_parsing import archive_parts
from functions.http.calls import Call
from functions.maven.paths import RepositoryPath
from shared.auth.access_tokens import AccessToken, token_text
from shared.auth.authentication import RequestClient
from shared.auth.secrets import Secret
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ClientProfile
from shared.domain.sboms import is_cyclonedx
from shared.domain.search import Query, ResultPage
from shared.domain.versions import parse_version_or_range
from shared.hosting.requests import query_parameters
from shared.runtime.conditional_requests import select
from tests.support.operations import call_of

MODELS = sorted(
    {model for each in OPERATIONS if (model := each.openapi.request)},
    key=lambda model: model.__name__,
)

LIMIT = 64 * 1024 * 1024


def request(body: bytes, content_type: str = "application/json") -> Call:
    headers = {"content-type": content_type, "content-length": str(len(body))}
    return call_of(func.HttpRequest("POST", "/", headers=headers, body=body))


BODIES: dict[str, Callable[[bytes], object]] = {
    "JSON of Central": lambda body: body_parsing.json_object(request(body)),
    "form of a page": lambda body: body_parsing.form_of(request(body, body_parsing.URL_ENCODED)),
    "upload": lambda body: archive_parts(
        request(body, "multipart/form-data; boundary=b"), name="bala-file", limit=LIMIT
    ),
    "bill of materials": is_cyclonedx,
    **{
        f"model {model.__name__}": lambda body, model=model: api_face.parse_body(
            model, request(body)
        )
        for model in MODELS
    },
}


TEXTS: dict[str, Callable[[str], object]] = {
    "Authorization": lambda text: token_text({"authorization": text}),
    "Basic": lambda text: token_text(
        {"authorization": "Basic " + b64encode(text.encode("utf-8", "replace")).decode()}
    ),
    "access token": lambda text: AccessToken.parse(Secret(text)),
    "address and agent": lambda text: RequestClient.of(
        {"x-forwarded-for": text, "user-agent": text}, ()
    ),
    "Range": lambda text: select({"range": text}, tag='"tag"', length=1_000),
    "If-Match": lambda text: select({"if-match": text}, tag='"x"', length=9),
    "If-None-Match": lambda text: select({"if-none-match": text}, tag='"x"', length=9),
    "If-Range": lambda text: select({"range": "bytes=0-1", "if-range": text}, tag='"x"', length=9),
    "digest": Digest.parse_header,
    "platforms": lambda text: ClientProfile.of(text, text),
    "query string": query_parameters,
    "search": Query.parse,
    "page": lambda text: ResultPage.parse(text, text, text),
    "version": parse_version_or_range,
    "package": lambda text: Package.parse(text, text),
    "coordinate": lambda text: Coordinate.parse(text, text, text),
    "path to read": RepositoryPath.to_read,
    "path to write": RepositoryPath.to_write,
    "content type": lambda text: archive_parts(request(b"--b--", text), name="x", limit=LIMIT),
}
