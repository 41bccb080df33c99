"""The record of pulls: who pulled a release, from where and when, and how it is searched."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Self

from msgspec import Struct

from shared.domain.client_addresses import caller_network
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.times import MS, parse_time

KEPT_FOR = timedelta(days=90)
PULL_WINDOW = timedelta(minutes=10)  # Clients pull a release once for each platform, in seconds.
_WINDOW_MS = PULL_WINDOW // MS

PULLS_PAGE_SIZE = 50
MAX_PULLS_PAGE_SIZE = 500
MAX_PULLS_EXPORTED = 10_000  # Pulls in one exported file, which is then 2 MB.
MAX_FILTER_LENGTH = 200  # Characters.


class RecordedPulls(Enum):
    """Which pulls are recorded."""

    NOT_PUBLIC = "not-public"
    ALL = "all"


class RecordedPull(Struct, frozen=True):
    """A pull of a release, once for each caller and window of ten minutes.

    `principal` is the id of the account or of the organization whose token it was, and empty
    without credentials. `credential` is the id of the token. `job` names the CI job of a job's
    token. `network` is the address, of IPv6 the /64 network.
    """

    org: str
    name: str
    version: str
    at_ms: int  # The time of the first pull in the window.
    principal: str = ""
    credential: str = ""
    job: str = ""
    network: str = ""

    @classmethod
    def of(cls, coordinate: Coordinate, by: Principal, at_ms: int) -> Self:
        job = by.provenance
        return cls(
            org=coordinate.package.org,
            name=coordinate.package.name,
            version=coordinate.version.text,
            at_ms=at_ms,
            principal=by.id,
            credential=by.credential,
            job=f"{job.provider} {job.source} {job.workflow}".strip() if job else "",
            network=caller_network(by.address),
        )

    @property
    def window(self) -> int:
        """The number of the window since 1970."""
        return pull_window(self.at_ms)


def pull_window(at_ms: int) -> int:
    """Return the number of the window that contains a time."""
    return at_ms // _WINDOW_MS


class PullRecordBatch(Struct, frozen=True):
    """The pulls that a process recorded since its last batch."""

    process: str  # Random.
    number: int  # Higher than that of the last batch of the process.
    pulls: Sequence[RecordedPull]


_CURSOR_DIGITS = 18  # SQLite holds numbers of that length.
_CURSOR = re.compile(r"[0-9A-Za-z.:-]{1,120}")


class PullQuery(Struct, frozen=True):
    """Pulls of an organization, newest first, narrowed by package, version, principal and time.

    `principal` is the id of an account or organization, the id of a token, or the text of a job.
    `before` is the cursor of the next page, whose form is that of the store.
    """

    org: OrgName
    package: str = ""
    version: str = ""
    principal: str = ""
    since_ms: int = 0
    until_ms: int | None = None
    before: str = ""
    count: int = PULLS_PAGE_SIZE

    @classmethod
    def parse(
        cls, org: OrgName, params: Mapping[str, str], *, most: int = MAX_PULLS_PAGE_SIZE
    ) -> Self:
        """Parse query parameters, or raise `InvalidRequest`."""
        package = params.get("package", "").strip()
        version = params.get("version", "").strip()
        if package.lower().startswith(f"{org.lower()}/"):
            package = package[len(org) + 1 :]
        package, _, in_package = package.partition(":")
        version = version or in_package
        if version and not package:
            message = "A version is one of a package. Name the package as well."
            with about_field("package"):
                raise InvalidRequest(message)
        before = params.get("before", "")
        if before and not _CURSOR.fullmatch(before):
            raise invalid_cursor(before)
        return cls(
            org=org,
            package=package[:MAX_FILTER_LENGTH],
            version=version[:MAX_FILTER_LENGTH],
            principal=params.get("principal", "").strip()[:MAX_FILTER_LENGTH],
            since_ms=_time(params, "since") or 0,
            until_ms=_time(params, "until"),
            before=before,
            count=_count(params.get("count", ""), most),
        )

    def matches(self, pull: RecordedPull) -> bool:
        return (
            pull.org.lower() == self.org.lower()
            and self.package.lower() in ("", pull.name.lower())
            and self.version in ("", pull.version)
            and self.principal in ("", pull.principal, pull.credential, pull.job)
            and self.since_ms <= pull.at_ms
            and (self.until_ms is None or pull.at_ms < self.until_ms)
        )


class FoundPulls(Struct, frozen=True):
    """Pulls, newest first; `next` is the `before` of the next page, and empty at the end."""

    pulls: tuple[RecordedPull, ...]
    next: str = ""


def number_in_cursor(text: str, cursor: str) -> int:
    """Return the number that is a part of a cursor; raise `InvalidRequest` for what is none, or
    more than a store can hold."""
    if not (text.isascii() and text.isdigit() and len(text) <= _CURSOR_DIGITS):
        raise invalid_cursor(cursor)
    return int(text)


def invalid_cursor(text: str) -> InvalidRequest:
    return InvalidRequest(
        f"The parameter before is not that of a page of pulls: {text[:40]!r}. Leave it out to "
        "start with the newest pull."
    )


def _time(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name, "")
    return parse_time(name, text) if text else None


def _count(text: str, most: int) -> int:
    if not text:
        return min(PULLS_PAGE_SIZE, most)
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= most):  # noqa: PLR2004 - digits that no count has.
        message = f"The parameter count is a number from 1 to {most}, not {text[:40]!r}."
        raise InvalidRequest(message)
    return int(text)
