"""/api/v1/orgs/{org}/held: releases that wait for an owner, and decisions on one or many."""

from pydantic import AliasPath, AwareDatetime, Field

from functions.api.operations import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from shared.services.publishing.held_releases import HeldBurst


class HeldView(ResponseModel):
    """A release that is stored and shown to nobody."""

    name: str
    version: str
    reason: str = Field(validation_alias="state_reason")
    published_by: str = Field(
        validation_alias=AliasPath("origin", "principal"),
        description="The id of an account or a publisher.",
    )
    published_at: UtcTime = Field(validation_alias="created_ms")


class HeldList(ResponseModel):
    """The releases of an organization that wait for an owner."""

    releases: list[HeldView]


held_releases_api = ApiFace()


@held_releases_api.operation(
    "GET", "api/v1/orgs/{org}/held", "List the releases of an organization that wait for an owner."
)
async def api_held_list(call: ApiCall) -> HeldList:
    releases = await call.registry.publishing.held_releases.all(call.org, by=call.caller)
    return HeldList.model_validate({"releases": releases})


@held_releases_api.operation(
    "POST",
    "api/v1/orgs/{org}/held/{name}/{version}/confirm",
    "Publish a held release; for owners who signed in within the last ten minutes.",
    also=(409,),
)
async def api_held_confirm(call: ApiCall) -> None:
    await call.registry.publishing.held_releases.confirm(call.coordinate, by=call.caller)


@held_releases_api.operation(
    "POST",
    "api/v1/orgs/{org}/held/{name}/{version}/refuse",
    "Remove a held release, whose version can never be published; for owners who signed in "
    "within the last ten minutes.",
    also=(409,),
)
async def api_held_refuse(call: ApiCall) -> None:
    await call.registry.publishing.held_releases.refuse(call.coordinate, by=call.caller)


class HeldSelection(RequestModel):
    """Which of the releases that wait are decided on; without a field, all of them."""

    published_by: str = Field(default="", description="The `publishedBy` of the list.")
    published_until: AwareDatetime | None = Field(
        default=None, description="The latest `publishedAt` of the list; later releases wait on."
    )

    @property
    def burst(self) -> HeldBurst:
        until = self.published_until
        # The list shows seconds.
        until_ms = None if until is None else int(until.timestamp()) * 1000 + 999
        return HeldBurst(self.published_by, until_ms)


class DecidedRelease(ResponseModel):
    """A release that was decided on."""

    name: str
    version: str


class DecidedList(ResponseModel):
    """The releases that were decided on, up to 500."""

    releases: list[DecidedRelease]
    waiting: int = Field(description="How many of those chosen still wait; repeat the request.")


@held_releases_api.operation(
    "POST",
    "api/v1/orgs/{org}/held/confirm",
    "Publish all held releases, or those of one publisher; for owners who signed in within the "
    "last ten minutes.",
)
async def api_held_confirm_all(call: ApiCall, sent: HeldSelection) -> DecidedList:
    chosen, by = sent.burst, call.caller
    return DecidedList.model_validate(
        await call.registry.publishing.held_releases.confirm_all(call.org, chosen, by=by)
    )


@held_releases_api.operation(
    "POST",
    "api/v1/orgs/{org}/held/refuse",
    "Remove all held releases, or those of one publisher; for owners who signed in within the "
    "last ten minutes.",
)
async def api_held_refuse_all(call: ApiCall, sent: HeldSelection) -> DecidedList:
    chosen, by = sent.burst, call.caller
    return DecidedList.model_validate(
        await call.registry.publishing.held_releases.refuse_all(call.org, chosen, by=by)
    )
