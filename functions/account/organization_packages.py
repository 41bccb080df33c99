"""/account/organizations/{org}/packages and …/held: its packages, one package, held releases."""

from collections.abc import Iterable
from contextlib import suppress

from functions.account.organization import ORGANIZATION_ROUTE, organization_frame
from functions.account.trusted_publishers import provider_form
from functions.html.cursors import page_at_cursor
from functions.html.numbered_pages import Pager
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from functions.http.body_parsing import Form
from shared.domain.api_docs.records import ApiVerdict
from shared.domain.checklists import Checklist
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import InvalidRequest, NotFound, about_field
from shared.domain.names import parse_package_name
from shared.domain.packages import ReleaseEntry, ReleaseWarning
from shared.domain.release_pullers import is_erasable_at
from shared.domain.release_states import State
from shared.domain.rules.version_rule import VERSION_TOO_LOW
from shared.domain.withdrawals import is_removed_by_owner
from shared.runtime.answers import Answer
from shared.services.packages.deprecation import MAX_MESSAGE_LENGTH, checked_message
from shared.services.packages.organization_packages import ManagedPackage, ManagedPackagePage
from shared.services.publishing.erasure import Erasure
from shared.services.publishing.held_releases import HeldBurst, HeldReleasePage
from shared.services.tokens.tokens import OfOrganization
from shared.use_cases import own_releases, packages, tokens, trusted_publishers
from shared.use_cases.inputs import shown_fields
from shared.use_cases.moderation import RequiredReason
from shared.use_cases.tokens import NamedToken

VERSIONS_PER_PAGE = 25  # Versions on a page of a package; each has a form.
MAX_TIME_MS = 10**14  # The year 5138.


PACKAGE_ROUTE = f"{ORGANIZATION_ROUTE}/packages/{{name}}"

pages = SignedInPages()
FACES = (pages,)


@pages.read(f"{ORGANIZATION_ROUTE}/packages")
async def account_organization_packages(call: SignedInCall) -> Answer:
    frame = await organization_frame(call, "packages")

    async def read(after: str) -> ManagedPackagePage:
        name = parse_package_name(after) if after else ""
        return await call.registry.packages.of_organization.page(call.org, name, by=call.caller)

    shown = await page_at_cursor(call, "after", read)
    return frame.show(shown.problem, found=shown.found, is_first=shown.is_first)


@pages.read(PACKAGE_ROUTE)
async def account_organization_package(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame = await organization_frame(call, "packages")
    package = call.package
    found = await call.registry.packages.of_organization.package(package, by=call.caller)
    entries = found.survey.entries
    path = f"{frame.path}/packages/{found.head.name}"
    pager = Pager.of(len(entries), VERSIONS_PER_PAGE, path, call.params)
    return frame.show(
        problem,
        "package",
        found=found,
        verdict=await _latest_verdict(call, found),
        warnings=await _latest_warnings(call, found) if frame.decides else (),
        checklist=await _latest_checklist(call, found),
        head=found.head,
        pager=pager,
        entries=pager.slice(entries),
        live=_choices(each for each in entries if each.state is State.LIVE),
        erasable=_choices(each for each in entries if _is_erasable(each, call.now_ms)),
        held_by_owner=[each for each in entries if each.is_held_by_owner],
        required=shown_fields(RequiredReason),
        successor=shown_fields(packages.NewSuccessor),
        page=path,
        longest=MAX_MESSAGE_LENGTH,
        gives_reason=frame.asks_reason,
        choice=provider_form(call, frame),
        empty=Form(),
    )


def _choices(entries: Iterable[ReleaseEntry]) -> list[tuple[str, str]]:
    return [(each.version, each.version) for each in entries]


def _is_erasable(entry: ReleaseEntry, now_ms: int) -> bool:
    """Check whether owners may erase it, or do it again after a failure."""
    if is_removed_by_owner(entry):
        return entry.erased is None
    is_own = entry.state is State.LIVE or entry.is_held_by_owner
    return is_own and is_erasable_at(entry.created_ms, now_ms)


async def _latest_verdict(call: SignedInCall, found: ManagedPackage) -> ApiVerdict | None:
    """Return the API changes of the latest version, from a version that is still live."""
    if found.latest is None:
        return None
    coordinate = found.head.package.at(found.latest.parsed)
    verdict = await call.registry.api_docs.history.verdict(coordinate)
    live = (each.version for each in found.survey.live)
    return verdict if verdict and verdict.compared_with in live else None


async def _latest_warnings(call: SignedInCall, found: ManagedPackage) -> tuple[ReleaseWarning, ...]:
    """Return the warnings of the latest version but those of its API changes, which the verdict
    says."""
    if found.latest is None or found.head.upstream:
        return ()
    coordinate = found.head.package.at(found.latest.parsed)
    with suppress(NotFound):  # It was withheld meanwhile.
        warnings = await call.registry.publishing.warnings.of_release(coordinate, by=call.caller)
        return tuple(each for each in warnings if each.rule != VERSION_TOO_LOW)
    return ()


async def _latest_checklist(call: SignedInCall, found: ManagedPackage) -> Checklist | None:
    """Return the checklist of the latest version; None without a live one."""
    if found.latest is None:
        return None
    coordinate = found.head.package.at(found.latest.parsed)
    with suppress(NotFound):  # It was withheld meanwhile.
        _, checklist = await call.registry.quality.checklists.find(coordinate, by=call.caller)
        return checklist
    return None


@pages.form(
    f"{PACKAGE_ROUTE}/deprecate",
    account_organization_package,
    done="Package deprecated. Clients warn within five seconds.",
)
async def account_organization_packages_deprecate(call: SignedInCall) -> None:
    with about_field("message"):
        message = checked_message(call.form.text("message"))
    if call.form.text("successor"):
        await call.submit(packages.set_successor, call.package)
    deprecation = call.registry.packages.deprecation
    await deprecation.deprecate_package(call.package, message, by=call.caller)


@pages.form(
    f"{PACKAGE_ROUTE}/undeprecate", account_organization_package, done="Package undeprecated."
)
async def account_organization_packages_undeprecate(call: SignedInCall) -> None:
    await call.registry.packages.deprecation.undeprecate_package(call.package, by=call.caller)


@pages.form(
    f"{PACKAGE_ROUTE}/versions/deprecate",
    account_organization_package,
    done="Version deprecated. Clients warn within five seconds.",
)
async def account_organization_packages_versions_deprecate(call: SignedInCall) -> None:
    message = call.form.text("message")
    deprecation = call.registry.packages.deprecation
    with about_field("message"):
        await deprecation.deprecate(_coordinate(call), message, by=call.caller)


@pages.form(
    f"{PACKAGE_ROUTE}/versions/undeprecate",
    account_organization_package,
    done="Version undeprecated.",
)
async def account_organization_packages_versions_undeprecate(call: SignedInCall) -> None:
    await call.registry.packages.deprecation.undeprecate(_coordinate(call), by=call.caller)


def _coordinate(call: SignedInCall) -> Coordinate:
    return Coordinate.parse(
        call.route_params["org"], call.route_params["name"], call.form.text("version")
    )


def _confirmed_coordinate(call: SignedInCall) -> Coordinate:
    """Return the release, whose version the form repeats."""
    coordinate = _coordinate(call)
    if call.form.text("confirm") != coordinate.version.text:
        message = f"To erase {coordinate}, type its version, {coordinate.version}, into the field."
        with about_field("confirm"):
            raise InvalidRequest(message)
    return coordinate


async def _show_erasure(call: SignedInCall, erasure: Erasure) -> Answer:
    return call.message("Version erased", *erasure.lines())


pages.use_case(
    own_releases.hold,
    f"{PACKAGE_ROUTE}/versions/hold",
    account_organization_package,
    _coordinate,
    name="account_organization_packages_versions_hold",
)
pages.use_case(
    own_releases.restore,
    f"{PACKAGE_ROUTE}/versions/restore",
    account_organization_package,
    _coordinate,
    name="account_organization_packages_versions_restore",
)
pages.use_case(
    own_releases.erase,
    f"{PACKAGE_ROUTE}/versions/erase",
    account_organization_package,
    _confirmed_coordinate,
    name="account_organization_packages_versions_erase",
    then=_show_erasure,
)
pages.use_case(
    packages.set_successor,
    f"{PACKAGE_ROUTE}/successor",
    account_organization_package,
    lambda call: call.package,
    name="account_organization_packages_successor",
)


async def _confirmed_package(call: SignedInCall) -> Package:
    """Return the package, whose name the form repeats if fewer may see it then: builds of others
    fail."""
    package = call.package
    wanted = packages.read_visibility(call.form.all("visibility"))
    found = await call.registry.packages.of_organization.package(package, by=call.caller)
    is_narrower = wanted.is_narrower_than(found.head.visibility)
    if is_narrower and call.form.text("confirm").lower() != package.name.lower():
        name = package.name
        how = wanted.value
        message = f"To make {package} {how}, type its name, {name}, into the field."
        with about_field("confirm"):
            raise InvalidRequest(message)
    return package


pages.use_case(
    packages.change_visibility,
    f"{PACKAGE_ROUTE}/visibility",
    account_organization_package,
    _confirmed_package,
    name="account_organization_packages_visibility",
)


pages.use_case(
    trusted_publishers.restrict_pushers,
    f"{PACKAGE_ROUTE}/pushers",
    account_organization_package,
    lambda call: call.package,
    name="account_organization_packages_pushers",
)


@pages.read(f"{ORGANIZATION_ROUTE}/held")
async def account_organization_held(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame = await organization_frame(call, "held")

    async def read(after: str) -> HeldReleasePage:
        name = parse_package_name(after) if after else ""
        return await call.registry.publishing.held_releases.page(call.org, name, by=call.caller)

    shown = await page_at_cursor(call, "after", read)
    return frame.show(
        problem or shown.problem,
        review=shown.found,
        is_first=shown.is_first,
        me=call.account.id,
    )


@pages.form(
    f"{ORGANIZATION_ROUTE}/held/confirm",
    account_organization_held,
    done="Release published.",
    requires_recent_sign_in=True,
)
async def account_organization_held_confirm(call: SignedInCall) -> None:
    await call.registry.publishing.held_releases.confirm(_held(call), by=call.caller)


@pages.form(
    f"{ORGANIZATION_ROUTE}/held/refuse",
    account_organization_held,
    done="Release refused. Its version cannot be published again.",
    requires_recent_sign_in=True,
)
async def account_organization_held_refuse(call: SignedInCall) -> None:
    reason = call.form.text("reason")
    await call.registry.publishing.held_releases.refuse(_held(call), by=call.caller, reason=reason)


@pages.form(
    f"{ORGANIZATION_ROUTE}/held/confirm-all",
    account_organization_held,
    done="Releases published.",
    requires_recent_sign_in=True,
)
async def account_organization_held_confirm_all(call: SignedInCall) -> None:
    held_releases = call.registry.publishing.held_releases
    burst = _burst(call.form)
    await held_releases.confirm_all(call.org, burst, by=call.caller)


@pages.form(
    f"{ORGANIZATION_ROUTE}/held/refuse-all",
    account_organization_held,
    done="Releases refused. Their versions cannot be published again.",
    requires_recent_sign_in=True,
)
async def account_organization_held_refuse_all(call: SignedInCall) -> None:
    held_releases = call.registry.publishing.held_releases
    burst = _burst(call.form)
    reason = call.form.text("reason")
    await held_releases.refuse_all(call.org, burst, by=call.caller, reason=reason)


def _held(call: SignedInCall) -> Coordinate:
    return Coordinate.parse(call.org, call.form.text("name"), call.form.text("version"))


def _burst(form: Form) -> HeldBurst:
    """Return the releases of a publisher that were held when the page was shown."""
    until = form.text("until")
    if not (until.isascii() and until.isdecimal() and len(until) <= len(str(MAX_TIME_MS))):
        message = "The form does not say which releases it is about. Open the page again."
        raise InvalidRequest(message)
    return HeldBurst(form.text("publisher"), int(until))


def _token(call: SignedInCall) -> NamedToken:
    """Return the token that the form names, of the organization or of the account itself."""
    is_own = call.form.text("whose") == "mine"
    owner = call.caller.id if is_own else OfOrganization(call.org)
    return NamedToken(owner, call.form.text("token"))


pages.use_case(
    tokens.revoke,
    f"{ORGANIZATION_ROUTE}/held/revoke",
    account_organization_held,
    _token,
    name="account_organization_held_revoke",
)
