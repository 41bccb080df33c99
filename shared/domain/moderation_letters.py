"""What the owners of an organization are told by mail when a release of theirs is moderated."""

from shared.domain.mails import Letter
from shared.domain.package import Release, State

_MEANING = {
    State.LIVE: "It is as it was: everybody who may see its package finds and pulls it.",
    State.HELD: "Nobody sees or pulls it until the operator releases it.",
    State.QUARANTINED: (
        "It may do harm, so nobody sees or pulls it until the operator has looked at it. Whoever "
        "pulled it before has it still."
    ),
    State.REMOVED: (
        "Nobody gets it any more, and its version is never free again. Whoever pulled it before "
        "has it still."
    ),
}
_WORDS = {
    State.LIVE: "released again",
    State.HELD: "held",
    State.QUARANTINED: "quarantined",
    State.REMOVED: "removed for good",
}


def moderated_letter(release: Release, organization_page: str) -> Letter:
    """Tell what was decided about a release, and why."""
    words = _WORDS[release.state]
    reason = f"The reason: {_printable(release.state_reason)}\n\n" if release.state_reason else ""
    text = (
        f"{release.coordinate} was {words} by the operator of the registry. "
        f"{_MEANING[release.state]}\n\n"
        f"{reason}"
        f"If that is a mistake, tell the operator. Your organization: {organization_page}\n"
    )
    return Letter(f"{release.coordinate} was {words}", text)


def _printable(text: str) -> str:
    """Return words that no mail program takes for anything else."""
    return "".join(c if c.isprintable() else " " for c in text)
