"""/api/v1/follows: the packages and organizations that the caller follows."""

from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from shared.domain.following import Pace

PACE_MEANING = "Mail within minutes, or a digest on Monday."


class FollowView(ResponseModel):
    """Something that the account follows."""

    followed: str = Field(description="A package, such as acme/greet, or an organization.")
    pace: Pace = Field(description=PACE_MEANING)
    since_at: UtcTime = Field(validation_alias="since_ms")


class FollowList(ResponseModel):
    """What the account follows, by name."""

    follows: list[FollowView]


class WantedFollow(RequestModel):
    """When to send mail about what is followed."""

    pace: Pace = Field(default=Pace.AT_ONCE, strict=False, description=PACE_MEANING)


following_api = ApiFace()

PACKAGE = "api/v1/follows/packages/{org}/{name}"
ORGANIZATION = "api/v1/follows/orgs/{org}"


@following_api.operation(
    "GET", "api/v1/follows", "List the packages and organizations that you follow."
)
async def api_follows_list(call: ApiCall) -> FollowList:
    follows = await call.registry.packages.following.list_own(by=call.caller)
    return FollowList.model_validate({"follows": follows})


@following_api.operation(
    "PUT",
    PACKAGE,
    "Follow a package: get mail about its new releases, withdrawals and advisories.",
    also=(409,),
)
async def api_follows_package(call: ApiCall, wanted: WantedFollow) -> FollowView:
    following = call.registry.packages.following
    followed = await following.follow(call.package, wanted.pace, by=call.caller)
    return FollowView.model_validate(followed)


@following_api.operation("DELETE", PACKAGE, "Follow a package no longer.")
async def api_follows_package_end(call: ApiCall) -> None:
    await call.registry.packages.following.unfollow(call.package, by=call.caller)


@following_api.operation(
    "PUT",
    ORGANIZATION,
    "Follow an organization: get mail about all its packages that you may see.",
    also=(409,),
)
async def api_follows_organization(call: ApiCall, wanted: WantedFollow) -> FollowView:
    following = call.registry.packages.following
    followed = await following.follow(call.org, wanted.pace, by=call.caller)
    return FollowView.model_validate(followed)


@following_api.operation("DELETE", ORGANIZATION, "Follow an organization no longer.")
async def api_follows_organization_end(call: ApiCall) -> None:
    await call.registry.packages.following.unfollow(call.org, by=call.caller)
