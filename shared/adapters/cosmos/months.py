"""The months of the feed: which there are, and the head of the one that is written now."""

from datetime import UTC, datetime

from shared.adapters.cosmos.connecting import Container, Item
from shared.domain.errors import Busy
from shared.ports import Clock

ATTEMPTS = 20

_PK, _ID = "feed", "months"


class Months:
    """The months of a feed. A new one begins where the last one was sealed."""

    def __init__(self, container: Container, clock: Clock) -> None:
        """Keep the list beside the feed."""
        self._container = container
        self._clock = clock
        self._firsts: dict[str, int] = {}  # Each month's first number; only ever added to.

    async def current(self) -> tuple[str, Item]:
        """Return the month that is written now, and its head."""
        for _ in range(ATTEMPTS):
            # Another instance may be ahead by a moment: never go back to a month that is sealed.
            wanted = max([_month(self._clock.now_ms()), *self._firsts])
            head = await self._container.read(feed_of(wanted), "head")
            if head is not None and not head["sealed"]:
                if wanted not in self._firsts:
                    await self._list(wanted, head["first"])
                return wanted, head
            await self._begin(wanted)
        raise Busy

    async def after(self, number: int) -> list[str]:
        """Return the months that hold numbers above this one, oldest first."""
        await self._load()
        months = sorted(self._firsts)
        begun = [month for month in months if self._firsts[month] <= number + 1]
        return months[len(begun) - 1 :] if begun else months

    async def until(self, before: int | None) -> list[str]:
        """Return the months that hold numbers below this one, oldest first."""
        await self._load()
        months = sorted(self._firsts)
        return [month for month in months if before is None or self._firsts[month] < before]

    def before(self, month: str) -> str:
        """Return the month before this one that the feed has, or an empty text."""
        return max((each for each in self._firsts if each < month), default="")

    async def _load(self) -> Item | None:
        listed = await self._container.read(_PK, _ID)
        if listed is not None:
            self._firsts |= listed["firsts"]
        return listed

    async def _begin(self, wanted: str) -> None:
        """Seal the last month that is listed, and make the head of the wanted one."""
        await self._load()
        last = max(self._firsts, default="")
        if last >= wanted:
            return  # It was there, or somebody is ahead: look again.
        first = 1
        if last:
            pk = feed_of(last)
            await self._container.change(pk, "head", {"sealed": True}, where="c.sealed = false")
            head = await self._container.read(pk, "head")
            first = head["next"] if head else 1
        await self._container.create(
            {
                "id": "head",
                "pk": feed_of(wanted),
                "schema": 1,
                "first": first,
                "next": first,
                "sealed": False,
            }
        )

    async def _list(self, month: str, first: int) -> None:
        """Write the month down before anything is written into it."""
        listed = await self._load()
        if listed is None:
            item = {"id": _ID, "pk": _PK, "schema": 1, "firsts": {month: first}}
            if not await self._container.create(item):
                return
        elif month not in listed["firsts"]:
            more = {**listed, "firsts": {**listed["firsts"], month: first}}
            if not await self._container.replace(more, listed["_etag"]):
                return
        self._firsts[month] = first


def feed_of(month: str) -> str:
    """Return the partition of a month of the feed."""
    return f"feed:{month}"


def _month(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m")
