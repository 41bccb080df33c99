"""Trusted publishing: the publishers of an organization, and the token that a CI job gets for its
id token.
"""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AliasPath, Field, WithJsonSchema

from functions.api.operations import (
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
from shared.auth.signed_tokens import MAX_TOKEN_BYTES
from shared.auth.tokens import Secret
from shared.domain.coordinates import Package
from shared.domain.errors.base import Refusal
from shared.domain.makers import MADE_BY_MEANING, STOPPED_MEANING, MakerStop
from shared.domain.names import parse_org
from shared.domain.packages import Pushers
from shared.domain.principals import PUBLISHING_SCOPES
from shared.domain.rate_limits import RateLimitClass
from shared.domain.trusted_publishing.claims import MAX_CLAIM_LENGTH, MAX_CLAIMS
from shared.domain.trusted_publishing.jobs import OFFERED_PROVIDERS, RUN_CLAIMS, Provider
from shared.domain.trusted_publishing.publishers import (
    DEFAULT_TAG_VERSION,
    MAX_REFS,
    Publisher,
    PublisherReads,
    PublisherRules,
    PublisherScopes,
    Runner,
    publisher_warnings,
)
from shared.runtime.answers import PLAIN_TEXT, Answer
from shared.services.tokens.makers import Maker
from shared.services.tokens.trusted_publishers import PublisherRequest
from shared.use_cases.inputs import Reason

ShortText = Annotated[str, Field(max_length=255)]
ClaimText = Annotated[str, Field(max_length=MAX_CLAIM_LENGTH)]


_LISTED = {provider: ", ".join(claims) for provider, claims in RUN_CLAIMS.items()}
OfferedProvider = Annotated[
    Provider, WithJsonSchema({"type": "string", "enum": [each.value for each in OFFERED_PROVIDERS]})
]


class NewPublisher(RequestModel):
    """A job that is to publish a package or read those of the organization, and which of its
    runs."""

    package: ShortText = Field(
        default="",
        description="Its name; where there is none yet, the first push makes it. Left out where "
        "the scopes are read.",
    )
    provider: OfferedProvider = Field(
        description="The CI system, which signs the identity of the job."
    )
    server: ShortText = Field(default="", description="Of GitHub or GitLab, where it is one's own.")
    ids: dict[ShortText, ShortText] = Field(
        default={},
        description="repository_id and repository_owner_id of GitHub; project_id and namespace_id "
        "of GitLab; org_id, prj_id, def_id and rpo_id of Azure DevOps; none of oidc.",
    )
    issuer: ShortText = Field(
        default="",
        description="Of oidc: the address of an issuer that the operator names, or its label.",
    )
    audience: ShortText = Field(
        default="",
        description="Of oidc: whom its tokens are for, where the issuer sets it; otherwise the "
        "address of this registry.",
    )
    claims: dict[ShortText, ClaimText] = Field(
        default={},
        max_length=MAX_CLAIMS,
        description="Exact values or patterns, in which * and ? match no slash and no colon. Of "
        f"oidc: sub and others; of GitHub: {_LISTED[Provider.GITHUB]}; of GitLab: "
        f"{_LISTED[Provider.GITLAB]}.",
    )
    scopes: PublisherScopes = Field(
        default=PublisherScopes.PUBLISH,
        description="publish, or read for reading the organization's packages alone.",
    )
    reads: PublisherReads | None = Field(
        default=None,
        description="What its jobs read besides what they publish: none, or organization for a "
        "build whose dependencies include private packages. Otherwise none where they publish.",
    )
    repository: ShortText = Field(default="", description="A name for people; it decides nothing.")
    workflow: ShortText = Field(default="", description="The file of the workflow: release.yml.")
    reusable_workflow: ShortText = Field(
        default="",
        description="The workflow of another repository that a job of GitHub runs, with its ref: "
        "octo/ci/.github/workflows/publish.yml@refs/tags/v1.",
    )
    refs: list[ShortText] = Field(
        default=[], max_length=MAX_REFS, description="refs/heads/main, or refs/tags/v* for many."
    )
    tag_version: ShortText = Field(
        default="",
        description="The tag of the version that a run publishes, such as v{version}: the tag "
        "v1.2.0 publishes 1.2.0 alone.",
        json_schema_extra={"suggestion": DEFAULT_TAG_VERSION},
    )
    environment: ShortText = Field(
        default="", description="The environment that a job has to run in."
    )
    protected: bool = Field(default=False, description="Whether the ref has to be protected.")
    runner: Runner | None = Field(
        default=None, description="provider: only machines that GitHub or GitLab host run the job."
    )


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


class NewPushers(Reason):
    """Who is to push to a package."""

    pushers: Pushers = Field(
        description="Members with their tokens too, or trusted publishers alone."
    )


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


@publishers_api.operation(
    "POST",
    "api/v1/orgs/{org}/publishers",
    "Add a trusted publisher; for owners who signed in within the last ten minutes.",
    status=201,
    also=(409,),
)
async def api_publishers_add(call: ApiCall, new: NewPublisher) -> PublisherView:
    added = await call.registry.tokens.trusted_publishers.add(_wanted(call, new), by=call.caller)
    [view] = await _views(call, [added])
    return view


@publishers_api.operation(
    "POST",
    "api/v1/orgs/{org}/publishers/{id}/confirm",
    "Become the maker of a trusted publisher; for owners who signed in within the last ten "
    "minutes.",
)
async def api_publishers_confirm(call: ApiCall) -> PublisherView:
    publishers = call.registry.tokens.trusted_publishers
    publisher_id = call.route_params["id"]
    confirmed = await publishers.confirm(call.org, publisher_id, by=call.caller)
    [view] = await _views(call, [confirmed])
    return view


@publishers_api.operation(
    "DELETE",
    "api/v1/orgs/{org}/publishers/{id}",
    "Remove a trusted publisher; for owners who signed in within the last ten minutes.",
)
async def api_publishers_remove(call: ApiCall, sent: Reason) -> None:
    await call.registry.tokens.trusted_publishers.remove(
        call.org, call.route_params["id"], by=call.caller, reason=sent.reason
    )


@publishers_api.operation(
    "PUT",
    "api/v1/packages/{org}/{name}/pushers",
    "Set who can push to a package; for owners who signed in within the last ten minutes.",
)
async def api_publishers_restrict(call: ApiCall, sent: NewPushers) -> PushersView:
    package = call.package
    head = await call.registry.tokens.trusted_publishers.restrict_pushers(
        package, sent.pushers, by=call.caller, reason=sent.reason
    )
    return PushersView(org=head.org, name=head.name, pushers=head.pushers)


def _wanted(call: ApiCall, new: NewPublisher) -> PublisherRequest:
    rules = new.model_dump(include=set(PublisherRules.model_fields))
    return PublisherRequest(
        package=Package.parse(call.org, new.package) if new.package else call.org,
        provider=new.provider,
        ids=new.ids,
        server=new.issuer or new.server,
        repository=new.repository,
        rules=rules,
        audience=new.audience,
        claims=new.claims,
        scopes=new.scopes,
        reads=new.reads,
    )


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
    organization if a publisher says so. A client that accepts text/plain gets the token alone."""

    token: str
    expires_at: UtcTime
    org: str
    packages: list[str]
    refused: list[RefusedPackageView] = Field(
        description="Packages whose trusted publishers name the job and do not take this run, ten "
        "at most."
    )


class AudienceView(ResponseModel):
    """Whom an id token has to be for."""

    audience: str


class TokenExchangeFace(ApiFace):
    """Answers shells, which read no JSON, with the token or the sentence of a refusal alone."""

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
    "Exchange the id token of a job for a token that publishes its packages, or reads alone.",
    status=201,
    limit=RateLimitClass.TOKEN_ISSUE,
    stays_public=True,
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
    is_open=True,
    stays_public=True,
)
async def api_trusted_audience(call: ApiCall) -> AudienceView:
    return AudienceView(audience=call.registry.settings.base_url)
