"""Following packages and organizations, and ending it: by the account, or by a link of a mail."""

from collections.abc import Iterable
from contextlib import suppress

from msgspec import Struct

from shared.auth.secrets import random_text
from shared.domain.access_rights import require_own_account
from shared.domain.coordinates import Package
from shared.domain.entities import Place
from shared.domain.following import (
    LINK_CODE_LENGTH,
    LINK_LIFETIME,
    MAX_FOLLOWED,
    Follow,
    Followed,
    FollowerNews,
    LeaveLink,
    LeaveLinkNotFound,
    LinkUse,
    Pace,
    follow_place,
    news_place,
    parse_followed,
    too_many_followed,
)
from shared.domain.one_time_links import code_hash
from shared.domain.principals import Principal
from shared.domain.times import MS
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale
from shared.services.organizations.organizations import Organizations
from shared.services.packages.hosted_packages import HostedPackages

_WHAT = "what your account follows"


class Following(Struct, frozen=True):
    """What accounts follow. It is private, so no event contains it."""

    directory: DirectoryStore
    hosted: HostedPackages
    organizations: Organizations
    clock: Clock
    randomness: Randomness

    async def list_own(self, *, by: Principal) -> list[Follow]:
        """Return what the account of `by` follows, by name."""
        require_own_account(by, "see", _WHAT)
        return await self.of_account(by.id)

    async def of_account(self, account_id: str) -> list[Follow]:
        found = await self.directory.list_by_subject(Follow, account_id)
        return sorted(found, key=lambda each: each.followed.lower())

    async def find(self, followed: Followed, *, by: Principal) -> Follow | None:
        """Return how the account follows this; None if it does not, and for tokens that may not
        see that."""
        if not by.manages_everything:
            return None
        return await self.directory.get(Follow, follow_place(followed, by.id))

    @retried_when_stale
    async def follow(self, followed: Followed, pace: Pace, *, by: Principal) -> Follow:
        """Tell the account about a package or an organization that it may see, from now on; for
        one that it follows, change when.

        Raises what hides packages and organizations from `by`, and `too-many-followed`.
        """
        require_own_account(by, "change", _WHAT)
        name = await self._name(followed, by)
        stored = await self.directory.get(Follow, follow_place(followed, by.id))
        if stored is not None:
            if stored.pace is pace:
                return stored
            changed = stored.model_copy(update={"pace": pace})
            return await self.directory.replace(changed)
        # Requests at the same time could exceed the number by a few, which harms nobody.
        if len(await self.of_account(by.id)) >= MAX_FOLLOWED:
            raise too_many_followed()
        new = Follow(followed=name, account=by.id, pace=pace, since_ms=self.clock.now_ms())
        return await self.directory.add(new)

    async def _name(self, followed: Followed, by: Principal) -> str:
        """Return the name as its owners write it."""
        if isinstance(followed, Package):
            return str((await self.hosted.survey(followed, by=by)).head.package)
        return (await self.organizations.show(followed, by=by)).name

    async def unfollow(self, followed: Followed, *, by: Principal) -> None:
        """Tell the account nothing more; a repeat changes nothing, and nothing is said of what
        there is."""
        require_own_account(by, "change", _WHAT)
        await self._end(by.id, followed)

    async def new_links(self, account_id: str, pace: Pace, told_of: Iterable[str]) -> "MailLinks":
        """Store the links of a mail, and return their codes."""
        page = random_text(self.randomness, LINK_CODE_LENGTH)
        one_click = random_text(self.randomness, LINK_CODE_LENGTH)
        expires_ms = self.clock.now_ms() + LINK_LIFETIME // MS
        for code, use in ((page, LinkUse.PAGE), (one_click, LinkUse.ONE_CLICK)):
            link = LeaveLink(
                code_hash=code_hash(code),
                account=account_id,
                use=use,
                pace=pace,
                followed=tuple(told_of) if use is LinkUse.PAGE else (),
                expires_ms=expires_ms,
            )
            await self.directory.put(link)
        return MailLinks(page, one_click)

    async def peek(self, code: str, use: LinkUse) -> LeaveLink:
        """Return the link with this code; raise `LeaveLinkNotFound`. Showing it ends nothing:
        programs that check links open them."""
        link = await self.directory.get(LeaveLink, Place(code_hash(code)))
        if link is None or link.use is not use or link.expires_ms <= self.clock.now_ms():
            raise LeaveLinkNotFound
        return link

    async def leave(self, code: str, followed: str = "") -> LeaveLink:
        """Stop following what a mail was about: one of these, or all. A repeat changes nothing."""
        link = await self.peek(code, LinkUse.PAGE)
        for each in link.followed:
            if followed in ("", each):
                await self._end(link.account, parse_followed(each))
        return link

    async def end_mail(self, code: str) -> LeaveLink:
        """End all that the account follows with mail of this kind; a repeat changes nothing."""
        link = await self.peek(code, LinkUse.ONE_CLICK)
        for each in await self.of_account(link.account):
            if each.pace is link.pace:
                await self._end(each.account, parse_followed(each.followed), link.pace)
        await self._forget_news(link.account, link.pace)
        return link

    @retried_when_stale
    async def _end(self, account_id: str, followed: Followed, pace: Pace | None = None) -> None:
        stored = await self.directory.get(Follow, follow_place(followed, account_id))
        # The list by which the caller found it may lag behind.
        if stored is not None and pace in (None, stored.pace):
            await self.directory.remove(stored)

    async def _forget_news(self, account_id: str, pace: Pace) -> None:
        waiting = await self.directory.get(FollowerNews, news_place(pace, account_id))
        if waiting is not None:
            with suppress(Stale):  # More was added, which the next mail leaves out.
                await self.directory.remove(waiting)


class MailLinks(Struct, frozen=True):
    """The codes of the links of a mail."""

    page: str
    one_click: str
