"""Browsers as pages name them, from their user agents."""

import re

from shared.domain.sessions import Session

# Names in user agents. Each browser also names those below it, so the first match counts.
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}

_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def browser_label(session: Session) -> str:
    """Return the browser and the system, such as `Firefox on Linux`, from the user agent."""
    browser = _first(_BROWSERS, session.agent)
    system = _first(_SYSTEMS, session.agent)
    return " on ".join(filter(None, (browser, system))) or session.agent or "Unknown browser"


def _first(names: dict[str, str], agent: str) -> str:
    return next((shown for name, shown in names.items() if re.search(rf"\b{name}", agent)), "")
