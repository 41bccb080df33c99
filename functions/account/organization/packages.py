"""/account/organizations/{org}/packages and …/held: its packages, one package, held releases."""

from functions.account.organization.pages import (
    ORGANIZATION_ROUTE,
    FormAction,
    add_forms,
    organization_frame,
)
from functions.account.organization.publishers import provider_form
from functions.http.pagination import Pager
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.api_docs.records import ApiVerdict
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.names import Coordinate, OrgName, Package, PackageName, parse_package_name
from shared.domain.packages import Pushers, Visibility
from shared.domain.redaction import redact_tokens
from shared.runtime.answers import Answer
from shared.services.packages.packages import MAX_MESSAGE_LENGTH, ManagedPackage
from shared.services.publishing.held_releases import HeldBurst
from shared.services.tokens.tokens import OfOrganization

VERSIONS_PER_PAGE = 25  # Of a package's page: each has a form.
MAX_TIME_MS = 10**14  # The year 5138.


pages = SignedInPages()


@pages.read(f"{ORGANIZATION_ROUTE}/packages")
async def account_organization_packages(call: SignedInCall) -> Answer:
    frame, after = await organization_frame(call, "packages"), _cursor_of(call)
    found = await call.registry.packages.of_organization.page(call.org, after, by=call.caller)
    return frame.show(found=found, is_first=not after)


def _cursor_of(call: SignedInCall) -> PackageName | str:
    """Return the name after which a list continues, or an empty text for its first page."""
    after = redact_tokens(call.params.get("after", ""))
    return parse_package_name(after) if after else ""


@pages.read(f"{ORGANIZATION_ROUTE}/packages/{{name}}")
async def account_organization_package(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame, package = await organization_frame(call, "packages"), _package(call)
    found = await call.registry.packages.of_organization.package(package, by=call.caller)
    entries = found.survey.entries
    path = f"{frame.path}/packages/{found.head.name}"
    pager = Pager.of(len(entries), VERSIONS_PER_PAGE, path, call.params)
    return frame.show(
        problem,
        "package",
        found=found,
        verdict=await _latest_verdict(call, found),
        head=found.head,
        pager=pager,
        entries=pager.slice(entries),
        page=path,
        longest=MAX_MESSAGE_LENGTH,
        choice=provider_form(call, frame),
        empty=Form(),
    )


async def _latest_verdict(call: SignedInCall, found: ManagedPackage) -> ApiVerdict | None:
    """Return the API changes of the latest version, from a version that is still live."""
    if found.latest is None:
        return None
    coordinate = found.head.package.at(found.latest.parsed)
    verdict = await call.registry.api_docs.history.verdict(coordinate)
    live = (each.version for each in found.survey.live)
    return verdict if verdict and verdict.compared_with in live else None


async def _deprecate(call: SignedInCall, _org: OrgName) -> None:
    message, deprecation = call.form.text("message"), call.registry.packages.deprecation
    with about_field("message"):
        await deprecation.deprecate_package(_package(call), message, by=call.caller)


async def _undeprecate(call: SignedInCall, _org: OrgName) -> None:
    await call.registry.packages.deprecation.undeprecate_package(_package(call), by=call.caller)


async def _deprecate_version(call: SignedInCall, _org: OrgName) -> None:
    message, deprecation = call.form.text("message"), call.registry.packages.deprecation
    with about_field("message"):
        await deprecation.deprecate(_coordinate(call), message, by=call.caller)


async def _undeprecate_version(call: SignedInCall, _org: OrgName) -> None:
    await call.registry.packages.deprecation.undeprecate(_coordinate(call), by=call.caller)


async def _set_visibility(call: SignedInCall, _org: OrgName) -> None:
    package, wanted = _package(call), _visibility(call.form)
    # Builds of others fail from then on, so it has to be confirmed.
    if wanted is Visibility.PRIVATE and call.form.text("confirm").lower() != package.name.lower():
        message = f"To make {package} private, type its name, {package.name}, into the field."
        with about_field("confirm"):
            raise InvalidRequest(message)
    await call.registry.packages.visibility.change(package, wanted, by=call.caller)


async def _set_pushers(call: SignedInCall, _org: OrgName) -> None:
    wanted = _pushers(call.form)
    await call.registry.tokens.trusted_publishers.restrict_pushers(
        _package(call), wanted, by=call.caller
    )


def _package(call: SignedInCall) -> Package:
    return Package.parse(call.route_params["org"], call.route_params["name"])


def _coordinate(call: SignedInCall) -> Coordinate:
    return Coordinate.parse(
        call.route_params["org"], call.route_params["name"], call.form.text("version")
    )


def _visibility(form: Form) -> Visibility:
    otherwise = "Choose a visibility: public or private."
    return form.choice("visibility", Visibility, otherwise)


def _pushers(form: Form) -> Pushers:
    otherwise = "Choose who can publish: members, or trusted publishers only."
    return form.choice("pushers", Pushers, otherwise)


# The actions of forms, by their paths below the organization.
PACKAGE_ACTIONS: dict[str, FormAction] = {
    "packages/{name}/deprecate": _deprecate,
    "packages/{name}/undeprecate": _undeprecate,
    "packages/{name}/visibility": _set_visibility,
    "packages/{name}/pushers": _set_pushers,
    "packages/{name}/versions/deprecate": _deprecate_version,
    "packages/{name}/versions/undeprecate": _undeprecate_version,
}


@pages.read(f"{ORGANIZATION_ROUTE}/held")
async def account_organization_held(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame, after = await organization_frame(call, "held"), _cursor_of(call)
    review = await call.registry.publishing.held_releases.page(call.org, after, by=call.caller)
    return frame.show(
        problem,
        review=review,
        is_first=not after,
        me=call.account.id,
    )


async def _confirm(call: SignedInCall, org: OrgName) -> None:
    await call.registry.publishing.held_releases.confirm(_held(call, org), by=call.caller)


async def _refuse(call: SignedInCall, org: OrgName) -> None:
    await call.registry.publishing.held_releases.refuse(_held(call, org), by=call.caller)


async def _confirm_all(call: SignedInCall, org: OrgName) -> None:
    await call.registry.publishing.held_releases.confirm_all(org, _burst(call.form), by=call.caller)


async def _refuse_all(call: SignedInCall, org: OrgName) -> None:
    await call.registry.publishing.held_releases.refuse_all(org, _burst(call.form), by=call.caller)


def _held(call: SignedInCall, org: OrgName) -> Coordinate:
    return Coordinate.parse(org, call.form.text("name"), call.form.text("version"))


def _burst(form: Form) -> HeldBurst:
    """Return the releases of a publisher that were held when the page was shown."""
    until = form.text("until")
    if not (until.isascii() and until.isdecimal() and len(until) <= len(str(MAX_TIME_MS))):
        message = "The form does not say which releases it is about. Open the page again."
        raise InvalidRequest(message)
    return HeldBurst(form.text("publisher"), int(until))


async def _revoke(call: SignedInCall, org: OrgName) -> None:
    """Revoke a token of the organization, or of the account itself."""
    token_id, by = call.form.text("token"), call.caller
    if call.form.text("whose") == "mine":
        await call.registry.tokens.access_tokens.revoke(by.id, token_id, by=by)
    else:
        await call.registry.tokens.access_tokens.revoke(OfOrganization(org), token_id, by=by)


# The actions of forms, by their paths below the organization.
HELD_RELEASE_ACTIONS: dict[str, FormAction] = {
    "held/confirm": _confirm,
    "held/refuse": _refuse,
    "held/confirm-all": _confirm_all,
    "held/refuse-all": _refuse_all,
    "held/revoke": _revoke,
}


add_forms(pages, account_organization_package, PACKAGE_ACTIONS, "/packages/{name}")
add_forms(pages, account_organization_held, HELD_RELEASE_ACTIONS, "/held")

FACES = (pages,)
