"""POST /api/v1/check: what became of the versions that a build uses, and the script that asks."""

from collections.abc import Sequence
from functools import partial
from typing import Self

from pydantic import Field

from functions.api.api_face import (
    ApiCall,
    ApiFace,
    RequestModel,
    ResponseModel,
    UtcTime,
    parse_body,
    utc_datetime,
)
from functions.http.addresses import release_path
from shared.domain.body_sizes import MAX_BODY_BYTES
from shared.domain.dependency_files import named_dependencies
from shared.domain.errors.base import about_field
from shared.domain.errors.packages import Withdrawal
from shared.services.api_docs.dependency_updates import CheckedDependency, DependencyState

# Packages in one request; for each with newer versions, the verdicts are read.
CHECKED_AT_ONCE = 40


class DependenciesToCheck(RequestModel):
    """The versions that a build uses."""

    dependencies: str = Field(
        max_length=100_000,
        description="The content of a Dependencies.toml, or of a Ballerina.toml.",
    )
    offset: int = Field(default=0, ge=0, le=100_000, description="nextOffset of the page before.")


class WithdrawalView(ResponseModel):
    """A withdrawal, with its public reason."""

    reason: str | None = Field(description="Such as malware; null where none is said.")
    note: str | None
    permanent: bool = Field(description="Whether the version was removed for good.")
    at: UtcTime

    @classmethod
    def of(cls, withdrawal: Withdrawal) -> Self:
        return cls(
            reason=withdrawal.why or None,
            note=withdrawal.note or None,
            permanent=withdrawal.is_final,
            at=utc_datetime(withdrawal.at_ms),
        )


class CheckedView(ResponseModel):
    """A version that is used, and what became of it."""

    org: str
    name: str
    version: str
    state: DependencyState = Field(
        description="The most severe: withdrawn, missing, deprecated, newer or current. What you "
        "may not see is missing."
    )
    withdrawal: WithdrawalView | None
    deprecation: str | None
    successor: str | None = Field(description="The package that replaces it, as org/name.")
    newest: str | None = Field(description="Null where it is used.")
    breaking_versions: list[str] = Field(description="The newer ones that break callers.")
    changes_url: str | None = Field(description="The changes of the API up to the newest version.")

    @classmethod
    def of(cls, found: CheckedDependency, base_url: str) -> Self:
        used = found.used
        package = found.used.package
        changes = f"{base_url}{release_path(package, found.newest)}/changes?from={used.version}"
        return cls(
            org=package.org,
            name=package.name,
            version=used.version.text,
            state=found.state,
            withdrawal=WithdrawalView.of(found.withdrawal) if found.withdrawal else None,
            deprecation=found.deprecation,
            successor=str(found.successor) if found.successor else None,
            newest=found.newest or None,
            breaking_versions=list(found.breaking),
            changes_url=changes if found.newest else None,
        )


class CheckedPage(ResponseModel):
    """The state of some of the versions."""

    packages: Sequence[CheckedView]
    next_offset: int | None = Field(description="Null for the last page.")


dependencies_api = ApiFace(partial(parse_body, most_bytes=MAX_BODY_BYTES))


@dependencies_api.operation(
    "POST",
    "api/v1/check",
    "Check the versions that a build uses; changes nothing.",
    refusals=(400, 401),
    needs_token=False,
    is_read_only_post=True,
)
async def api_dependencies_check(call: ApiCall, sent: DependenciesToCheck) -> CheckedPage:
    with about_field("dependencies"):
        wanted = named_dependencies(sent.dependencies)
    end = sent.offset + CHECKED_AT_ONCE
    updates = call.registry.api_docs.dependency_updates
    found = await updates.check(wanted[sent.offset : end], by=call.caller)
    base_url = call.registry.settings.base_url
    rows = [CheckedView.of(each, base_url) for each in found]
    return CheckedPage(packages=rows, next_offset=end if end < len(wanted) else None)
