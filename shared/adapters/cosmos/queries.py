"""Queries that are sent through the connections of Microsoft's client, without its layers above
them: these take more processor time than everything else that a query needs.

The client signs in, counts charges and has the connections. Whatever is not answered with 200 is
for the caller to ask again by the client itself, which knows other regions, throttling and splits.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote, urlsplit

import orjson
from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy, CustomHookPolicy
from azure.core.pipeline.transport import HttpRequest
from azure.cosmos.aio import ContainerProxy
from msgspec import Struct

_LOCAL = ("localhost", "127.0.0.1")  # An emulator has a certificate of its own.
_CONTINUATION = "x-ms-continuation"
_LEVEL = "x-ms-consistency-level"
SESSION_TOKEN = "x-ms-session-token"  # noqa: S105 - the name of a header, and no secret.

# A range, the version of the token unless it is an old one, and the number of the last change that
# the answer includes; numbers of regions may follow.
_TOKEN = re.compile(r"([^:,]+):(?:-?\d+#)?(\d+)(?:#[^,]*)?")


class SessionTokens(Struct, frozen=True):
    """How far reads of some ranges of a container came. A query with these tokens includes the
    changes until there, and costs half of one at the level of the account (decision 0175)."""

    text: str
    last_changes: Mapping[str, int]  # By range.

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read tokens as answers have them; a token of unknown form is of no range."""
        found = (_TOKEN.fullmatch(each) for each in text.split(","))
        return cls(text, {each[1]: int(each[2]) for each in found if each})

    def are_included_in(self, answer: Mapping[str, str]) -> bool:
        """Check whether every range that gave an answer, by its headers, has a token here, and
        came as far: a range that was divided since has none."""
        known = self.last_changes
        if not known:
            return True
        answered = self.parse(answer.get(SESSION_TOKEN, "")).last_changes
        return bool(answered) and all(
            range_ in known and last >= known[range_] for range_, last in answered.items()
        )

    def headers(self) -> dict[str, str]:
        """Return the headers of a request that asks for these changes at least."""
        if not self.text:
            return {_LEVEL: "Eventual"}
        return {_LEVEL: "Session", SESSION_TOKEN: self.text}


# Any replica may answer, however far it came: nearly always as far as the others.
ANY_REPLICA = SessionTokens("", {})


async def query_directly(
    container: ContainerProxy,
    query: Mapping[str, Any],
    pk: str | None,
    page_size: int,
    *,
    session: SessionTokens | None = None,
    most: int | None = None,
) -> list[Any] | None:
    """Return the results of a query in one partition, or of a plain filter in a container of one
    physical partition; None if the service does not answer it, or not with all of the session.
    No page is read after `most` results."""
    connection: Any = container.client_connection
    link = container.container_link
    pipeline = _Pipeline.of(connection)
    headers = _headers(connection, link, pk, page_size)
    if session is not None:
        headers |= session.headers()
    found: list[Any] = []
    while True:
        url = f"{connection.url_connection.rstrip('/')}/{link}/docs/"
        request = HttpRequest("POST", url, headers, data=orjson.dumps(query))
        try:
            response = await pipeline.send(request)
        except AzureError:  # The client asks again, and says what is wrong.
            return None
        if response.status_code != HTTPStatus.OK:
            return None
        if session is not None and not session.are_included_in(response.headers):
            return None
        found += orjson.loads(response.body())["Documents"]
        is_enough = most is not None and len(found) >= most
        if is_enough or _CONTINUATION not in response.headers:
            return found[:most]
        headers = {**headers, _CONTINUATION: response.headers[_CONTINUATION]}


class _Pipeline(Struct, frozen=True):
    """The parts of the client's pipeline that a query needs: sign-in, hooks and connections."""

    transport: Any
    signs_in: Any  # None where requests are signed with a key.
    hooks: Any
    is_verified: bool

    @classmethod
    def of(cls, connection: Any) -> Self:
        pipeline = connection.pipeline_client._pipeline
        policies = [getattr(each, "_policy", each) for each in pipeline._impl_policies]
        return cls(
            pipeline._transport,
            _first(policies, AsyncBearerTokenCredentialPolicy),
            _first(policies, CustomHookPolicy),
            urlsplit(str(connection.url_connection)).hostname not in _LOCAL,
        )

    async def send(self, request: HttpRequest) -> Any:
        """Return the response with its body; raise `AzureError` if there is none."""
        context = PipelineContext(self.transport)
        asked = PipelineRequest(request, context)
        if self.signs_in is not None:
            await self.signs_in.on_request(asked)
        response = await self.transport.send(
            request, stream=True, connection_verify=self.is_verified
        )
        await response.load_body()
        self.hooks.on_response(asked, PipelineResponse(request, response, context))
        return response


def _first(policies: Iterable[object], kind: type[object]) -> Any:
    return next((each for each in policies if isinstance(each, kind)), None)


def _headers(connection: Any, link: str, pk: str | None, page_size: int) -> dict[str, str]:
    date = formatdate(usegmt=True)
    of_scope = (
        {"x-ms-documentdb-query-enablecrosspartition": "true"}
        if pk is None
        else {"x-ms-documentdb-partitionkey": orjson.dumps([pk]).decode()}
    )
    signed = (
        {"authorization": _signature(connection.master_key, link, date)}
        if connection.master_key  # Otherwise the pipeline adds the token of an identity.
        else {}
    )
    return {
        **{name: str(value) for name, value in connection.default_headers.items()},
        **of_scope,
        **signed,
        "x-ms-date": date,
        "x-ms-documentdb-isquery": "true",
        "x-ms-max-item-count": str(page_size),
        "Accept": "application/json",
        "Content-Type": "application/query+json",
    }


def _signature(key: str, link: str, date: str) -> str:
    """Return the header that signs a query with the key of an account."""
    text = f"post\ndocs\n{link}\n{date.lower()}\n\n"
    digest = hmac.digest(base64.b64decode(key), text.encode(), hashlib.sha256)
    return quote(f"type=master&ver=1.0&sig={base64.b64encode(digest).decode()}", safe="")
