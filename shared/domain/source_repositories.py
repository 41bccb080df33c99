"""The source repository that an author names, and whether a job has run in it."""

import re
from typing import Self
from urllib.parse import urlsplit

from msgspec import Struct

from shared.domain.packages import Provenance, Release

_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)  # No port, no other alphabet.
_PATH = re.compile(r"(?:/[\w.~-]+)+/?", re.ASCII)


class SourceRepository(Struct, frozen=True):
    """The source repository that an author names; `url` is None where it is no web address.

    An author can name the repository of somebody else. The name is verified when the job that
    published the release ran in that repository.
    """

    text: str
    url: str | None
    is_verified: bool

    @classmethod
    def of(cls, release: Release) -> Self | None:
        """Return the source repository of a release, or None where the author names none."""
        text = release.source_repository
        if not text:
            return None
        claimed = _place(text)
        vouched = _repository(release.origin.provenance)
        url = f"https://{claimed}" if claimed else None
        return cls(text, url, claimed is not None and claimed.lower() == vouched)


def _place(address: str) -> str | None:
    """Return host and path of a plain web URL, in the form of a repository; None for others."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    is_plain = parts.scheme in ("http", "https") and not parts.query and not parts.fragment
    if not is_plain or not _HOST.fullmatch(parts.netloc.lower()) or ".." in parts.path:
        return None
    if not _PATH.fullmatch(parts.path or "/"):
        return parts.netloc.lower() if parts.path in ("", "/") else None
    return parts.netloc.lower() + parts.path.rstrip("/").removesuffix(".git")


def _repository(provenance: Provenance | None) -> str | None:
    """Return host and path, in lower case, of the repository that the job ran in."""
    if provenance is None or not provenance.repository:
        return None
    run = _place(provenance.run_url)
    if run is None:
        return None
    host = run.partition("/")[0]
    named = f"{host}/{provenance.repository}".lower()
    return named if f"{run.lower()}/".startswith(f"{named}/") else None
