"""The face of directories: who makes a request, and refusals as SCIM has them (RFC 7644, 3.12)."""

import asyncio
from http import HTTPStatus
from importlib import import_module
from types import ModuleType

import orjson

from functions.http.caching_headers import NO_STORE
from functions.http.calls import Call, anonymous_caller, verify_credential
from functions.http.json_answers import (
    STATUS_BY_KIND,
    empty_answer,
    failure_sentence,
    refusal_headers,
)
from functions.http.operations import READ_METHODS, Face
from shared.auth.access_tokens import token_text
from shared.domain.bounded_parsing import has_at_most_values
from shared.domain.errors.base import Refusal, Unauthenticated
from shared.domain.rate_limits import RateLimitClass
from shared.domain.scim import ScimRefused
from shared.runtime.answers import Answer
from shared.runtime.conditional_requests import has_current_copy
from shared.services.scim.tokens import ScimDirectory

# Imported after the start, or for the first request: their library takes half a second.
RESOURCES = "functions.scim.resources"
PATCHES = "functions.scim.patches"
FILTERS = "functions.scim.filters"
DISCOVERY_ANSWERS = "functions.scim.discovery_answers"
LIBRARY_MODULES = (RESOURCES, PATCHES, FILTERS, DISCOVERY_ANSWERS)

SCIM_JSON = "application/scim+json"
# JSON values in a body: several for each of the 5,000 members that a group may have.
MAX_VALUES = 100_000

_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimCall(Call):
    """A request of a directory, which its token names."""

    directory: ScimDirectory

    async def identify(self) -> None:
        """Identify the directory by its token, the only credential that is good here; raise as
        `ScimTokens.authenticate` does."""
        client = anonymous_caller(self.headers, self.registry.settings.proxies)
        limiter = self.registry.limits.rate_limiter
        limiter.require_below_limit(client.address)
        text = token_text(self.headers)
        tokens = self.registry.scim.tokens
        try:
            self.directory = await verify_credential(
                lambda: tokens.authenticate(text, client),
                self.header("authorization"),
                self.registry,
                address=client.address,
            )
        except Unauthenticated:
            limiter.count_unverified(client.address)
            raise
        self.set_caller(self.directory.principal)

    def body(self) -> dict[str, object]:
        """Return the body, an object as JSON, or raise `scim-refused`."""
        content = self.content()
        if not has_at_most_values(MAX_VALUES, content):
            message = f"The body has more than {MAX_VALUES:,} values. Send several requests."
            raise ScimRefused("tooMany", message)
        try:
            value: object = orjson.loads(content)
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            message = "The body must be a JSON object. Send a SCIM resource."
            raise ScimRefused("invalidSyntax", message)
        return {str(name): each for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - of JSON.


class ScimFace(Face[ScimCall]):
    """Operations that are refused as SCIM refuses."""

    call_type = ScimCall

    def refused(self, call: Call, refusal: Refusal) -> Answer:  # noqa: ARG002 - others read it.
        status = STATUS_BY_KIND[refusal.kind]
        if refusal.code == "scim-version":
            status = HTTPStatus.PRECONDITION_FAILED
        keyword = refusal.keyword if isinstance(refusal, ScimRefused) else ""
        if refusal.code == "scim-uniqueness":
            keyword = "uniqueness"
        return error_answer(status, str(refusal), keyword, refusal_headers(refusal))

    def failed(self, call: Call) -> Answer:
        return error_answer(500, failure_sentence(call.exchange.request_id))


LIMIT = RateLimitClass.SCIM


async def imported(*names: str) -> list[ModuleType]:
    """Return some of `LIBRARY_MODULES`; a thread imports those that are not imported yet."""
    return await asyncio.to_thread(lambda: [import_module(each) for each in names])


def scim_answer(
    value: object, status: int = 200, *, version: str = "", location: str = ""
) -> Answer:
    """Return a resource or a message; nobody may keep it."""
    headers = dict(NO_STORE)
    if version:
        headers["ETag"] = version
    if location:
        headers["Location"] = location
    return Answer(orjson.dumps(value), status, headers, SCIM_JSON)


def unchanged_resource(call: Call, version: str) -> Answer | None:
    """Return a 304 to a read of a resource whose version the directory has, otherwise None."""
    if call.method not in READ_METHODS or not has_current_copy(call.headers, tag=version):
        return None
    return empty_answer(HTTPStatus.NOT_MODIFIED, NO_STORE | {"ETag": version})


def error_answer(
    status: int, detail: str, keyword: str = "", headers: dict[str, str] | None = None
) -> Answer:
    """Return an error; `detail` is the sentence that administrators of directories read."""
    error = {"schemas": [_ERROR], "status": str(status), "detail": detail}
    if keyword:
        error["scimType"] = keyword
    return Answer(orjson.dumps(error), status, headers or dict(NO_STORE), SCIM_JSON)
