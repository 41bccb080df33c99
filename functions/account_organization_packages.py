"""/account/organizations/{org}/packages: what an organization has, private ones included."""

import azure.functions as func

from functions._organization_pages import ROUTE, framed, org_of, show
from functions._visits import Visit, Visits
from shared.domain.names import PackageName, parse_package_name
from shared.domain.token_texts import without_tokens
from shared.registry import Registry


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the list."""
    bp, visits = func.Blueprint(), Visits(registry)

    @bp.route(f"{ROUTE}/packages", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_packages(visit: Visit) -> func.HttpResponse:
        frame, after = await framed(registry, visit, "packages"), after_of(visit)
        stock = await registry.stocktaking.packages(org_of(visit), after, by=visit.principal)
        return show(visit, frame, None, stock=stock, is_first=not after)

    return bp


def after_of(visit: Visit) -> PackageName | str:
    """Return after which name a list goes on; empty at its beginning."""
    after = without_tokens(visit.query.get("after", ""))
    return parse_package_name(after) if after else ""
