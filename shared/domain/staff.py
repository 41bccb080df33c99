"""Staff: which accounts belong to the company that runs the registry."""

import re

from msgspec import Struct

from shared.domain.accounts import Account

# The names of providers in the addresses of sign-ins.
STAFF_PROVIDERS = ("entra", "oidc", "github")
BY_GROUPS = "groups"


def parse_staff_sources(text: str) -> frozenset[str]:
    """Return the `sources` of `Staff` in a list with commas, or raise `ValueError`."""
    sources = frozenset(each.strip().lower() for each in text.split(",") if each.strip())
    for each in sorted(sources - {*STAFF_PROVIDERS, BY_GROUPS}):
        if not re.fullmatch(r"@[a-z0-9-]+(?:\.[a-z0-9-]+)+", each):
            known = ", ".join((*STAFF_PROVIDERS, BY_GROUPS))
            message = f"{each!r} is neither a mail domain such as @example.org nor one of {known}"
            raise ValueError(message)
    return sources


class Staff(Struct, frozen=True):
    """Which accounts are staff: all, or administrators and those that `sources` name: a mail domain
    after @, an identity provider, or `BY_GROUPS` for those that a rule about groups names.

    Where providers say groups, an account whose provider has not said them for too long is none,
    whatever names it: its person may have left.
    """

    sources: frozenset[str]
    reads_groups: bool

    def includes(self, account: Account, now_ms: int) -> bool:
        if account.administers_at(now_ms):
            return True
        until_ms = self._known_until(account)
        if until_ms is not None and now_ms >= until_ms:
            return False
        return self.names(account) or (
            BY_GROUPS in self.sources and account.is_staff_by_groups_at(now_ms)
        )

    def end_of(self, account: Account) -> int | None:
        """Return when the account is no staff any more unless its provider confirms its groups;
        None if it is staff without an end, or by nothing."""
        if account.is_administrator_by_hand:
            return None
        if self.names(account):
            return self._known_until(account)
        by_groups = account.by_groups
        is_by_groups = by_groups is not None and by_groups.staff and BY_GROUPS in self.sources
        return by_groups.staff_until_ms if by_groups and is_by_groups else None

    def names(self, account: Account) -> bool:
        """Check whether something but a rule about groups makes the account staff."""
        _, at, domain = account.email.lower().rpartition("@")
        return (
            not self.sources
            or f"{at}{domain}" in self.sources
            or not self.sources.isdisjoint(account.providers)
        )

    def _known_until(self, account: Account) -> int | None:
        return account.groups_until_ms if self.reads_groups else None
