"""/manage/mirror/packages and /manage/mirror/refusals: what is stored of upstream registries, and
what is refused."""

from functions.http.pages import see_other
from functions.http.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from shared.domain.wanted_releases import parse_coordinate
from shared.runtime.answers import Answer
from shared.services.mirroring.overview import MirrorOverview

REFUSALS_PATH = "/manage/mirror/refusals"
ROWS_PER_PAGE = 25  # The releases of each package are read.

RETRY_MESSAGES = {"retried": "The next pull fetches the release again."}


pages = AdministratorPages()


@pages.read("manage/mirror/packages")
async def manage_mirror_packages(call: SignedInCall) -> Answer:
    overview, after = _overview(call), call.params.get("after", "")
    return call.show(
        "manage/mirror_packages.html",
        mirror=await overview.status(by=call.caller),
        page=await overview.packages(after, ROWS_PER_PAGE, by=call.caller),
        is_first=not after,
    )


@pages.read("manage/mirror/refusals")
async def manage_mirror_refusals(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    overview, after = _overview(call), call.params.get("after", "")
    return call.show(
        "manage/mirror_refusals.html",
        problem,
        page=await overview.refusals(after, ROWS_PER_PAGE, by=call.caller),
        is_first=not after,
        done=call.done(RETRY_MESSAGES),
    )


@pages.form("manage/mirror/retry", manage_mirror_refusals)
async def manage_mirror_retry(call: SignedInCall) -> Answer:
    """Let the next pull fetch a refused release again."""
    release = parse_coordinate(call.form.text("release"))
    await _overview(call).retry(release, by=call.caller)
    return see_other(f"{REFUSALS_PATH}?done=retried")


def _overview(call: SignedInCall) -> MirrorOverview:
    return call.registry.require_mirroring().overview


FACES = (pages,)
