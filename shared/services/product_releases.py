"""Which releases of Ballroom are newer than this one, as the feed of the settings says."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct
from pydantic import ValidationError

from shared.domain.product_releases import FeedUnusable, KnownReleases, ProductRelease
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.http_client import HttpClient, Unanswered
from shared.ports.system import Clock
from shared.ports.work import WorkStore

KEPT_FOR = timedelta(days=400)  # Then a feed that is no longer read is forgotten.

_KIND = "product-releases"
_KEY = "feed"
_OK = 200
_HEADERS = {"Accept": "application/atom+xml, application/xml;q=0.9"}


class ProductReleases(Struct, frozen=True):
    """Reads the feed, and says what is newer. Without an address of one it asks nobody."""

    http: HttpClient
    work: WorkStore
    clock: Clock
    feed: str
    running: str  # The version of this program.

    async def read_feed(self) -> TaskReport:
        """Read the feed once; if that fails, what was known stays."""
        known = await self.known()
        try:
            releases = _parsed(await self._fetch())
        except (Unanswered, FeedUnusable) as error:
            address = self.feed.partition("?")[0]  # A query may have a token of a private feed.
            failure = f"The feed of releases {address} could not be read: {error}."
            await self._store(known.model_copy(update={"failure": failure}))
            return TaskReport(seen=1, changed=0, problems=(failure,))
        read = KnownReleases(feed=self.feed, read_ms=self.clock.now_ms(), releases=releases)
        await self._store(read)
        return TaskReport(seen=1, changed=int(read.releases != known.releases))

    async def known(self) -> KnownReleases:
        """Return what the feed of the settings said last."""
        none = KnownReleases(feed=self.feed)
        if not self.feed:
            return none
        text = await self.work.peek(_KIND, _KEY, self.clock.now_ms())
        try:
            stored = none if text is None else KnownReleases.model_validate_json(text)
        except ValidationError:  # A later version wrote it.
            return none
        return stored if stored.feed == self.feed else none

    async def newer(self) -> Sequence[ProductRelease]:
        """Return the known releases above the running version, the newest first."""
        return (await self.known()).newer_than(self.running)

    async def _fetch(self) -> bytes:
        answer = await self.http.get(self.feed, _HEADERS)
        if answer.status != _OK:
            reason = f"the server answered {answer.status}"
            raise FeedUnusable(reason)
        return answer.body

    async def _store(self, known: KnownReleases) -> None:
        ends_ms = self.clock.now_ms() + KEPT_FOR // MS
        await self.work.put(_KIND, _KEY, known.model_dump_json(), ends_ms)


def _parsed(content: bytes) -> tuple[ProductRelease, ...]:
    # Imported when a feed is read, because most processes read none.
    from shared.domain.release_feeds import parse_feed  # noqa: PLC0415

    return parse_feed(content)
