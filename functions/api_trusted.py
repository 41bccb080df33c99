"""/api/v1/trusted-publishing: a job of a CI system gets a token by proving what it is."""

from datetime import datetime

import azure.functions as func
from pydantic import Field

from functions._api import (
    Answer,
    Operation,
    Request,
    answer,
    api_caller,
    api_errors,
    body_as,
    moment,
)
from functions._http import proven
from shared.auth.jwts import MAX_TOKEN_BYTES
from shared.auth.secret import Secret
from shared.domain.names import parse_org
from shared.domain.rates import OperationClass
from shared.registry import Registry


class IdToken(Request):
    """What a provider signed for the job."""

    token: str = Field(min_length=1, max_length=MAX_TOKEN_BYTES, description="The id token.")
    org: str | None = Field(
        default=None, description="Needed where the job publishes for several organizations."
    )


class JobTokenView(Answer):
    """An access token for a quarter of an hour, and what it publishes."""

    token: str
    expires_at: datetime | None
    org: str
    packages: list[str]


class AudienceView(Answer):
    """Whom an id token has to be for."""

    audience: str


OPERATIONS = (
    Operation(
        "api_trusted_exchange",
        "POST",
        "api/v1/trusted-publishing/token",
        "Exchange the id token of a job, once, for a token that publishes its packages.",
        201,
        request=IdToken,
        answer=JobTokenView,
        refusals=(400, 401, 403),
    ),
    Operation(
        "api_trusted_audience",
        "GET",
        "api/v1/trusted-publishing/audience",
        "Say whom an id token has to be for, which a job asks its provider for.",
        200,
        answer=AudienceView,
        refusals=(),
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions that jobs call."""
    bp = func.Blueprint()

    @bp.route("api/v1/trusted-publishing/token", methods=["POST"])
    @api_errors
    async def api_trusted_exchange(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry, OperationClass.TOKEN_ISSUE)
        sent = body_as(IdToken, req)
        org = None if sent.org is None else parse_org(sent.org)
        exchange = registry.trusted_publishing.exchange
        issued = await proven(
            lambda: exchange(Secret(sent.token), org=org, by=caller),
            sent.token,
            registry,
            address=caller.address,
        )
        token = issued.token
        shown = JobTokenView(
            token=issued.text.reveal(),
            expires_at=moment(token.expires_ms),
            org=token.org,
            packages=[grant.package for grant in token.grants],
        )
        return answer(shown, 201)

    @bp.route("api/v1/trusted-publishing/audience", methods=["GET", "HEAD"])
    @api_errors
    async def api_trusted_audience(req: func.HttpRequest) -> func.HttpResponse:
        return answer(AudienceView(audience=registry.settings.base_url))

    return bp
