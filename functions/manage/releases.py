"""/manage/releases: withheld releases; hold, quarantine, restore or remove one."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from msgspec import Struct

from functions.html.cursors import page_at_cursor
from functions.html.event_sentences import event_label
from functions.html.numbered_pages import Pager
from functions.html.pages import see_other
from functions.html.signed_in_pages import (
    AdministratorPages,
    FormProblem,
    SignedInCall,
    require_confirmation,
)
from functions.manage.second_administrator import waiting_page
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import InvalidRequest, Refusal
from shared.domain.event_queries import EventQuery
from shared.domain.packages import Release
from shared.domain.principals import names_within_sentences
from shared.domain.proposals import Proposal
from shared.domain.release_states import State
from shared.domain.withdrawal_reasons import WITHDRAWAL_TITLES
from shared.runtime.answers import Answer
from shared.services.publishing.moderation import InspectedRelease
from shared.use_cases import moderation
from shared.use_cases.inputs import InputsT, shown_fields
from shared.use_cases.moderation import RequiredReason, TakeDown
from shared.use_cases.use_case import ResultT, UseCase

RELEASES_PATH = "/manage/releases"
RELEASE_ROUTE = "manage/releases/{org}/{name}/{version}"
VERSIONS_PER_PAGE = 50  # Versions of a package on a page.

PUBLIC_REASONS = (
    ("", "Not stated"),
    *((why.value, title) for why, (title, _) in WITHDRAWAL_TITLES.items()),
)


class ReleaseAction(Struct, frozen=True):
    """An action of administrators on a release; `name` is the last segment of its path."""

    name: str
    title: str
    meaning: str
    button: str
    is_harsh: bool = False
    requires_reason: bool = True
    accepts_public_reason: bool = False


HOLD = ReleaseAction(
    "hold",
    "Hold",
    "For a release that needs a review. Nobody can find or pull it, including its owners, until an "
    "administrator restores it. Builds that need it use another version or fail.",
    "Hold release",
)
QUARANTINE = ReleaseAction(
    "quarantine",
    "Quarantine",
    "For a release that may be harmful. Nobody can find or pull it, including its owners. It can "
    "be restored unchanged.",
    "Quarantine release",
    is_harsh=True,
    accepts_public_reason=True,
)
RESTORE = ReleaseAction(
    "release",
    "Restore",
    "Anyone who can see its package can find and pull it again, with the same digest.",
    "Restore release",
    requires_reason=False,
)
REMOVE = ReleaseAction(
    "remove",
    "Remove permanently",
    "For a release that law or security forbid to keep. It cannot be restored, its archive is "
    "deleted in one of the next two nights, and nobody can publish its version again.",
    "Remove release permanently",
    is_harsh=True,
    accepts_public_reason=True,
)

# The actions of the page by the state of the release, the mildest first. The one that led to the
# state replaces its reasons.
ACTIONS_BY_STATE: Mapping[State, tuple[ReleaseAction, ...]] = {
    State.LIVE: (HOLD, QUARANTINE, REMOVE),
    State.HELD: (RESTORE, QUARANTINE, REMOVE),
    State.QUARANTINED: (QUARANTINE, RESTORE, REMOVE),
    State.REMOVED: (REMOVE,),
}


pages = AdministratorPages()
FACES = (pages,)


@pages.read("manage/releases")
async def manage_releases(call: SignedInCall) -> Answer:
    """Show a release or the releases of a package that the search names, or all withheld ones."""
    try:
        return await _search_results(call)
    except Refusal as refusal:
        return await _withheld(call, None, FormProblem.of(refusal))


async def _search_results(call: SignedInCall) -> Answer:
    text = call.params.get("q", "").strip()
    after = call.params.get("after", "")
    if not text:
        return await _withheld(call, _parse_coordinate(after) if after else None)
    subject = _parse_subject(text)
    if isinstance(subject, Coordinate):
        return see_other(
            _path(await call.registry.publishing.moderation.find(subject, by=call.caller))
        )
    survey = await call.registry.publishing.moderation.survey(subject, by=call.caller)
    query = {"q": text, **call.params}
    pager = Pager.of(len(survey.entries), VERSIONS_PER_PAGE, RELEASES_PATH, query)
    return call.show(
        "manage/package.html",
        survey=survey,
        entries=pager.slice(survey.entries),
        pager=pager,
        look_up=text,
        inputs=shown_fields(RequiredReason),
    )


async def _withheld(
    call: SignedInCall, after: Coordinate | None, problem: FormProblem | None = None
) -> Answer:
    page = await call.registry.publishing.moderation.withheld(after, by=call.caller)
    return call.show(
        "manage/releases.html",
        problem,
        page=page,
        names=names_within_sentences(page.names),
        is_first=after is None,
        look_up=call.params.get("q", ""),
    )


@pages.read(RELEASE_ROUTE)
async def manage_release(
    call: SignedInCall, problem: FormProblem | None = None, refused: str = ""
) -> Answer:
    """Show a release and its actions; `refused` names the action that the problem is about."""
    coordinate = call.coordinate

    async def read(before: str) -> InspectedRelease:
        number = EventQuery.parse({"before": before}).before
        inspect = call.registry.publishing.moderation.inspect
        return await inspect(coordinate, number, by=call.caller)

    shown = await page_at_cursor(call, "before", read)
    inspection = shown.found
    release = inspection.release
    return call.show(
        "manage/release.html",
        problem or shown.problem,
        inspection=inspection,
        release=release,
        path=_path(release),
        actions=_actions(release),
        refused=refused,
        names=names_within_sentences(inspection.names),
        what=event_label,
        is_first=shown.is_first,
        fields=shown_fields(TakeDown),
        public_reasons=PUBLIC_REASONS,
        withdrawal_titles=WITHDRAWAL_TITLES,
    )


def _actions(release: Release) -> tuple[ReleaseAction, ...]:
    """Return the actions for the release; one that waits for an owner can also be held."""
    actions = ACTIONS_BY_STATE[release.state]
    return (*actions[:1], HOLD, *actions[1:]) if release.is_held_for_owner else actions


def _add_form(
    action: ReleaseAction,
    case: UseCase[Coordinate, InputsT, ResultT],
    subject: Callable[[SignedInCall], Coordinate],
    then: Callable[[SignedInCall, ResultT], Awaitable[Answer | None]] | None = None,
) -> None:
    """Declare the form of an action, whose refusal the page shows there."""
    pages.use_case(
        case,
        f"{RELEASE_ROUTE}/{action.name}",
        partial(manage_release, refused=action.name),
        subject,
        name=f"manage_release_{action.name}",
        leads_to=RELEASE_ROUTE,
        then=then,
    )


async def _show_removed(_: SignedInCall, removed: Release | Proposal) -> Answer | None:
    return waiting_page(removed)


def _confirmed_release(call: SignedInCall) -> Coordinate:
    require_confirmation(call, str(call.coordinate))
    return call.coordinate


_add_form(HOLD, moderation.hold, lambda call: call.coordinate)
_add_form(QUARANTINE, moderation.quarantine, lambda call: call.coordinate)
_add_form(RESTORE, moderation.restore, lambda call: call.coordinate)
_add_form(REMOVE, moderation.remove, _confirmed_release, _show_removed)


def _path(release: Release) -> str:
    return f"{RELEASES_PATH}/{release.org}/{release.name}/{release.version}"


def _parse_subject(text: str) -> Coordinate | Package:
    """Parse `org/name:version` or `org/name`, or raise a refusal."""
    package, _, version = text.partition(":")
    org, _, name = package.partition("/")
    if not (org and name):
        message = f"{text[:80]!r} is not a release. Write acme/greet:1.0.0, or acme/greet for all."
        raise InvalidRequest(message)
    return Coordinate.parse(org, name, version) if version else Package.parse(org, name)


def _parse_coordinate(text: str) -> Coordinate:
    subject = _parse_subject(text)
    if isinstance(subject, Package):
        message = f"{subject} is not a release. Go back to the first page of the list."
        raise InvalidRequest(message)
    return subject
