"""/manage/releases: releases for administrators, what is withheld, and withholding more."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import azure.functions as func

from functions._managing import Managing, require_meant
from functions._pages import see_other
from functions._paging import Pager
from functions._reach import reaches
from functions._visits import Problem, Visit
from shared.domain.errors import InvalidRequest, Refusal
from shared.domain.identity import OPERATOR_ID
from shared.domain.logs import LogQuery
from shared.domain.names import Coordinate, Package
from shared.domain.organizations import MAX_DESCRIPTION
from shared.domain.package import Release, State
from shared.domain.profiles import parse_reason
from shared.registry import Registry

PLACE = "/manage/releases"
ROUTE = "manage/releases/{org}/{name}/{version}"
VERSIONS = 50  # Of a package, on a page.

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

Decision = Callable[[Registry, Visit, Coordinate], Awaitable[Release]]


@dataclass(frozen=True, slots=True)
class Action:
    """What an administrator can do with a release: its name in addresses, and what it means."""

    name: str
    title: str
    meaning: str
    button: str
    is_harsh: bool = False
    takes_reason: bool = True


HOLD = Action(
    "hold",
    "Hold it",
    "For what has to be looked at first. Nobody finds or pulls it, its owners included, until an "
    "administrator releases it. Builds that need it take another version, or fail.",
    "Hold",
)
QUARANTINE = Action(
    "quarantine",
    "Quarantine it",
    "For what may do harm. Nobody finds or pulls it, its owners included. It comes back as it was, "
    "byte for byte, if the suspicion was wrong.",
    "Quarantine",
    is_harsh=True,
)
RELEASE = Action(
    "release",
    "Release it again",
    "Everybody who may see its package finds and pulls it as before, under the same digest.",
    "Release",
    takes_reason=False,
)
REMOVE = Action(
    "remove",
    "Remove it for ever",
    "For what law or safety forbid to keep. It never comes back, its archive is deleted at night, "
    "and its version is never free again, for its owners neither.",
    "Remove for ever",
    is_harsh=True,
)

# What is offered of a release in each state; the gentlest first.
OFFERED: Mapping[State, tuple[Action, ...]] = {
    State.LIVE: (HOLD, QUARANTINE, REMOVE),
    State.HELD: (RELEASE, QUARANTINE, REMOVE),
    State.QUARANTINED: (RELEASE, REMOVE),
    State.REMOVED: (),
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the pages of releases."""
    bp, managing = func.Blueprint(), Managing(registry)

    @bp.route("manage/releases", methods=["GET", "HEAD"])
    @managing.page
    async def manage_releases(visit: Visit) -> func.HttpResponse:
        try:
            return await _looked_up(registry, visit)
        except Refusal as refusal:
            return await _withheld(registry, visit, None, Problem.of(refusal))

    @bp.route(ROUTE, methods=["GET", "HEAD"])
    @managing.page
    async def manage_release(visit: Visit) -> func.HttpResponse:
        return await _release(registry, visit)

    for name, decide in DECISIONS.items():
        _add_decision(bp, registry, name, decide)
    return bp


def _add_decision(bp: func.Blueprint, registry: Registry, name: str, decide: Decision) -> None:
    """Add the Function of a form that changes the release and shows it again."""

    async def again(visit: Visit, problem: Problem) -> func.HttpResponse:
        return await _release(registry, visit, problem, refused=name)

    async def decided(visit: Visit) -> func.HttpResponse:
        return see_other(_address(await decide(registry, visit, _coordinate(visit))))

    decided.__name__ = f"manage_release_{name}"
    form = Managing(registry).form(again=again)(decided)
    bp.route(f"{ROUTE}/{name}", methods=["POST"])(form)


async def _looked_up(registry: Registry, visit: Visit) -> func.HttpResponse:
    """Answer what is asked for: a release, a package, or all that is withheld."""
    sought, after = visit.query.get("q", "").strip(), visit.query.get("after", "")
    if not sought:
        return await _withheld(registry, visit, _parsed_release(after) if after else None)
    subject = _parsed(sought)
    if isinstance(subject, Coordinate):
        found = await registry.moderation.find(subject, by=visit.principal)
        return see_other(_address(found))
    survey = await registry.inspecting.package(subject, by=visit.principal)
    pager = Pager.of(len(survey.entries), VERSIONS, PLACE, {"q": sought, **visit.query})
    return visit.show(
        "manage/package.html",
        survey=survey,
        entries=survey.entries[pager.offset : pager.offset + VERSIONS],
        pager=pager,
        look_up=sought,
        now_ms=registry.clock.now_ms(),
    )


async def _withheld(
    registry: Registry, visit: Visit, after: Coordinate | None, problem: Problem | None = None
) -> func.HttpResponse:
    page = await registry.inspecting.withheld(after, by=visit.principal)
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
    registry: Registry, visit: Visit, problem: Problem | None = None, refused: str = ""
) -> func.HttpResponse:
    before = LogQuery.parse({"before": visit.query.get("before", "")}).before
    dossier = await registry.inspecting.release(_coordinate(visit), before, by=visit.principal)
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
        reaches=reaches(registry.settings),
        now_ms=registry.clock.now_ms(),
    )


def _offered(release: Release) -> tuple[Action, ...]:
    """Return what can be done; what waits for an owner can be taken out of their hands."""
    offered = OFFERED[release.state]
    return (*offered[:1], HOLD, *offered[1:]) if release.awaits_owner else offered


async def _hold(registry: Registry, visit: Visit, coordinate: Coordinate) -> Release:
    reason = _reason(visit, coordinate)
    return await registry.moderation.hold(coordinate, reason, by=visit.principal)


async def _quarantine(registry: Registry, visit: Visit, coordinate: Coordinate) -> Release:
    reason = _reason(visit, coordinate)
    return await registry.moderation.quarantine(coordinate, reason, by=visit.principal)


async def _restore(registry: Registry, visit: Visit, coordinate: Coordinate) -> Release:
    return await registry.moderation.restore(coordinate, by=visit.principal)


async def _remove(registry: Registry, visit: Visit, coordinate: Coordinate) -> Release:
    require_meant(visit, str(coordinate))
    reason = _reason(visit, coordinate)
    return await registry.moderation.remove(coordinate, reason, by=visit.principal)


# What a form does, by the end of its path.
DECISIONS: dict[str, Decision] = {
    HOLD.name: _hold,
    QUARANTINE.name: _quarantine,
    RELEASE.name: _restore,
    REMOVE.name: _remove,
}


def _reason(visit: Visit, coordinate: Coordinate) -> str:
    return parse_reason(visit.form.text("reason"), f"what becomes of {coordinate}")


def _coordinate(visit: Visit) -> Coordinate:
    return Coordinate.parse(visit.route["org"], visit.route["name"], visit.route["version"])


def _address(release: Release) -> str:
    return f"{PLACE}/{release.org}/{release.name}/{release.version}"


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
