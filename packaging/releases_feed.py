"""The Atom feed of the releases of Ballroom, made from CHANGELOG.md.

A release is a heading with a version and a day, as "## 1.2.3 (2026-11-22)". It fixes a
vulnerability if one of its items begins with "**Security**". docs/run/upgrade.md describes the
feed, and shared/domain/release_feeds.py reads it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

SUMMARY_LENGTH = 2_000  # Characters of what a release changes.

_HEADING = re.compile(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d{2}-\d{2})\)$", re.MULTILINE)
_SECURITY = re.compile(r"^- \*\*Security\*\*", re.MULTILINE)


@dataclass(frozen=True)
class ListedRelease:
    """A release as CHANGELOG.md has it."""

    version: str
    day: str
    changes: str

    @property
    def is_security(self) -> bool:
        return bool(_SECURITY.search(self.changes))

    @property
    def title(self) -> str:
        """The title of the release, which marks a fix of a vulnerability."""
        return f"Ballroom {self.version}{' (security)' if self.is_security else ''}"


def listed_releases(changelog: str) -> Iterator[ListedRelease]:
    """Yield the releases, the newest first."""
    _, *parts = _HEADING.split(changelog)
    for version, day, changes in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        yield ListedRelease(version, day, changes.strip())


def releases_feed(changelog: str, repository: str) -> str:
    """Return the feed; `repository` is the address whose releases the entries link to, or empty."""
    found = list(listed_releases(changelog))
    updated = max((each.day for each in found), default="1970-01-01")
    entries = "".join(_entry(each, repository) for each in found)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom">\n'
        "<title>Releases of Ballroom</title>\n"
        "<id>urn:ballroom:releases</id>\n"
        f"<updated>{updated}T00:00:00Z</updated>\n"
        "<author><name>Ballroom</name></author>\n"
        f"{entries}</feed>\n"
    )


def _entry(release: ListedRelease, repository: str) -> str:
    page = f"{repository}/releases/tag/v{release.version}"
    link = f"<link rel={quoteattr('alternate')} href={quoteattr(page)}/>\n" if repository else ""
    category = '<category term="security"/>\n' if release.is_security else ""
    return (
        "<entry>\n"
        f"<title>{escape(release.title)}</title>\n"
        f"<id>urn:ballroom:release:{release.version}</id>\n"
        f"<updated>{release.day}T00:00:00Z</updated>\n"
        f"{link}{category}"
        f"<summary>{escape(release.changes[:SUMMARY_LENGTH])}</summary>\n"
        "</entry>\n"
    )
