"""What turns values into HTML: the templates, escaped by default, and the few words they share."""

import hashlib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from functions import _words
from shared.domain.bulletin import Announcement
from shared.prose.safe_html import with_turns_shown

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
HOME = "/"  # Where the mark of the site leads.

# The places of an account, beside each of its pages and in the menu of the header.
ACCOUNT_PAGES = (
    ("/account", "Overview"),
    ("/account/tokens", "Access tokens"),
    ("/account/organizations", "Organizations"),
    ("/account/packages", "Packages"),
    ("/account/invitations", "Invitations"),
    ("/device", "Log a machine in"),
    ("/account/sessions", "Sessions"),
    ("/account/identities", "Sign-in methods"),
    ("/account/security", "Security events"),
    ("/account/data", "Your data"),
)

# The places of the administrators, beside each of their pages, in this order.
MANAGE_PAGES = (
    ("/manage", "Overview"),
    ("/manage/releases", "Releases"),
    ("/manage/accounts", "Accounts"),
    ("/manage/organizations", "Organizations"),
    ("/manage/names", "Names"),
    ("/manage/notices", "Notices"),
    ("/manage/read-only", "Read-only mode"),
    ("/manage/tasks", "Tasks"),
    ("/manage/limits", "Limits"),
)

# What stands below every page.
FOOTER = (
    ("/about", "How to use"),
    ("/about/api", "API"),
    ("/about/policies", "Policies"),
    ("/about/status", "Status"),
    ("/api/v1/settings.toml", "Settings.toml"),
)

# What every page may say to its frame; those that say nothing are like this.
_FRAME = {
    "home": HOME,
    "footer": FOOTER,
    "account_pages": ACCOUNT_PAGES,
    "manage_pages": MANAGE_PAGES,
    "sought": "",
    "here": "",
}

# What is announced above the page that is made now.
announced: ContextVar[tuple[Announcement, ...]] = ContextVar("announced", default=())

# Filters of the templates.
_WORDS: tuple[Callable[..., str], ...] = (
    _words.ago,
    _words.counted,
    _words.day,
    _words.grouped,
    _words.lasting,
    _words.machine_moment,
    _words.moment,
    _words.short,
    _words.sized,
    _words.typed_moment,
    with_turns_shown,
)

_HASH_DIGITS = 12  # 48 bits tell the versions of one file apart.


def html_of(template: str, values: Mapping[str, object]) -> str:
    """Return the template filled in; a value that it lacks is an error, never an empty text."""
    frame = {"static": static_path, "announcements": announced.get(), **_FRAME}
    return _environment().get_template(template).render({**frame, **values})


@cache
def static_path(name: str) -> str:
    """Return the address of a static file; it changes with every byte of it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:_HASH_DIGITS]
    stem, _, kind = name.rpartition(".")
    return f"/static/{stem}.{digest}.{kind}"


@cache
def _environment() -> "Environment":
    # Imported by the first page: most processes serve clients that never ask for one.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for word in _WORDS:
        environment.filters[word.__name__] = word
    return environment
