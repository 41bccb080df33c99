"""Announcing: what administrators tell everybody, and turning the registry read-only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.auth.administration import Administration
from shared.auth.base62 import random_text
from shared.domain.bulletin import PLACE, Bulletin, Draft, Notice, ReadOnly, parse_reason
from shared.domain.identity import Principal
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness, Stale
from shared.services.bulletins import Bulletins
from shared.services.changing import until_fresh
from shared.services.recording import Change, Recording

ID_LENGTH = 8  # Base62: no two notices share it.

_NOTICES, _READ_ONLY = "notices of the registry", "whether the registry takes changes"


@dataclass(frozen=True, slots=True)
class Announcing:
    """Writes the bulletin. This process shows a change at once, all others within five seconds."""

    administration: Administration
    directory: DirectoryStore
    recording: Recording
    bulletins: Bulletins
    clock: Clock
    randomness: Randomness

    async def bulletin(self, *, by: Principal) -> Bulletin:
        """Return the bulletin as it is now, for administrators."""
        await self.administration.require(by, "look at", _NOTICES)
        return await self._read()

    async def announce(self, draft: Draft, *, by: Principal) -> Notice:
        """Show a notice on every page; raise `TooManyNotices`."""
        await self.administration.require_fresh(by, "change", _NOTICES)
        notice = Notice(
            id=random_text(self.randomness, ID_LENGTH),
            text=draft.text,
            mood=draft.mood,
            link=draft.link,
            from_ms=draft.from_ms,
            until_ms=draft.until_ms,
        )
        change = _change("notice.announced", notice.id, {"text": notice.text})
        await self._write(lambda old: old.with_notice(notice, self._now_ms), change, by)
        return notice

    async def extend(self, notice_id: str, until_ms: int, *, by: Principal) -> None:
        """Let a notice end at another time; raise `NoticeNotFound` or `InvalidRequest`."""
        await self.administration.require_fresh(by, "change", _NOTICES)
        change = _change("notice.changed", notice_id, {"until-ms": str(until_ms)})
        await self._write(lambda old: old.ending(notice_id, until_ms, self._now_ms), change, by)

    async def end(self, notice_id: str, *, by: Principal) -> None:
        """Let a notice end now; raise `NoticeNotFound`."""
        await self.administration.require_fresh(by, "change", _NOTICES)
        change = _change("notice.ended", notice_id)
        await self._write(lambda old: old.ending(notice_id, 0, self._now_ms), change, by)

    async def refuse_changes(self, reason: str, *, by: Principal) -> ReadOnly:
        """Turn the registry read-only, or give another reason; raise `InvalidRequest`."""
        await self.administration.require_fresh(by, "change", _READ_ONLY)
        read_only = ReadOnly(reason=parse_reason(reason), since_ms=self._now_ms)
        change = _change("registry.read-only", "registry", {"reason": read_only.reason})
        await self._write(lambda old: _with_reason(old, read_only), change, by)
        return read_only

    async def take_changes(self, *, by: Principal) -> None:
        """Take changes again; nothing happens where they are taken."""
        await self.administration.require_fresh(by, "change", _READ_ONLY)
        if (await self._read()).read_only is None:
            return
        change = _change("registry.writable", "registry")
        await self._write(lambda old: old.model_copy(update={"read_only": None}), change, by)

    @property
    def _now_ms(self) -> int:
        return self.clock.now_ms()

    async def _read(self) -> Bulletin:
        return await self.directory.get(Bulletin, PLACE) or Bulletin(revision=0)

    async def _write(
        self, decide: Callable[[Bulletin], Bulletin], change: Change, by: Principal
    ) -> None:
        await until_fresh(lambda: self._attempt(decide, change, by))
        self.bulletins.forget()

    async def _attempt(
        self, decide: Callable[[Bulletin], Bulletin], change: Change, by: Principal
    ) -> None:
        decided = decide(await self._read())
        if decided.revision:
            await self.recording.replace(decided, change=change, by=by)
            return
        first = decided.model_copy(update={"revision": 1})
        try:
            await self.recording.add(first, change=change, by=by)
        except AlreadyThere:
            raise Stale from None  # Somebody else wrote the first one.


def _change(kind: str, subject: str, details: Mapping[str, str] | None = None) -> Change:
    return Change(kind, subject, details=details or {})


def _with_reason(old: Bulletin, read_only: ReadOnly) -> Bulletin:
    """Keep since when it is so, where only the reason is another one."""
    since_ms = old.read_only.since_ms if old.read_only else read_only.since_ms
    return old.model_copy(update={"read_only": read_only.model_copy(update={"since_ms": since_ms})})
