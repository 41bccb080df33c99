"""/api/v1/orgs/{org}/release-train: the release train of an organization."""

from datetime import datetime
from typing import Self

from pydantic import Field

from functions.api.operations import ApiCall, ApiFace, RequestModel, ResponseModel, utc_datetime
from shared.domain.organizations import (
    MAX_TRAIN_HOURS,
    MAX_TRAIN_PACKAGES,
    ReleaseTrain,
    ReleaseTrainPlan,
)


class NewReleaseTrain(RequestModel):
    """The size and duration of a new release train."""

    packages: int = Field(ge=1, le=MAX_TRAIN_PACKAGES)
    hours: int = Field(ge=1, le=MAX_TRAIN_HOURS)


class ReleaseTrainView(ResponseModel):
    """A release train that runs."""

    packages: int = Field(description="How many packages burst detection lets through.")
    published: int = Field(description="How many of them were published.")
    begins_at: datetime | None
    ends_at: datetime | None

    @classmethod
    def of(cls, train: ReleaseTrain, published: int = 0) -> Self:
        return cls(
            packages=train.packages,
            published=published,
            begins_at=utc_datetime(train.begins_ms),
            ends_at=utc_datetime(train.ends_ms),
        )


class ReleaseTrainState(ResponseModel):
    """The release train of an organization."""

    release_train: ReleaseTrainView | None = Field(description="Null if none runs.")


release_trains_api = ApiFace()


@release_trains_api.operation(
    "GET",
    "api/v1/orgs/{org}/release-train",
    "Show the release train of an organization; its owners may.",
)
async def api_release_train_show(call: ApiCall) -> ReleaseTrainState:
    found = await call.registry.organizations.release_trains.show(call.org, by=call.caller)
    view = ReleaseTrainView.of(found.train, found.packages) if found else None
    return ReleaseTrainState(release_train=view)


@release_trains_api.operation(
    "POST",
    "api/v1/orgs/{org}/release-train",
    "Announce a release train, which begins now: burst detection lets so many packages through. "
    "For owners who signed in within the last ten minutes.",
    status=201,
    also=(409,),
)
async def api_release_train_announce(call: ApiCall, sent: NewReleaseTrain) -> ReleaseTrainView:
    plan = ReleaseTrainPlan(sent.packages, sent.hours)
    announced = await call.registry.organizations.release_trains.announce(
        call.org, plan, by=call.caller
    )
    return ReleaseTrainView.of(announced)


@release_trains_api.operation(
    "DELETE",
    "api/v1/orgs/{org}/release-train",
    "End the release train; for owners who signed in within the last ten minutes.",
    also=(409,),
)
async def api_release_train_end(call: ApiCall) -> None:
    await call.registry.organizations.release_trains.end(call.org, by=call.caller)
