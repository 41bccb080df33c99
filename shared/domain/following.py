"""Who follows a package or an organization, what waits to be told, and the links that end it.

A follower hears of new releases, withdrawals and advisories, with mail at once or in a weekly
digest.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import ClassVar, Self

from msgspec import Struct

from shared.domain.change_feed import ChangeKind, package_change
from shared.domain.coordinates import Package
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import Conflict, InvalidRequest, NotFound, about_field
from shared.domain.events import Event
from shared.domain.mail import retry_ms
from shared.domain.names import OrgName, parse_org
from shared.domain.records import Record
from shared.domain.release_states import State
from shared.domain.times import MS

Followed = Package | OrgName

MAX_FOLLOWED = 500  # Packages and organizations of an account.
MAX_WAITING = 200  # News of one mail; more are counted, and not kept.
MAIL_EVERY = timedelta(hours=1)  # To an account; what happens meanwhile is in one mail.
WEEK = timedelta(weeks=1)
RETRY_AFTER = timedelta(hours=1)  # What the mail server refuses is not sent again before.
LINK_LIFETIME = timedelta(days=60)  # Longer than the 30 days that laws about mail ask for.
LINK_CODE_LENGTH = 32


class Pace(Enum):
    """When a follower gets mail."""

    AT_ONCE = "at-once"
    WEEKLY = "weekly"


class News(Enum):
    """What followers are told of."""

    RELEASE = "release"
    WITHDRAWAL = "withdrawal"
    ADVISORY = "advisory"


def parse_followed(text: str) -> Followed:
    """Return the package `org/name`, or the organization; raise `InvalidName`."""
    org, slash, name = text.strip().partition("/")
    with about_field("target"):
        return Package.parse(org, name) if slash else parse_org(org)


def parse_pace(text: str) -> Pace:
    try:
        return Pace(text)
    except ValueError:
        message = f"{text[:40]!r} is not when mail is sent. Choose at-once or weekly."
        with about_field("pace"):
            raise InvalidRequest(message) from None


def followed_key(followed: Followed) -> str:
    """Return the owner of its followers: owners hold no slash."""
    return str(followed).lower().replace("/", ":")


def follow_place(followed: Followed, account_id: str) -> Place:
    return Place(followed_key(followed), account_id)


class Follow(Entity):
    """An account that follows a package or an organization."""

    kind: ClassVar[str] = "follow"

    followed: str  # Such as `acme/greet` or `acme`.
    account: str
    pace: Pace
    since_ms: int

    @property
    def place(self) -> Place:
        return follow_place(parse_followed(self.followed), self.account)

    @property
    def subject(self) -> str:
        """The account, so that what it follows can be listed."""
        return self.account


class WaitingNews(Record):
    """Something to tell a follower; it is checked again when the mail is written."""

    news: News
    subject: str  # The release, such as `acme/greet:1.0.0`, or the package of an advisory.
    followed: str
    advisory: str = ""

    @property
    def key(self) -> tuple[News, str, str]:
        return self.news, self.subject.lower(), self.advisory


class FollowerNews(Entity):
    """What an account is told with its next mail of a pace. Nobody is told the same twice in one
    mail."""

    kind: ClassVar[str] = "follower-news"

    pace: Pace
    account: str
    due_ms: int
    waiting: tuple[WaitingNews, ...] = ()
    more: int = 0  # News that were not kept, because there were too many.
    retry_ms: int = 0  # Not before, because the mail server refused the mail.

    @property
    def place(self) -> Place:
        return news_place(self.pace, self.account)

    def is_due(self, now_ms: int) -> bool:
        return max(self.due_ms, self.retry_ms) <= now_ms

    def refused(self, now_ms: int) -> Self:
        """Return what is sent again later, because the mail server refused it now."""
        return self.model_copy(update={"retry_ms": retry_ms(self.due_ms, now_ms, RETRY_AFTER)})

    def having(self, news: Iterable[WaitingNews]) -> Self:
        known = {each.key for each in self.waiting}
        new = list({each.key: each for each in news if each.key not in known}.values())
        room = MAX_WAITING - len(self.waiting)
        waiting = (*self.waiting, *new[:room])
        more = self.more + len(new[room:])
        return self.model_copy(update={"waiting": waiting, "more": more})

    def without(self, told: Iterable[WaitingNews]) -> Self:
        """Return what came after a mail with the news `told` was written."""
        known = {each.key for each in told}
        waiting = tuple(each for each in self.waiting if each.key not in known)
        return self.model_copy(update={"waiting": waiting, "more": 0})


def news_place(pace: Pace, account_id: str) -> Place:
    """Return the place of what waits: together with that of others of the pace, which one task
    reads."""
    return Place(pace.value, account_id)


def due_ms(pace: Pace, now_ms: int, last_mail_ms: int) -> int:
    """Return when what is told from now on is sent: an hour after the mail before it, or on Monday
    at 06:00 UTC."""
    if pace is Pace.AT_ONCE:
        return max(now_ms, last_mail_ms + MAIL_EVERY // MS)
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    monday = now.replace(hour=6, minute=0, second=0, microsecond=0) - timedelta(now.weekday())
    return int((monday if monday > now else monday + WEEK).timestamp() * 1000)


class LinkUse(Enum):
    """What a link of a mail is for. The code of one does not work as the other."""

    PAGE = "page"  # Its code is the fragment of the link.
    ONE_CLICK = "one-click"  # `List-Unsubscribe`, whose code is in the path: programs open it.


class LeaveLink(Entity):
    """A link of a mail that ends what its reader follows, without a sign-in."""

    kind: ClassVar[str] = "leave-link"

    code_hash: str
    account: str
    use: LinkUse
    pace: Pace
    followed: tuple[str, ...] = ()  # What the mail reported; used if the link opens a page.
    expires_ms: int

    @property
    def place(self) -> Place:
        return Place(self.code_hash)

    @property
    def subject(self) -> str:
        return self.account

    @property
    def ends_ms(self) -> int | None:
        return self.expires_ms


class ToldOf(Struct, frozen=True):
    """News of an event, and the packages and organizations whose followers are told."""

    news: News
    subject: str
    package: Package
    advisory: str = ""

    @property
    def followed(self) -> tuple[Followed, ...]:
        return (self.package.org, self.package)

    def waiting(self, followed: Followed) -> WaitingNews:
        return WaitingNews(
            news=self.news, subject=self.subject, followed=str(followed), advisory=self.advisory
        )


# A release that was held is news when it is published; one that was withdrawn is not when it is
# served again.
_HELD = State.HELD.value
ADVISORIES = frozenset({"advisory.added", "advisory.published", "advisory.imported"})
SET_OF_ADVISORIES = "advisory-set.imported"  # Names the first of its new records in its details.


def release_news(event: Event) -> ToldOf | None:
    """Return what followers are told of an event about one release; None for all other events."""
    change = package_change(0, event)
    if change is None or ":" not in event.subject:
        return None
    before = event.details.get("state_before", "")
    is_new = change.change is ChangeKind.PUBLISHED
    is_approved = change.change is ChangeKind.RESTORED and before == _HELD
    if is_new or is_approved:
        return ToldOf(News.RELEASE, event.subject, change.package)
    if change.change is ChangeKind.WITHDRAWN and before in ("", State.LIVE.value):
        return ToldOf(News.WITHDRAWAL, event.subject, change.package)
    return None


class LeaveLinkNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(
            "leave-link-not-found",
            "This link is not valid: it has expired, or the account no longer exists. Sign in, and "
            "change what you follow on /account/following.",
        )


def too_many_followed() -> Conflict:
    return Conflict(
        "too-many-followed",
        f"An account follows {MAX_FOLLOWED} packages and organizations at most. End some of them "
        "on /account/following first.",
    )
