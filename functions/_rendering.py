"""What turns values into HTML: the templates, escaped by default, and the few words they share."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
HOME = "/account"  # Where the mark of the site leads.

# The places of an account, beside each of its pages and in the menu of the header.
ACCOUNT_PAGES = (
    ("/account", "Overview"),
    ("/account/tokens", "Access tokens"),
    ("/account/organizations", "Organizations"),
    ("/account/sessions", "Sessions"),
    ("/account/identities", "Sign-in methods"),
    ("/account/security", "Security events"),
    ("/account/data", "Your data"),
)

_HASH_DIGITS = 12  # 48 bits tell the versions of one file apart.


def html_of(template: str, values: Mapping[str, object]) -> str:
    """Return the template filled in; a value that it lacks is an error, never an empty text."""
    shared = {"static": static_path, "home": HOME, "account_pages": ACCOUNT_PAGES}
    return _environment().get_template(template).render({**shared, **values})


@cache
def static_path(name: str) -> str:
    """Return the address of a static file; it changes with every byte of it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:_HASH_DIGITS]
    stem, _, kind = name.rpartition(".")
    return f"/static/{stem}.{digest}.{kind}"


def moment(at_ms: int) -> str:
    """Return a time of the stores as people read it: UTC, to the minute."""
    return f"{_utc(at_ms):%Y-%m-%d %H:%M} UTC"


def machine_moment(at_ms: int) -> str:
    """Return a time of the stores as programs read it."""
    return f"{_utc(at_ms):%Y-%m-%dT%H:%M:%SZ}"


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)


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
    environment.filters["moment"] = moment
    environment.filters["machine_moment"] = machine_moment
    return environment
