"""What the pages of administrators answer when a change waits for a second administrator."""

from functions.html.pages import add_done_message, see_other
from shared.domain.proposals import Proposal
from shared.runtime.answers import Answer

_DONE = "waits-for-second"

add_done_message(
    _DONE,
    "Nothing has changed yet: another administrator confirms this within a day. All administrators "
    "were notified by email.",
)


def waiting_page(changed: object) -> Answer | None:
    """Return the redirect to what waits, if the change is a proposal and was not made."""
    is_proposal = isinstance(changed, Proposal)
    return see_other(f"/manage/proposals?done={_DONE}") if is_proposal else None
