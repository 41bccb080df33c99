"""/api/v1/mirror: upstream registries, their rules, and releases that are refused or
admitted; for administrators."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from functions.api.api_face import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from functions.http.operations import READ_METHODS
from shared.domain.coordinates import Coordinate
from shared.domain.mirror_rules import MAX_RULES, MAX_UPSTREAMS, MirrorRules, RuleLists
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.registry.mirroring import MirroringServices
from shared.services.mirroring.mirror_rules import ChangedMirrorRules

EFFECTS_LISTED = 1_000  # Effects of a dry run in an answer: the releases with the most pulls.


class MirrorChange(RequestModel):
    """Upstream registries and rules. A list takes the place of the one that is there, and an empty
    list removes its rules; a list that is left out stays."""

    upstreams: list[str] | None = Field(
        default=None, max_length=MAX_UPSTREAMS, description="central or addresses, in their order."
    )
    rules: list[str] | None = Field(
        default=None,
        max_length=MAX_RULES,
        description="A pattern and its target, such as `acme/* deny`. Targets are allow, deny and "
        "names of upstreams; the first rule that matches decides.",
    )
    minimum_ages: list[str] | None = Field(
        default=None,
        max_length=MAX_RULES,
        description="How old releases have to be: a pattern, days or a time after which nothing is "
        "served, and the name of an upstream if it is for one alone, such as `acme/* 14`, "
        "`* 7 central` and `* 2026-06-01`. The first one that matches decides; 0 is an exception.",
    )

    def applied_to(self, stored: MirrorRules) -> MirrorRules:
        """Return the rules after the change; raise `InvalidRequest`."""
        return RuleLists(self.upstreams, self.rules, self.minimum_ages).applied_to(stored)


AsText = Annotated[str, BeforeValidator(str)]


class UpstreamView(ResponseModel):
    """An upstream registry."""

    name: str
    address: str = Field(validation_alias="url")


class MirrorView(ResponseModel):
    """The upstream registries and rules in force."""

    upstreams: list[UpstreamView]
    rules: list[AsText]
    default_rules: list[AsText] = Field(description="Those that follow the rules.")
    minimum_ages: list[AsText] = Field(validation_alias="ages")
    default_minimum_age: int = Field(
        validation_alias="default_days",
        description="Days if none of them matches, from a setting.",
    )
    changed_at: UtcTime = Field(description="Null if they are those of the setting.")


class ChangedMirrorView(MirrorView):
    """The upstream registries and rules after a change."""

    removed: list[str] = Field(description="What the change removed, such as `rule acme/* deny`.")

    @classmethod
    def of(cls, changed: ChangedMirrorRules) -> "ChangedMirrorView":
        view = MirrorView.model_validate(changed.rules)
        return cls.model_construct(**dict(view), removed=list(changed.removed))


class RuleEffectView(ResponseModel):
    """A stored release that a change decides otherwise about."""

    release: str
    pulls: int = Field(description="The number of pulls in the last 30 days.")
    now: str
    then: str


class RuleDryRunView(ResponseModel):
    """The effect of a change on the pulls of the last 30 days."""

    pulls: int
    releases_read: int
    removed: list[str] = Field(description="What it removes, such as `rule acme/* deny`.")
    effects: Annotated[
        list[RuleEffectView], BeforeValidator(lambda effects: effects[:EFFECTS_LISTED])
    ]


class RetryRequest(RequestModel):
    """A refused release that the next pull fetches again."""

    release: str = Field(description="Such as ballerina/io:1.6.1.")


class AdmissionRequest(RequestModel):
    """A release of an upstream that is served at any age."""

    release: str = Field(description="Such as ballerina/io:1.6.1.")
    reason: str = Field(max_length=MAX_DESCRIPTION, description="For the audit log.")


class RefusedReleaseView(ResponseModel):
    """A release of an upstream that is not served."""

    release: AsText = Field(validation_alias="coordinate")
    upstream: str
    reason: str = Field(validation_alias="refused_because")
    incident: bool = Field(
        validation_alias="is_incident", description="Whether the upstream changed its archive."
    )
    refused_at: UtcTime
    pinned_digest: str = Field(validation_alias="digest")
    offered_digest: Annotated[str | None, BeforeValidator(lambda digest: digest or None)] = Field(
        description="For an incident, the digest of the archive that the upstream offered."
    )


class RefusedReleaseList(ResponseModel):
    """Refused releases: incidents first, then the newest."""

    releases: list[RefusedReleaseView]


class RetryView(ResponseModel):
    """Whether the release was refused."""

    retried: bool


class GoneReleaseView(ResponseModel):
    """A stored release that its upstream removed, and that is still served here."""

    release: AsText = Field(validation_alias="coordinate")
    upstream: str
    since: UtcTime = Field(validation_alias="since_ms")
    reason: Annotated[str | None, BeforeValidator(lambda why: why or None)] = Field(
        validation_alias="why", description="The public reason, where the upstream gives one."
    )
    permanent: bool = Field(
        validation_alias="is_final", description="Whether the upstream removed it for good."
    )


class GoneReleaseList(ResponseModel):
    """Releases that are gone at their upstream, the newest first."""

    releases: list[GoneReleaseView]


class GoneDecision(RequestModel):
    """A release that is gone at its upstream, and that somebody decides on."""

    release: str = Field(description="Such as ballerina/io:1.6.1.")


_LIST_REFUSALS = (400, 401, 403)

mirror_api = ApiFace()


@mirror_api.operation(
    "GET",
    "api/v1/mirror",
    "Show the upstream registries and their rules; for administrators.",
    also=(400, 403),
)
async def api_mirror_show(call: ApiCall) -> MirrorView:
    mirroring = await require_mirroring(call)
    return MirrorView.model_validate(await mirroring.rules.current(by=call.caller))


@mirror_api.operation(
    "PUT",
    "api/v1/mirror",
    "Replace the lists that are given: upstream registries, rules or minimum ages; for "
    "administrators who signed in recently.",
)
async def api_mirror_replace(call: ApiCall, sent: MirrorChange) -> ChangedMirrorView:
    rules = (await require_mirroring(call)).rules
    return ChangedMirrorView.of(await rules.change(sent.applied_to, by=call.caller))


@mirror_api.operation(
    "POST",
    "api/v1/mirror/dry-run",
    "Show what other rules would have done to the pulls of the last 30 days; for administrators.",
)
async def api_mirror_dry_run(call: ApiCall, sent: MirrorChange) -> RuleDryRunView:
    rules = (await require_mirroring(call)).rules
    return RuleDryRunView.model_validate(await rules.preview(sent.applied_to, by=call.caller))


@mirror_api.operation(
    "POST",
    "api/v1/mirror/admissions",
    "Serve one release of an upstream before it has its minimum age, such as an urgent fix; for "
    "administrators who signed in recently.",
    also=(404,),
)
async def api_mirror_admit(call: ApiCall, sent: AdmissionRequest) -> None:
    rules = (await require_mirroring(call)).rules
    await rules.admit(Coordinate.from_text(sent.release), sent.reason, by=call.caller)


@mirror_api.operation(
    "GET",
    "api/v1/mirror/refusals",
    "List up to 1,000 refused releases of upstreams, incidents first; for administrators.",
    refusals=_LIST_REFUSALS,
)
async def api_mirror_refusals(call: ApiCall) -> RefusedReleaseList:
    found = await (await require_mirroring(call)).reader.pins.list_refused(by=call.caller)
    return RefusedReleaseList.model_validate({"releases": found})


@mirror_api.operation(
    "POST",
    "api/v1/mirror/retries",
    "Let the next pull fetch a refused release again; for administrators. Its pinned digest stays.",
    refusals=_LIST_REFUSALS,
)
async def api_mirror_retry(call: ApiCall, sent: RetryRequest) -> RetryView:
    pins = (await require_mirroring(call)).reader.pins
    return RetryView(retried=await pins.accept(Coordinate.from_text(sent.release), by=call.caller))


@mirror_api.operation(
    "GET",
    "api/v1/mirror/gone",
    "List stored releases that their upstream removed, and that are still served here; for "
    "administrators.",
    refusals=_LIST_REFUSALS,
)
async def api_mirror_gone(call: ApiCall) -> GoneReleaseList:
    found = await (await require_mirroring(call)).gone.list(by=call.caller)
    return GoneReleaseList.model_validate({"releases": found})


@mirror_api.operation(
    "POST",
    "api/v1/mirror/gone/keep",
    "Keep serving a release that its upstream removed; for administrators.",
    refusals=_LIST_REFUSALS,
)
async def api_mirror_keep(call: ApiCall, sent: GoneDecision) -> None:
    gone = (await require_mirroring(call)).gone
    await gone.keep(Coordinate.from_text(sent.release), by=call.caller)


@mirror_api.operation(
    "POST",
    "api/v1/mirror/gone/withhold",
    "Quarantine a release that its upstream removed; for administrators who signed in recently.",
    also=(404,),
)
async def api_mirror_withhold(call: ApiCall, sent: GoneDecision) -> None:
    gone = (await require_mirroring(call)).gone
    await gone.withhold(Coordinate.from_text(sent.release), by=call.caller)


async def require_mirroring(call: ApiCall) -> MirroringServices:
    """Return the services to an administrator, and for reading to an auditor; or raise that there
    are none."""
    authorization = call.registry.rights.registry_authorization
    is_reading = call.method in READ_METHODS
    require = authorization.require_auditor if is_reading else authorization.require
    await require(call.caller, "look at", "the mirror")
    return call.registry.require_mirroring()
