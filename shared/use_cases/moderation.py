"""Moderation: withholding and restoring a release, holding a package, and deciding on what tokens
propose."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import about_field
from shared.domain.packages import Head, Release
from shared.domain.principals import Principal
from shared.domain.proposals import Proposal
from shared.domain.scopes import Action
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from shared.domain.withdrawals import parse_public_reason
from shared.registry import Registry
from shared.services.publishing.erasure import Erasure
from shared.services.publishing.package_holds import EndedHold
from shared.services.publishing.proposals import ConfirmedProposal
from shared.use_cases import second_administrator
from shared.use_cases.inputs import FormField, Inputs, Nothing, text
from shared.use_cases.use_case import use_case

_TOLD = "Owners with an email address were notified."


def _public_reason(values: Sequence[str]) -> WithdrawalReason | None:
    with about_field("note"):
        stated = parse_public_reason(text(values), "")
    return stated.why if stated else None


class RequiredReason(Inputs):
    """Why; those concerned and administrators read it."""

    reason: Annotated[str, FormField("Reason")] = Field(max_length=MAX_DESCRIPTION)


class TakeDown(RequiredReason):
    """Why a release is withheld: for its owners, and for everybody."""

    public_reason: Annotated[
        WithdrawalReason | None,
        FormField(
            "Public reason",
            hint="Shown to everyone who can see the package",
            name="public",
            read=_public_reason,
        ),
    ] = Field(
        default=None, strict=False, description="Everybody reads it on the page of the release."
    )
    public_note: Annotated[
        str,
        FormField(
            "Public explanation",
            hint="Optional, one sentence, also shown to everyone",
            name="note",
        ),
    ] = Field(
        default="", max_length=MAX_DESCRIPTION, description="A line that everybody reads there."
    )

    @property
    def public(self) -> PublicReason | None:
        why = self.public_reason.value if self.public_reason else ""
        with about_field("note"):
            return parse_public_reason(why, self.public_note)


@use_case(
    "Hold a release until it is restored.",
    inputs=RequiredReason,
    right=Action.MODERATE,
    done=f"Release held. {_TOLD}",
    printed="{release} is held.",
)
async def hold(
    registry: Registry, coordinate: Coordinate, sent: RequiredReason, by: Principal
) -> Release:
    return await registry.publishing.moderation.hold(coordinate, sent.reason, by=by)


@use_case(
    "Quarantine a release.",
    inputs=TakeDown,
    right=Action.MODERATE,
    done=f"Release quarantined. {_TOLD}",
    printed="{release} is quarantined.",
)
async def quarantine(
    registry: Registry, coordinate: Coordinate, sent: TakeDown, by: Principal
) -> Release:
    moderation = registry.publishing.moderation
    return await moderation.quarantine(coordinate, sent.reason, sent.public, by=by)


@use_case(
    "Serve a held or quarantined release again.",
    inputs=Nothing,
    right=Action.MODERATE,
    done=f"Release restored. {_TOLD}",
    printed="{release} is live.",
)
async def restore(registry: Registry, coordinate: Coordinate, _: Nothing, by: Principal) -> Release:
    return await registry.publishing.moderation.restore(coordinate, by=by)


# A removal cannot be undone, so only people make one, and two of them where the setting says so; a
# token proposes it.
@use_case(
    "Remove a release permanently; for administrators who signed in recently. A token proposes it.",
    inputs=TakeDown,
    right=Action.MODERATE,
    done=f"Release removed. {_TOLD}",
    printed="{release} is removed.",
)
async def remove(
    registry: Registry, coordinate: Coordinate, sent: TakeDown, by: Principal
) -> Release | Proposal:
    return await second_administrator.remove_release(
        registry, coordinate, sent.reason, sent.public, by
    )


@use_case(
    "Remove a release, and delete all that is stored of it at once; for administrators who signed "
    "in recently. A token proposes it.",
    inputs=TakeDown,
    right=Action.MODERATE,
)
async def erase(
    registry: Registry, coordinate: Coordinate, sent: TakeDown, by: Principal
) -> Erasure | Proposal:
    return await second_administrator.erase_release(
        registry, coordinate, sent.reason, sent.public, by
    )


@use_case(
    "Hold a package as a whole while a case is open: new releases wait, old ones stay.",
    inputs=RequiredReason,
    right=Action.MODERATE,
    done="Package held. New releases wait.",
    printed="{package} is held. New releases wait until: ballroom package restore {package}",
)
async def hold_package(
    registry: Registry, package: Package, sent: RequiredReason, by: Principal
) -> Head:
    return await registry.publishing.package_holds.hold(package, sent.reason, by=by)


@use_case(
    "End the hold of a package, and publish the releases that waited for that.",
    inputs=Nothing,
    right=Action.MODERATE,
    done="Package no longer held. The releases that waited are published.",
    printed="{package} is not held.",
)
async def end_package_hold(
    registry: Registry, package: Package, _: Nothing, by: Principal
) -> EndedHold:
    return await registry.publishing.package_holds.end(package, by=by)


@use_case(
    "Do what was proposed; for administrators who signed in recently.",
    inputs=Nothing,
    right=Action.OPERATE,
    done="Proposal confirmed, and done.",
)
async def confirm(
    registry: Registry, proposal_id: str, _: Nothing, by: Principal
) -> ConfirmedProposal:
    moves = registry.mirroring.moves if registry.mirroring else None
    return await registry.publishing.proposals.confirm(proposal_id, by=by, moves=moves)


@use_case(
    "Reject a proposal; for administrators who signed in recently.",
    inputs=RequiredReason,
    right=Action.OPERATE,
    done="Proposal rejected.",
)
async def reject(
    registry: Registry, proposal_id: str, sent: RequiredReason, by: Principal
) -> Proposal:
    return await registry.publishing.proposals.reject(proposal_id, sent.reason, by=by)


@use_case(
    "Withdraw what you asked a second administrator for; for administrators who signed in "
    "recently.",
    inputs=Nothing,
    right=Action.OPERATE,
    done="Request withdrawn. All administrators were notified by email.",
)
async def withdraw(registry: Registry, proposal_id: str, _: Nothing, by: Principal) -> Proposal:
    return await registry.publishing.proposals.withdraw(proposal_id, by=by)
