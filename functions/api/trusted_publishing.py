"""Trusted publishing: the publishers of an organization, and the token that a CI job gets for its
id token.
"""

from collections.abc import Sequence
from typing import Self

from pydantic import AliasPath, Field

from functions.api.api_face import (
    ApiCall,
    ApiFace,
    RequestModel,
    ResponseModel,
    UtcTime,
    utc_datetime,
)
from functions.http.caching_headers import NO_STORE
from functions.http.calls import verify_credential
from functions.http.json_answers import JSON, STATUS_BY_KIND, refusal_headers
from shared.auth.json_web_tokens import MAX_TOKEN_BYTES
from shared.auth.secrets import Secret
from shared.domain.errors.base import Refusal
from shared.domain.makers import MADE_BY_MEANING, STOPPED_MEANING, MakerStop
from shared.domain.names import parse_org
from shared.domain.packages import Head, Pushers
from shared.domain.rate_limits import RateLimitClass
from shared.domain.scopes import PUBLISHING_SCOPES
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publisher_rules import Runner
from shared.domain.trusted_publishing.publishers import (
    Publisher,
    PublisherReads,
    PublisherScopes,
    publisher_warnings,
)
from shared.runtime.answers import PLAIN_TEXT, Answer
from shared.services.tokens.makers import Maker
from shared.use_cases import trusted_publishers
from shared.use_cases.trusted_publishers import NamedPublisher


class PublisherView(ResponseModel):
    """A trusted publisher."""

    id: str
    package: str
    provider: Provider
    server: str
    ids: dict[str, str]
    repository: str
    workflow: str = Field(validation_alias=AliasPath("rules", "workflow"))
    reusable_workflow: str = Field(validation_alias=AliasPath("rules", "reusable_workflow"))
    refs: list[str] = Field(validation_alias=AliasPath("rules", "refs"))
    environment: str = Field(validation_alias=AliasPath("rules", "environment"))
    protected: bool = Field(validation_alias=AliasPath("rules", "protected"))
    tag_version: str = Field(validation_alias=AliasPath("rules", "tag_version"))
    runner: Runner | None = Field(validation_alias=AliasPath("rules", "runner"))
    issuer: str
    audience: str
    claims: dict[str, str]
    scopes: PublisherScopes
    reads: PublisherReads
    pull_requests: bool = Field(
        description="Whether runs of pull requests of the repository itself read too."
    )
    created_at: UtcTime
    pending_until: UtcTime = Field(
        validation_alias="pending_until_ms",
        description="Until when it waits for its package; null once the package is there.",
    )
    made_by: str | None = Field(default=None, description=MADE_BY_MEANING)
    stopped: MakerStop | None = Field(default=None, description=STOPPED_MEANING)
    warnings: list[str] = Field(default=[], description="Who else could publish, and the way out.")

    @classmethod
    def of(cls, publisher: Publisher, maker: Maker) -> Self:
        made: dict[str, object] = {"made_by": maker.name or None, "stopped": maker.stop}
        made |= {"warnings": publisher_warnings(publisher)}
        return cls.model_validate(publisher).model_copy(update=made)


class PublisherList(ResponseModel):
    """The trusted publishers of an organization."""

    publishers: list[PublisherView]


class PushersView(ResponseModel):
    """A package and who pushes to it."""

    org: str
    name: str
    pushers: Pushers


publishers_api = ApiFace()


@publishers_api.operation(
    "GET",
    "api/v1/orgs/{org}/publishers",
    "List the trusted publishers of an organization; for its owners.",
)
async def api_publishers_list(call: ApiCall) -> PublisherList:
    found = await call.registry.tokens.trusted_publishers.of_organization(call.org, by=call.caller)
    return PublisherList(publishers=await _views(call, found))


async def _views(call: ApiCall, publishers: Sequence[Publisher]) -> list[PublisherView]:
    makers = await call.registry.tokens.makers.of(call.org, [each.by for each in publishers])
    return [PublisherView.of(each, makers[each.by]) for each in publishers]


def _publisher(call: ApiCall) -> NamedPublisher:
    return NamedPublisher(call.org, call.route_params["id"])


@publishers_api.use_case(
    trusted_publishers.add,
    "POST",
    "api/v1/orgs/{org}/publishers",
    lambda call: call.org,
    status=201,
    also=(409,),
)
async def api_publishers_add(call: ApiCall, added: Publisher) -> PublisherView:
    [view] = await _views(call, [added])
    return view


@publishers_api.use_case(
    trusted_publishers.confirm, "POST", "api/v1/orgs/{org}/publishers/{id}/confirm", _publisher
)
async def api_publishers_confirm(call: ApiCall, confirmed: Publisher) -> PublisherView:
    [view] = await _views(call, [confirmed])
    return view


@publishers_api.use_case(
    trusted_publishers.remove, "DELETE", "api/v1/orgs/{org}/publishers/{id}", _publisher
)
async def api_publishers_remove(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""


@publishers_api.use_case(
    trusted_publishers.restrict_pushers,
    "PUT",
    "api/v1/packages/{org}/{name}/pushers",
    lambda call: call.package,
)
async def api_publishers_restrict(_: ApiCall, head: Head) -> PushersView:
    return PushersView(org=head.org, name=head.name, pushers=head.pushers)


class IdToken(RequestModel):
    """The id token that a provider signed for the job."""

    token: str = Field(
        default="",
        max_length=MAX_TOKEN_BYTES,
        description="The id token. Without one the refusal says what a job needs to get it.",
    )
    org: str | None = Field(
        default=None, description="Needed where the job publishes for several organizations."
    )


class RefusedPackageView(ResponseModel):
    """A package of the organization that a run may not publish."""

    package: str
    why: str = Field(description="What its trusted publisher asks for, and what the run has.")


class JobTokenView(ResponseModel):
    """An access token for a quarter of an hour, and what it publishes; it reads the packages of the
    organization if a publisher says so. A client that accepts text/plain gets only the token."""

    token: str
    expires_at: UtcTime
    org: str
    packages: list[str]
    refused: list[RefusedPackageView] = Field(
        description="Packages whose trusted publishers name the job and do not take this run, ten "
        "at most."
    )


class AudienceView(ResponseModel):
    """The audience that an id token must have."""

    audience: str


class TokenExchangeFace(ApiFace):
    """Answers shells, which read no JSON, with only the token or the sentence of a refusal."""

    refusal_media_types = (PLAIN_TEXT,)

    def refused(self, call: ApiCall, refusal: Refusal) -> Answer:
        if not _prefers_text(call):
            return super().refused(call, refusal)
        headers = refusal_headers(refusal)
        return Answer(f"{refusal}\n".encode(), STATUS_BY_KIND[refusal.kind], headers, PLAIN_TEXT)


def _prefers_text(call: ApiCall) -> bool:
    accepted = [each.partition(";")[0].strip() for each in call.header("accept").lower().split(",")]
    return PLAIN_TEXT in accepted and JSON not in accepted


token_exchange_api = TokenExchangeFace()


@token_exchange_api.operation(
    "POST",
    "api/v1/trusted-publishing/token",
    "Exchange the id token of a job for a token that publishes its packages, or only reads.",
    status=201,
    limit=RateLimitClass.TOKEN_ISSUE,
    serves_anonymous_always=True,
    needs_token=False,
    media_types=(PLAIN_TEXT,),
)
async def api_trusted_exchange(call: ApiCall, sent: IdToken) -> JobTokenView | Answer:
    org = None if sent.org is None else parse_org(sent.org)
    exchange = call.registry.tokens.trusted_publishing.exchange
    issued = await verify_credential(
        lambda: exchange(Secret(sent.token), org=org, by=call.caller),
        sent.token,
        call.registry,
        address=call.caller.address,
    )
    token = issued.token
    if _prefers_text(call):
        return Answer(issued.text.reveal().encode(), 201, dict(NO_STORE), PLAIN_TEXT)
    return JobTokenView(
        token=issued.text.reveal(),
        expires_at=utc_datetime(token.expires_ms),
        org=token.org,
        packages=[each.package for each in token.grants if each.scopes & PUBLISHING_SCOPES],
        refused=[RefusedPackageView.model_validate(each) for each in token.refused],
    )


@token_exchange_api.operation(
    "DELETE",
    "api/v1/trusted-publishing/token",
    "End the token of a job, which is the credential of the request.",
)
async def api_trusted_end(call: ApiCall) -> None:
    await call.registry.tokens.trusted_publishing.end(by=call.caller)


@token_exchange_api.operation(
    "GET",
    "api/v1/trusted-publishing/audience",
    "Say whom an id token has to be for, which a job asks its provider for.",
    ignores_credentials=True,
    serves_anonymous_always=True,
)
async def api_trusted_audience(call: ApiCall) -> AudienceView:
    return AudienceView(audience=call.registry.settings.base_url)
