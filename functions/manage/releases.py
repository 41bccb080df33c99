"""/manage/releases: withheld releases; hold, quarantine, release or remove one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import azure.functions as func

from functions.http.pages import see_other
from functions.http.pagination import Pager
from functions.http.propagation import propagation_times
from functions.http.signed_in_pages import FormProblem, SignedInRequest
from functions.manage.pages import AdministratorPages, require_confirmation
from shared.composition import Registry
from shared.domain.errors.base import InvalidRequest, Refusal
from shared.domain.events import EventQuery
from shared.domain.identity import OPERATOR_ID
from shared.domain.names import Coordinate, Package
from shared.domain.organizations import MAX_DESCRIPTION, parse_required_reason
from shared.domain.packages import Release, State

RELEASES_PATH = "/manage/releases"
RELEASE_ROUTE = "manage/releases/{org}/{name}/{version}"
VERSIONS_PER_PAGE = 50  # Of a package, on a page.

# What an event of a release is called.
WHAT = {
    "release.published": "Published",
    "release.awaiting-owner": "Published, and held for an owner",
    "release.confirmed": "Confirmed by an owner",
    "release.held": "Held",
    "release.quarantined": "Quarantined",
    "release.live": "Released again",
    "release.removed": "Removed for ever",
    "release.deprecated": "Deprecated",
    "release.undeprecated": "Deprecated no more",
}

ReleaseDecision = Callable[[Registry, SignedInRequest, Coordinate], Awaitable[Release]]


@dataclass(frozen=True, slots=True)
class ReleaseAction:
    """What an administrator can do with a release: its name in addresses, and what it means."""

    name: str
    title: str
    meaning: str
    button: str
    is_harsh: bool = False
    takes_reason: bool = True


HOLD = ReleaseAction(
    "hold",
    "Hold it",
    "For what has to be looked at first. Nobody finds or pulls it, its owners included, until an "
    "administrator releases it. Builds that need it take another version, or fail.",
    "Hold",
)
QUARANTINE = ReleaseAction(
    "quarantine",
    "Quarantine it",
    "For what may do harm. Nobody finds or pulls it, its owners included. It comes back as it was, "
    "byte for byte, if the suspicion was wrong.",
    "Quarantine",
    is_harsh=True,
)
RELEASE = ReleaseAction(
    "release",
    "Release it again",
    "Everybody who may see its package finds and pulls it as before, under the same digest.",
    "Release",
    takes_reason=False,
)
REMOVE = ReleaseAction(
    "remove",
    "Remove it for ever",
    "For what law or safety forbid to keep. It never comes back, its archive is deleted at night, "
    "and its version is never free again, for its owners neither.",
    "Remove for ever",
    is_harsh=True,
)

# What is offered of a release in each state; the gentlest first.
ACTIONS_BY_STATE: Mapping[State, tuple[ReleaseAction, ...]] = {
    State.LIVE: (HOLD, QUARANTINE, REMOVE),
    State.HELD: (RELEASE, QUARANTINE, REMOVE),
    State.QUARANTINED: (RELEASE, REMOVE),
    State.REMOVED: (),
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the pages of releases."""
    bp, managing = func.Blueprint(), AdministratorPages(registry)

    @bp.route("manage/releases", methods=["GET", "HEAD"])
    @managing.page
    async def manage_releases(visit: SignedInRequest) -> func.HttpResponse:
        try:
            return await _search_results(registry, visit)
        except Refusal as refusal:
            return await _withheld(registry, visit, None, FormProblem.of(refusal))

    @bp.route(RELEASE_ROUTE, methods=["GET", "HEAD"])
    @managing.page
    async def manage_release(visit: SignedInRequest) -> func.HttpResponse:
        return await _release(registry, visit)

    for name, decide in RELEASE_DECISIONS.items():
        _add_action(bp, registry, name, decide)
    return bp


def _add_action(bp: func.Blueprint, registry: Registry, name: str, decide: ReleaseDecision) -> None:
    """Add the Function of a form that changes the release and shows it again."""

    async def again(visit: SignedInRequest, problem: FormProblem) -> func.HttpResponse:
        return await _release(registry, visit, problem, refused=name)

    async def decided(visit: SignedInRequest) -> func.HttpResponse:
        return see_other(_address(await decide(registry, visit, _coordinate(visit))))

    decided.__name__ = f"manage_release_{name}"
    form = AdministratorPages(registry).form(again=again)(decided)
    bp.route(f"{RELEASE_ROUTE}/{name}", methods=["POST"])(form)


async def _search_results(registry: Registry, visit: SignedInRequest) -> func.HttpResponse:
    """Answer what is asked for: a release, a package, or all that is withheld."""
    sought, after = visit.query.get("q", "").strip(), visit.query.get("after", "")
    if not sought:
        return await _withheld(registry, visit, _parsed_release(after) if after else None)
    subject = _parsed(sought)
    if isinstance(subject, Coordinate):
        found = await registry.moderation.find(subject, by=visit.principal)
        return see_other(_address(found))
    survey = await registry.release_inspection.survey(subject, by=visit.principal)
    pager = Pager.of(
        len(survey.entries), VERSIONS_PER_PAGE, RELEASES_PATH, {"q": sought, **visit.query}
    )
    return visit.show(
        "manage/package.html",
        survey=survey,
        entries=survey.entries[pager.offset : pager.offset + VERSIONS_PER_PAGE],
        pager=pager,
        look_up=sought,
        now_ms=registry.clock.now_ms(),
    )


async def _withheld(
    registry: Registry,
    visit: SignedInRequest,
    after: Coordinate | None,
    problem: FormProblem | None = None,
) -> func.HttpResponse:
    page = await registry.release_inspection.withheld(after, by=visit.principal)
    return visit.show(
        "manage/releases.html",
        problem,
        page=page,
        names={**page.names, OPERATOR_ID: "the operator"},
        is_first=after is None,
        look_up=visit.query.get("q", ""),
        now_ms=registry.clock.now_ms(),
    )


async def _release(
    registry: Registry,
    visit: SignedInRequest,
    problem: FormProblem | None = None,
    refused: str = "",
) -> func.HttpResponse:
    before = EventQuery.parse({"before": visit.query.get("before", "")}).before
    dossier = await registry.release_inspection.inspect(
        _coordinate(visit), before, by=visit.principal
    )
    release = dossier.release
    return visit.show(
        "manage/release.html",
        problem,
        dossier=dossier,
        release=release,
        path=_address(release),
        actions=_offered(release),
        refused=refused,
        typed=visit.form,
        names={**dossier.names, OPERATOR_ID: "the operator"},
        what=WHAT,
        is_first=before is None,
        most_characters=MAX_DESCRIPTION,
        reaches=propagation_times(registry.settings),
        now_ms=registry.clock.now_ms(),
    )


def _offered(release: Release) -> tuple[ReleaseAction, ...]:
    """Return what can be done; what waits for an owner can be taken out of their hands."""
    offered = ACTIONS_BY_STATE[release.state]
    return (*offered[:1], HOLD, *offered[1:]) if release.awaits_owner else offered


async def _hold(registry: Registry, visit: SignedInRequest, coordinate: Coordinate) -> Release:
    reason = _reason(visit, coordinate)
    return await registry.moderation.hold(coordinate, reason, by=visit.principal)


async def _quarantine(
    registry: Registry, visit: SignedInRequest, coordinate: Coordinate
) -> Release:
    reason = _reason(visit, coordinate)
    return await registry.moderation.quarantine(coordinate, reason, by=visit.principal)


async def _restore(registry: Registry, visit: SignedInRequest, coordinate: Coordinate) -> Release:
    return await registry.moderation.restore(coordinate, by=visit.principal)


async def _remove(registry: Registry, visit: SignedInRequest, coordinate: Coordinate) -> Release:
    require_confirmation(visit, str(coordinate))
    reason = _reason(visit, coordinate)
    return await registry.moderation.remove(coordinate, reason, by=visit.principal)


def _reason(visit: SignedInRequest, coordinate: Coordinate) -> str:
    return parse_required_reason(visit.form.text("reason"), f"what becomes of {coordinate}")


# What a form does, by the end of its path.
RELEASE_DECISIONS: dict[str, ReleaseDecision] = {
    HOLD.name: _hold,
    QUARANTINE.name: _quarantine,
    RELEASE.name: _restore,
    REMOVE.name: _remove,
}


def _coordinate(visit: SignedInRequest) -> Coordinate:
    return Coordinate.parse(visit.route["org"], visit.route["name"], visit.route["version"])


def _address(release: Release) -> str:
    return f"{RELEASES_PATH}/{release.org}/{release.name}/{release.version}"


def _parsed(text: str) -> Coordinate | Package:
    """Return the release or the package that is asked for, or raise a refusal."""
    package, _, version = text.partition(":")
    org, _, name = package.partition("/")
    if not (org and name):
        message = f"{text[:80]!r} names no release. Write acme/greet:1.0.0, or acme/greet for all."
        raise InvalidRequest(message)
    return Coordinate.parse(org, name, version) if version else Package.parse(org, name)


def _parsed_release(text: str) -> Coordinate:
    parsed = _parsed(text)
    if isinstance(parsed, Package):
        message = f"{parsed} names no release. Go back to the first page of the list."
        raise InvalidRequest(message)
    return parsed
