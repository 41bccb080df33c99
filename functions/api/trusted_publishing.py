"""Trusted publishing: the publishers of an organization, and the token that a CI job gets for its
id token.
"""

from datetime import datetime
from typing import Annotated, Self

import azure.functions as func
from pydantic import Field

from functions.api.operations import (
    Operation,
    RequestModel,
    ResponseModel,
    answer,
    api_caller,
    no_content_response,
    parse_body,
    utc_datetime,
)
from functions.http.callers import verify_credential
from functions.http.handlers import api_errors
from shared.auth.secrets import Secret
from shared.auth.signed_tokens import MAX_TOKEN_BYTES
from shared.composition import Registry
from shared.domain.names import Package, parse_org
from shared.domain.packages import Pushers
from shared.domain.rate_limits import RateLimitClass
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publishers import MAX_REFS, Publisher, PublisherRules
from shared.services.trusted_publishing import PublisherRequest

ShortText = Annotated[str, Field(max_length=255)]


class NewPublisher(RequestModel):
    """A job that is to publish a package, and which of its runs."""

    package: ShortText = Field(
        description="Its name; where there is none yet, the first push makes it."
    )
    provider: Provider
    server: ShortText = Field(default="", description="Of GitHub or GitLab, where it is one's own.")
    ids: dict[ShortText, ShortText] = Field(
        description="repository_id and repository_owner_id of GitHub; project_id and namespace_id "
        "of GitLab; org_id, prj_id and def_id of Azure DevOps; tid and oid of Entra ID."
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
    environment: ShortText = Field(
        default="", description="The environment that a job has to run in."
    )
    protected: bool = Field(default=False, description="Whether the ref has to be protected.")


class PublisherView(ResponseModel):
    """A trusted publisher."""

    id: str
    package: str
    provider: Provider
    server: str
    ids: dict[str, str]
    repository: str
    workflow: str
    reusable_workflow: str
    refs: list[str]
    environment: str
    protected: bool
    created_at: datetime | None
    pending_until: datetime | None = Field(
        description="Until when it waits for its package; null once the package is there."
    )

    @classmethod
    def of(cls, publisher: Publisher) -> Self:
        """Show a publisher."""
        rules = publisher.rules
        return cls(
            id=publisher.id,
            package=publisher.package,
            provider=publisher.provider,
            server=publisher.server,
            ids=publisher.ids,
            repository=publisher.repository,
            workflow=rules.workflow,
            reusable_workflow=rules.reusable_workflow,
            refs=list(rules.refs),
            environment=rules.environment,
            protected=rules.protected,
            created_at=utc_datetime(publisher.created_ms),
            pending_until=utc_datetime(publisher.pending_until_ms),
        )


class PublisherList(ResponseModel):
    """The trusted publishers of an organization."""

    publishers: list[PublisherView]


class NewPushers(RequestModel):
    """Who is to push to a package."""

    pushers: Pushers = Field(
        description="Members with their tokens too, or trusted publishers alone."
    )


class PushersView(ResponseModel):
    """A package and who pushes to it."""

    org: str
    name: str
    pushers: Pushers


PUBLISHER_OPERATIONS = (
    Operation(
        "api_publishers_list",
        "GET",
        "api/v1/orgs/{org}/publishers",
        "List the trusted publishers of an organization; its owners may.",
        200,
        answer=PublisherList,
        refusals=(400, 401, 403, 404),
    ),
    Operation(
        "api_publishers_add",
        "POST",
        "api/v1/orgs/{org}/publishers",
        "Let a job publish a package; owners may who signed in within ten minutes.",
        201,
        request=NewPublisher,
        answer=PublisherView,
        refusals=(400, 401, 403, 404, 409),
    ),
    Operation(
        "api_publishers_remove",
        "DELETE",
        "api/v1/orgs/{org}/publishers/{id}",
        "Let a job publish no longer; owners may who signed in within ten minutes.",
        204,
        refusals=(400, 401, 403, 404),
    ),
    Operation(
        "api_publishers_restrict",
        "PUT",
        "api/v1/packages/{org}/{name}/pushers",
        "Say who pushes to a package; owners may who signed in within ten minutes.",
        200,
        request=NewPushers,
        answer=PushersView,
        refusals=(400, 401, 403, 404),
    ),
)


def publishers_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of trusted publishers."""
    bp = func.Blueprint()
    publishers = registry.trusted_publishers

    @bp.route("api/v1/orgs/{org}/publishers", methods=["GET", "HEAD"])
    @api_errors
    async def api_publishers_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        found = await publishers.of(parse_org(req.route_params["org"]), by=caller)
        return answer(PublisherList(publishers=[PublisherView.of(each) for each in found]))

    @bp.route("api/v1/orgs/{org}/publishers", methods=["POST"])
    @api_errors
    async def api_publishers_add(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        added = await publishers.add(_wanted(req), by=caller)
        location = f"/api/v1/orgs/{added.org}/publishers/{added.id}"
        return answer(PublisherView.of(added), 201, Location=location)

    @bp.route("api/v1/orgs/{org}/publishers/{id}", methods=["DELETE"])
    @api_errors
    async def api_publishers_remove(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        org = parse_org(req.route_params["org"])
        await publishers.remove(org, req.route_params["id"], by=caller)
        return no_content_response()

    @bp.route("api/v1/packages/{org}/{name}/pushers", methods=["PUT"])
    @api_errors
    async def api_publishers_restrict(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        package = Package.parse(req.route_params["org"], req.route_params["name"])
        head = await publishers.restrict(package, parse_body(NewPushers, req).pushers, by=caller)
        return answer(PushersView(org=head.org, name=head.name, pushers=head.pushers))

    return bp


def _wanted(req: func.HttpRequest) -> PublisherRequest:
    new = parse_body(NewPublisher, req)
    rules = new.model_dump(include=set(PublisherRules.model_fields))
    return PublisherRequest(
        package=Package.parse(req.route_params["org"], new.package),
        provider=new.provider,
        ids=new.ids,
        server=new.server,
        repository=new.repository,
        rules=rules,
    )


class IdToken(RequestModel):
    """What a provider signed for the job."""

    token: str = Field(min_length=1, max_length=MAX_TOKEN_BYTES, description="The id token.")
    org: str | None = Field(
        default=None, description="Needed where the job publishes for several organizations."
    )


class JobTokenView(ResponseModel):
    """An access token for a quarter of an hour, and what it publishes."""

    token: str
    expires_at: datetime | None
    org: str
    packages: list[str]


class AudienceView(ResponseModel):
    """Whom an id token has to be for."""

    audience: str


TOKEN_EXCHANGE_OPERATIONS = (
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


def token_exchange_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions that jobs call."""
    bp = func.Blueprint()

    @bp.route("api/v1/trusted-publishing/token", methods=["POST"])
    @api_errors
    async def api_trusted_exchange(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry, RateLimitClass.TOKEN_ISSUE)
        sent = parse_body(IdToken, req)
        org = None if sent.org is None else parse_org(sent.org)
        exchange = registry.trusted_publishing.exchange
        issued = await verify_credential(
            lambda: exchange(Secret(sent.token), org=org, by=caller),
            sent.token,
            registry,
            address=caller.address,
        )
        token = issued.token
        shown = JobTokenView(
            token=issued.text.reveal(),
            expires_at=utc_datetime(token.expires_ms),
            org=token.org,
            packages=[grant.package for grant in token.grants],
        )
        return answer(shown, 201)

    @bp.route("api/v1/trusted-publishing/audience", methods=["GET", "HEAD"])
    @api_errors
    async def api_trusted_audience(req: func.HttpRequest) -> func.HttpResponse:
        return answer(AudienceView(audience=registry.settings.base_url))

    return bp
