"""Renders templates, with the menus that every page has."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from functions.html import formatting
from functions.html.operator_links import contact_address
from shared.domain.sentences import counted
from shared.domain.withdrawal_reasons import reason_text
from shared.domain.withdrawals import withdrawal_text, withdrawal_title
from shared.prose.safe_html import show_bidi_characters

if TYPE_CHECKING:
    from jinja2 import Environment


TEMPLATES = Path(__file__).parents[1] / "templates"
STATIC = Path(__file__).parents[1] / "static"
HOME = "/"  # Where the logo of the site leads.

# The links to the pages of an account, which are beside each of these pages and in the menu of the
# header.
ACCOUNT_PAGES = (
    ("/account", "Overview"),
    ("/account/tokens", "Access tokens"),
    ("/account/organizations", "Organizations"),
    ("/account/advisories", "Affected packages"),
    ("/account/following", "Following"),
    ("/device", "Devices"),
    ("/account/sessions", "Sessions"),
    ("/account/identities", "Sign-in methods"),
    ("/account/security", "Security events"),
    ("/account/data", "Your data"),
)

# The links to the pages of administrators, beside each of these pages, in this order.
MANAGE_PAGES = (
    ("/manage", "Overview"),
    ("/manage/releases", "Releases"),
    ("/manage/reports", "Reports"),
    ("/manage/advisories", "Advisories"),
    ("/manage/accounts", "Accounts"),
    ("/manage/groups", "Groups"),
    ("/manage/directory-locks", "Directory locks"),
    ("/manage/scim", "Provisioning"),
    ("/manage/organizations", "Organizations"),
    ("/manage/ownership", "Ownership"),
    ("/manage/names", "Reserved names"),
    ("/manage/notices", "Notice"),
    ("/manage/read-only", "Read-only mode"),
    ("/manage/rules", "Rules"),
    ("/manage/mirror", "Mirror"),
    ("/manage/approvals", "Approvals"),
    ("/manage/tasks", "Maintenance tasks"),
)

# The links above every page, beside the search field.
HEADER_LINKS = (("/search", "Browse"), ("/symbols", "Symbols"), ("/docs", "Docs"))

# The links below every page.
FOOTER = (
    ("/about", "Getting started"),
    ("/docs", "Docs"),
    ("/about/api", "API"),
    ("/about/policies", "Policies"),
    ("/about/log", "Transparency log"),
    ("/about/trust", "Trust"),
    ("/about/status", "Status"),
    ("/api/v1/settings.toml", "Settings.toml"),
)

# What a page may tell its frame, with the defaults.
_FRAME = {
    "home": HOME,
    "header_links": HEADER_LINKS,
    "footer": FOOTER,
    "account_pages": ACCOUNT_PAGES,
    "manage_pages": MANAGE_PAGES,
    "sought": "",
    "here": "",
    "announcements": (),
    "note": "",
    "operator_links": (),
}

# Filters of the templates.
_FILTERS: tuple[Callable[..., str], ...] = (
    formatting.ago,
    counted,
    formatting.day,
    formatting.breakable,
    formatting.grouped,
    formatting.lasting,
    formatting.linked,
    formatting.machine_moment,
    formatting.moment,
    formatting.short_number,
    formatting.sized,
    contact_address,
    reason_text,
    show_bidi_characters,
    withdrawal_text,
    withdrawal_title,
)
MAX_CACHED_FRAGMENTS = 8_192  # Fragments in memory; they take about 6 MB.
_HASH_DIGITS = 12  # 48 bits tell the versions of one file apart.


def render_template(template: str, values: Mapping[str, object]) -> str:
    """Return the rendered template; a missing value raises an error, and never becomes an empty
    text."""
    frame = {"static": static_path, **_FRAME}
    return _environment().get_template(template).render({**frame, **values})


@lru_cache(maxsize=MAX_CACHED_FRAGMENTS)
def fragment(template: str, macro: str, *values: str | int | tuple[object, ...]) -> str:
    """Return the HTML of a macro that depends only on these plain values.

    Lists of packages repeat the same names and summaries on thousands of pages.
    """
    made: str = getattr(_environment().get_template(template).module, macro)(*values)
    return made


def prepare_templates() -> None:
    """Import the library of templates, and read or compile each template."""
    environment = _environment()
    for template in environment.list_templates(["html"]):
        environment.get_template(template)


@cache
def static_path(name: str) -> str:
    """Return the address of a static file; it changes with every byte of it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:_HASH_DIGITS]
    stem, _, kind = name.rpartition(".")
    return f"/static/{stem}.{digest}.{kind}"


@cache
def _environment() -> "Environment":
    # Imported after the start, or when the first page is shown: few clients request one.
    from jinja2 import FileSystemLoader  # noqa: PLC0415

    from shared.prose.template_engine import CompiledTemplates, page_environment  # noqa: PLC0415

    environment = page_environment(FileSystemLoader(TEMPLATES), CompiledTemplates())
    for word in _FILTERS:
        environment.filters[word.__name__] = word
    environment.globals["fragment"] = fragment
    return environment
