"""Reserved names: patterns that no organization may match."""

from collections.abc import Sequence

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.errors.base import Conflict, NotFound, about_field
from shared.domain.principals import Principal
from shared.domain.reasons import parse_required_reason
from shared.domain.reserved_names import (
    BUILT_IN_PATTERN,
    MAX_RESERVED_NAMES,
    RESERVED_NAMES_OWNER,
    RESERVED_WORDS,
    ReservedName,
    parse_reserved_name,
    reserved_name_place,
)
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import account_names

_WHAT = "the names that nobody may found"


class ReservedNameList(Struct, frozen=True):
    """The built-in reserved names, those of the settings, and those of administrators."""

    built_in: tuple[str, ...]
    words: tuple[str, ...]
    configured: tuple[str, ...]
    stored: tuple[tuple[ReservedName, str], ...]  # With the name of the administrator.


class ReservedNames(Struct, frozen=True):
    """Manages reserved names; a change takes effect at once, since each creation reads them."""

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    audited_writer: AuditedWriter
    clock: Clock
    reserved_patterns: tuple[str, ...]

    async def all(self, *, by: Principal) -> ReservedNameList:
        """Return all reserved names, those of administrators in alphabetical order."""
        await self.registry_authorization.require_auditor(by, "list", _WHAT)
        stored = sorted(
            await stored_patterns(self.directory), key=lambda each: each.pattern.lower()
        )
        names = await account_names(self.directory, (each.by for each in stored))
        with_names = tuple((each, names.get(each.by, each.by)) for each in stored)
        return ReservedNameList(
            (BUILT_IN_PATTERN,), tuple(sorted(RESERVED_WORDS)), self.reserved_patterns, with_names
        )

    async def add(self, pattern: str, reason: str, *, by: Principal) -> ReservedName:
        """Reserve a pattern; existing organizations are not affected.

        Raises `PatternUnreadable`, `reason-missing`, `reserved-already` or `reserved-names-full`.
        """
        await self.registry_authorization.require_fresh(by, "change", _WHAT)
        with about_field("pattern"):
            parsed = parse_reserved_name(pattern)
        with about_field("reason"):
            reason = parse_required_reason(reason, f"the pattern {parsed}")
        now_ms = self.clock.now_ms()
        reserved = ReservedName(pattern=parsed, reason=reason, by=by.id, since_ms=now_ms)
        return await self._add(reserved, by)

    @retried_with_back_off
    async def _add(self, reserved: ReservedName, by: Principal) -> ReservedName:
        async def require_below_maximum() -> None:
            known = await stored_patterns(self.directory)
            if len(known) >= MAX_RESERVED_NAMES:
                raise Conflict(
                    "reserved-names-full",
                    f"There are {MAX_RESERVED_NAMES} patterns, which is the limit, because "
                    "creating an organization reads all of them. Replace several by one with *.",
                )
            if reserved.place in [each.place for each in known]:
                raise Conflict(
                    "reserved-already",
                    f"{reserved.pattern} is reserved already. Remove it first to change its "
                    "reason.",
                )

        change = _change("reserved", reserved)
        return await self.audited_writer.add_checked(
            reserved, check=require_below_maximum, change=change, by=by
        )

    @retried_when_stale
    async def remove(self, pattern: str, *, by: Principal) -> None:
        """Remove a pattern, or raise `reserved-name-not-found`."""
        await self.registry_authorization.require_fresh(by, "change", _WHAT)
        current = await self.directory.get(ReservedName, reserved_name_place(pattern.strip()))
        if current is None:
            raise NotFound(
                "reserved-name-not-found",
                f"{pattern[:80]!r} is not a reserved name that administrators added. Those of "
                "the setting BALLROOM_RESERVED_NAMES, and ballerina*, cannot be changed here.",
            )
        await self.audited_writer.remove(current, change=_change("released", current), by=by)


async def stored_patterns(directory: DirectoryStore) -> Sequence[ReservedName]:
    return await directory.list_by_owner(ReservedName, RESERVED_NAMES_OWNER)


def _change(what: str, reserved: ReservedName) -> EntityChange:
    details = {"pattern": reserved.pattern, "reason": reserved.reason}
    return EntityChange(f"name.{what}", reserved.id, details=details)
