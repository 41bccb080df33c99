"""What visitors read where a package or release is missing or withdrawn: similar names, or what
happened to it and what to use instead.
"""

from contextlib import suppress
from urllib.parse import urlencode

from functions.http.public_pages import PublicPageCall
from shared.domain.errors.base import InvalidName, Refusal, Unavailable
from shared.domain.errors.packages import (
    PackageNotFound,
    PackageWithdrawn,
    ReleaseNotFound,
    ReleaseWithdrawn,
    Withdrawal,
)
from shared.domain.packages import WithdrawalReason
from shared.domain.search import Suggestion
from shared.domain.withheld_releases import WITHDRAWAL_TITLES

# Why a release is withdrawn that does no harm to those who have built or run it.
HARMLESS_REASONS = frozenset(
    (
        WithdrawalReason.LEAK,
        WithdrawalReason.LEGAL,
        WithdrawalReason.OWNER_REQUEST,
        WithdrawalReason.POLICY,
    )
)


async def missing_page(call: PublicPageCall, refusal: Refusal) -> None:
    """Choose the page for a refusal of a package or release."""
    match refusal:
        case PackageWithdrawn() | ReleaseWithdrawn():
            _show_tombstone(call, refusal)
        case PackageNotFound() | ReleaseNotFound() | InvalidName():
            await _show_near_names(call, refusal)
        case _:
            pass


def _show_tombstone(call: PublicPageCall, refusal: PackageWithdrawn | ReleaseWithdrawn) -> None:
    if isinstance(refusal, PackageWithdrawn):
        package, withdrawals, version, latest = refusal.package, refusal.withdrawals, "", ""
    else:
        package, version = refusal.coordinate.package, refusal.coordinate.version.text
        withdrawals, latest = (refusal.withdrawal,), refusal.latest
    call.show_refusal_by(
        "web/package/withdrawn.html",
        title=f"{package} {version} was withdrawn" if version else f"{package} was withdrawn",
        package=package,
        version=version,
        withdrawals=withdrawals,
        reasons={why.value: texts for why, texts in WITHDRAWAL_TITLES.items()},
        may_be_harmful=any(_may_be_harmful(each) for each in withdrawals),
        latest=latest,
        contact=call.registry.settings.security_contact,
        now_ms=call.now_ms,
    )


def _may_be_harmful(withdrawal: Withdrawal) -> bool:
    """Check whether visitors should look for damage; without a reason they should."""
    return not withdrawal.why or WithdrawalReason(withdrawal.why) not in HARMLESS_REASONS


async def _show_near_names(call: PublicPageCall, refusal: Refusal) -> None:
    """Suggest visible packages; a hidden package costs and shows what a missing one does."""
    org, name = call.route["org"], call.route["name"]
    suggestions: list[Suggestion] = []
    with suppress(Unavailable):  # The package is missing all the same.
        suggestions = await call.registry.packages.details.near_names(
            f"{org}/{name}", by=call.caller
        )
    is_release = isinstance(refusal, ReleaseNotFound)
    call.show_refusal_by(
        "web/package/missing.html",
        title="Version not found" if is_release else "Package not found",
        package=f"{org}/{name}",
        # A release that was withdrawn a moment ago is missing on the page of its package, too.
        version=call.route.get("version", "") if is_release else "",
        suggestions=suggestions,
        search=f"/search?{urlencode({'q': name})}",
    )
