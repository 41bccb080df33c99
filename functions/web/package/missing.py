"""What visitors read where a package, release or declaration is missing, or was withdrawn."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from functions.html.pages import RefusalPage
from functions.html.public_pages import PublicPageCall
from functions.web.package.frame import if_available
from shared.domain.errors.base import InvalidName, Refusal
from shared.domain.errors.packages import (
    PackageNotFound,
    PackageWithdrawn,
    ReleaseNotFound,
    ReleaseWithdrawn,
    SymbolNotFound,
    Withdrawal,
)
from shared.domain.release_lists import is_built_in
from shared.domain.withdrawal_reasons import WITHDRAWAL_TITLES, WithdrawalReason

# Reasons of withdrawals that do no harm to those who have built or run the release.
HARMLESS_REASONS = frozenset(
    (
        WithdrawalReason.LEAK,
        WithdrawalReason.LEGAL,
        WithdrawalReason.MISTAKE,
        WithdrawalReason.OWNER_REQUEST,
        WithdrawalReason.POLICY,
    )
)


async def refusal_page_of(call: PublicPageCall, refusal: Refusal) -> RefusalPage | None:
    """Return the page for a refusal of a package or release; None for others."""
    match refusal:
        case PackageWithdrawn() | ReleaseWithdrawn():
            return _tombstone(call, refusal)
        case PackageNotFound() | ReleaseNotFound() | InvalidName():
            return await _missing(call, refusal)
        case SymbolNotFound():
            return _missing_symbol(call, refusal)
        case _:
            return None


def _missing_symbol(call: PublicPageCall, refusal: SymbolNotFound) -> RefusalPage:
    route = call.redacted_route
    parts = (route["org"], route["name"], route["version"], "docs", route["module"])
    values: dict[str, object] = {
        "title": "Declaration not found",
        "symbol": refusal.symbol,
        "module": route["module"],
        "module_path": f"/packages/{'/'.join(map(quote, parts))}",
        "similar": refusal.similar,
    }
    return RefusalPage("web/package/missing_symbol.html", values)


def _tombstone(call: PublicPageCall, refusal: PackageWithdrawn | ReleaseWithdrawn) -> RefusalPage:
    if isinstance(refusal, PackageWithdrawn):
        package = refusal.package
        withdrawals = refusal.withdrawals
        version = ""
        latest = ""
    else:
        package = refusal.coordinate.package
        version = refusal.coordinate.version.text
        withdrawals = (refusal.withdrawal,)
        latest = refusal.latest
    values: dict[str, object] = {
        "title": f"{package} {version}".rstrip()
        + (" is held by its owner" if _is_held(withdrawals) else " was withdrawn"),
        "package": package,
        "version": version,
        "withdrawals": withdrawals,
        "reasons": {why.value: texts for why, texts in WITHDRAWAL_TITLES.items()},
        "may_be_harmful": any(_may_be_harmful(each) for each in withdrawals),
        "latest": latest,
        "contact": call.registry.settings.security_contact,
        "now_ms": call.now_ms,
    }
    return RefusalPage("web/package/withdrawn.html", values)


def _is_held(withdrawals: Sequence[Withdrawal]) -> bool:
    return all(each.is_held_by_owner for each in withdrawals)


def _may_be_harmful(withdrawal: Withdrawal) -> bool:
    """Check whether visitors should look for damage; without a reason they should."""
    return not withdrawal.why or WithdrawalReason(withdrawal.why) not in HARMLESS_REASONS


async def _missing(call: PublicPageCall, refusal: Refusal) -> RefusalPage:
    org = call.redacted_route["org"]
    name = call.redacted_route["name"]
    is_release = isinstance(refusal, ReleaseNotFound)
    values: dict[str, object] = {
        "title": "Version not found" if is_release else "Package not found",
        "package": f"{org}/{name}",
        # A release that was withdrawn a moment ago is missing on the page of its package, too.
        "version": call.redacted_route.get("version", "") if is_release else "",
        "search": f"/search?{urlencode({'q': name})}",
        "is_built_in": is_built_in(org, name),
        "similar": await _similar(call, org, name) if isinstance(refusal, PackageNotFound) else (),
    }
    return RefusalPage("web/package/missing.html", values)


async def _similar(call: PublicPageCall, org: str, name: str) -> list[str]:
    """Return packages with similar names that the visitor may see; none while search fails."""
    similar = call.registry.packages.search.similar
    found = await if_available(similar(org, name, by=call.caller))
    return [f"{each.org}/{each.name}" for each in found or ()]
