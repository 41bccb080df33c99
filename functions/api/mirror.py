"""/api/v1/mirror: upstream registries, their rules, and moves of names; for administrators."""

from datetime import datetime
from typing import Self

from pydantic import Field

from functions.api.operations import ApiCall, ApiFace, RequestModel, ResponseModel, utc_datetime
from shared.domain.mirror_rules import HERE, MAX_RULES, MAX_UPSTREAMS, MirrorDraft, MirrorRules
from shared.domain.names import parse_org
from shared.services.mirroring.group import MirroringServices
from shared.services.mirroring.mirror_rules import RuleDryRun
from shared.services.mirroring.name_moves import NameMove

EFFECTS_LISTED = 1_000  # Of a dry run, those with the most pulls.


class MirrorChange(RequestModel):
    """All upstream registries and rules; what is left out is removed."""

    upstreams: list[str] = Field(
        max_length=MAX_UPSTREAMS, description="central or addresses, in their order."
    )
    rules: list[str] = Field(
        default=[],
        max_length=MAX_RULES,
        description="A pattern and its target, such as `acme/* deny`. Targets are allow, deny and "
        "names of upstreams; the first rule that matches decides.",
    )
    frozen_at: str = Field(
        default="", description="Releases that were published later are not served."
    )

    @property
    def draft(self) -> MirrorDraft:
        """The parsed change; raises `InvalidRequest`."""
        return MirrorDraft.parse(self.upstreams, self.rules, self.frozen_at)


class UpstreamView(ResponseModel):
    """An upstream registry."""

    name: str
    address: str


class MirrorView(ResponseModel):
    """The upstream registries and rules in force."""

    upstreams: list[UpstreamView]
    rules: list[str]
    default_rules: list[str] = Field(description="Those that follow the rules.")
    frozen_at: datetime | None
    changed_at: datetime | None = Field(description="Null for those of the setting.")

    @classmethod
    def of(cls, rules: MirrorRules) -> Self:
        return cls(
            upstreams=[UpstreamView(name=each.name, address=each.url) for each in rules.upstreams],
            rules=list(map(str, rules.rules)),
            default_rules=list(map(str, rules.default_rules)),
            frozen_at=utc_datetime(rules.frozen_ms),
            changed_at=utc_datetime(rules.changed_ms),
        )


class RuleEffectView(ResponseModel):
    """A stored release that a change decides otherwise about."""

    release: str
    pulls: int = Field(description="Of the last 30 days.")
    now: str
    then: str


class RuleConflictView(ResponseModel):
    """A rule without effect, because the name belongs to another side."""

    rule: str
    owner: str = Field(description="The owner of the name: `here`, or an upstream.")


class RuleDryRunView(ResponseModel):
    """The effect of a change on the pulls of the last 30 days."""

    pulls: int
    releases_read: int
    effects: list[RuleEffectView]
    conflicts: list[RuleConflictView]

    @classmethod
    def of(cls, found: RuleDryRun) -> Self:
        return cls(
            pulls=found.pulls,
            releases_read=found.releases_read,
            effects=[
                RuleEffectView(release=e.release, pulls=e.pulls, now=e.now, then=e.then)
                for e in found.effects[:EFFECTS_LISTED]
            ],
            conflicts=[
                RuleConflictView(rule=str(each.rule), owner=each.owner or HERE)
                for each in found.conflicts
            ],
        )


class NameMoveRequest(RequestModel):
    """A move of the name of an organization."""

    org: str
    to: str = Field(description="`here`, or the name of an upstream.")
    dry_run: bool = Field(default=True, description="Whether to change nothing.")


class NameMoveView(ResponseModel):
    """The outcome of a move, or its plan."""

    org: str
    before: str | None = Field(description="The owner before: `here`, an upstream, or nobody.")
    after: str
    packages: int
    withheld: int = Field(description="Releases of the side before.")
    restored: int = Field(description="Releases that an earlier move withheld.")

    @classmethod
    def of(cls, move: NameMove) -> Self:
        return cls(
            org=move.org,
            before=None if move.before is None else move.before or HERE,
            after=move.after or HERE,
            packages=move.packages,
            withheld=move.withheld,
            restored=move.restored,
        )


mirror_api = ApiFace()


@mirror_api.operation(
    "GET",
    "api/v1/mirror",
    "Show the upstream registries and their rules; for administrators.",
    also=(400, 403),
)
async def api_mirror_show(call: ApiCall) -> MirrorView:
    mirroring = await require_mirroring(call)
    return MirrorView.of(await mirroring.rules.current(by=call.caller))


@mirror_api.operation(
    "PUT",
    "api/v1/mirror",
    "Replace the upstream registries and their rules; for administrators who signed in recently.",
)
async def api_mirror_replace(call: ApiCall, sent: MirrorChange) -> MirrorView:
    mirroring = await require_mirroring(call)
    return MirrorView.of(await mirroring.rules.replace(sent.draft, by=call.caller))


@mirror_api.operation(
    "POST",
    "api/v1/mirror/dry-run",
    "Show what other rules would have done to the pulls of the last 30 days; for administrators.",
)
async def api_mirror_dry_run(call: ApiCall, sent: MirrorChange) -> RuleDryRunView:
    mirroring = await require_mirroring(call)
    return RuleDryRunView.of(await mirroring.rules.dry_run(sent.draft, by=call.caller))


@mirror_api.operation(
    "POST",
    "api/v1/mirror/moves",
    "Move the name of an organization to another registry; for administrators who signed in "
    "recently. Releases of the side before are withheld.",
)
async def api_mirror_move(call: ApiCall, wanted: NameMoveRequest) -> NameMoveView:
    moves = (await require_mirroring(call)).moves
    make = moves.dry_run if wanted.dry_run else moves.move
    return NameMoveView.of(await make(parse_org(wanted.org), wanted.to, by=call.caller))


async def require_mirroring(call: ApiCall) -> MirroringServices:
    """Return the services to an administrator, or raise that there are none."""
    await call.registry.common.administration.require(call.caller, "look at", "the mirror")
    return call.registry.require_mirroring()
