"""/api/v1/orgs/{org}/publishers: which jobs of CI systems publish an organization's packages."""

from datetime import datetime
from typing import Annotated, Self

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
    nothing,
)
from shared.domain.names import Package, parse_org
from shared.domain.package import Pushers
from shared.domain.publishers import MAX_REFS, Publisher, Rules
from shared.domain.workloads import Provider
from shared.registry import Registry
from shared.services.trusted_publishers import PublisherRequest

Text = Annotated[str, Field(max_length=255)]


class NewPublisher(Request):
    """A job that is to publish a package, and which of its runs."""

    package: Text = Field(description="Its name; where there is none yet, the first push makes it.")
    provider: Provider
    server: Text = Field(default="", description="Of GitHub or GitLab, where it is one's own.")
    ids: dict[Text, Text] = Field(
        description="repository_id and repository_owner_id of GitHub; project_id and namespace_id "
        "of GitLab; org_id, prj_id and def_id of Azure DevOps; tid and oid of Entra ID."
    )
    repository: Text = Field(default="", description="A name for people; it decides nothing.")
    workflow: Text = Field(default="", description="The file of the workflow: release.yml.")
    reusable_workflow: Text = Field(
        default="",
        description="The workflow of another repository that a job of GitHub runs, with its ref: "
        "octo/ci/.github/workflows/publish.yml@refs/tags/v1.",
    )
    refs: list[Text] = Field(
        default=[], max_length=MAX_REFS, description="refs/heads/main, or refs/tags/v* for many."
    )
    environment: Text = Field(default="", description="The environment that a job has to run in.")
    protected: bool = Field(default=False, description="Whether the ref has to be protected.")


class PublisherView(Answer):
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
            created_at=moment(publisher.created_ms),
            pending_until=moment(publisher.pending_until_ms),
        )


class PublisherList(Answer):
    """The trusted publishers of an organization."""

    publishers: list[PublisherView]


class NewPushers(Request):
    """Who is to push to a package."""

    pushers: Pushers = Field(
        description="Members with their tokens too, or trusted publishers alone."
    )


class PushersView(Answer):
    """A package and who pushes to it."""

    org: str
    name: str
    pushers: Pushers


OPERATIONS = (
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


def blueprint(registry: Registry) -> func.Blueprint:
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
        return nothing()

    @bp.route("api/v1/packages/{org}/{name}/pushers", methods=["PUT"])
    @api_errors
    async def api_publishers_restrict(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        package = Package.parse(req.route_params["org"], req.route_params["name"])
        head = await publishers.restrict(package, body_as(NewPushers, req).pushers, by=caller)
        return answer(PushersView(org=head.org, name=head.name, pushers=head.pushers))

    return bp


def _wanted(req: func.HttpRequest) -> PublisherRequest:
    new = body_as(NewPublisher, req)
    rules = new.model_dump(include=set(Rules.model_fields))
    return PublisherRequest(
        package=Package.parse(req.route_params["org"], new.package),
        provider=new.provider,
        ids=new.ids,
        server=new.server,
        repository=new.repository,
        rules=rules,
    )
