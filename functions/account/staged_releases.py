"""/account/organizations/{org}/staged: releases that wait for a review, how each differs from
the version before, and the decision."""

from http import HTTPStatus

from functions.account.organization import ORGANIZATION_ROUTE, organization_frame
from functions.account.overview import ORGANIZATIONS_PATH
from functions.html.cursors import page_at_cursor
from functions.html.pages import add_done_message, see_other
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.errors.packages import ReleaseNotFound, ReviewNotAwaited
from shared.domain.names import parse_package_name
from shared.domain.packages import Release
from shared.domain.release_states import State
from shared.runtime.answers import Answer
from shared.services.publishing.staged_releases import StagedReleasePage
from shared.use_cases import staged_releases
from shared.use_cases.inputs import shown_fields
from shared.use_cases.moderation import RequiredReason

REVIEW_ROUTE = f"{ORGANIZATION_ROUTE}/staged/{{name}}/{{version}}"

pages = SignedInPages()
FACES = (pages,)


@pages.read(f"{ORGANIZATION_ROUTE}/staged")
async def account_organization_staged_releases(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame = await organization_frame(call, "staged")

    async def read(after: str) -> StagedReleasePage:
        name = parse_package_name(after) if after else ""
        return await call.registry.publishing.staged_releases.page(call.org, name, by=call.caller)

    shown = await page_at_cursor(call, "after", read)
    return frame.show(problem or shown.problem, found=shown.found, is_first=shown.is_first)


@pages.read(REVIEW_ROUTE)
async def account_organization_staged_release(
    call: SignedInCall, problem: FormProblem | None = None, archive: str = ""
) -> Answer:
    frame = await organization_frame(call, "staged")
    staged = call.registry.publishing.staged_releases
    try:
        review = await staged.review(call.coordinate, by=call.caller)
    except ReleaseNotFound:
        # Somebody else decided meanwhile, or the browser goes back to what was decided.
        sentence = str(ReviewNotAwaited(call.coordinate))
        decided = FormProblem(sentence, HTTPStatus.NOT_FOUND)
        return await account_organization_staged_releases(call, problem or decided)
    at = review.release.coordinate
    return frame.show(
        problem,
        "staged_release",
        review=review,
        release=review.release,
        page=f"{frame.path}/staged/{at.package.name}/{at.version}",
        archive=archive,
        me=call.account.id,
        required=shown_fields(RequiredReason),
    )


_PUBLISHED = "staged-release-published"
add_done_message(_PUBLISHED, "Release approved and published.")


async def _show_approved(call: SignedInCall, release: Release) -> Answer | None:
    """Say that the release is published, unless it waits for further approvals."""
    if release.state is not State.LIVE:
        return None
    return see_other(f"{ORGANIZATIONS_PATH}/{call.org}/staged?done={_PUBLISHED}")


async def _show_link(call: SignedInCall, archive: str) -> Answer:
    """Show the link only in this answer, since whoever has it can download the archive."""
    return await account_organization_staged_release(call, archive=archive)


pages.use_case(
    staged_releases.link,
    f"{REVIEW_ROUTE}/link",
    account_organization_staged_release,
    lambda call: call.coordinate,
    name="account_organization_staged_release_link",
    then=_show_link,
)
pages.use_case(
    staged_releases.approve,
    f"{REVIEW_ROUTE}/approve",
    account_organization_staged_release,
    lambda call: call.coordinate,
    name="account_organization_staged_release_approve",
    then=_show_approved,
    leads_to=f"{ORGANIZATION_ROUTE}/staged",
)
pages.use_case(
    staged_releases.refuse,
    f"{REVIEW_ROUTE}/refuse",
    account_organization_staged_release,
    lambda call: call.coordinate,
    name="account_organization_staged_release_refuse",
    leads_to=f"{ORGANIZATION_ROUTE}/staged",
)
