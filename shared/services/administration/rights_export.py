"""The role of everybody, its source and the last sign-in, for reviews of access."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account
from shared.domain.identities import Identity
from shared.domain.memberships import Membership
from shared.domain.organizations import Organization
from shared.domain.principals import Principal
from shared.domain.scopes import ADMINISTRATORS_SCOPES, Role, Scope
from shared.domain.sessions import Session
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.publishers import Publisher
from shared.ports.directory import DirectoryStore
from shared.services.administration.account_rights import AccountRights, RightsOfAccount
from shared.services.record_batches import all_entities

_OF_REGISTRY = "the registry"
_REVIEWED_SCOPES = ADMINISTRATORS_SCOPES | {Scope.MANAGE}


class HolderKind(Enum):
    """What has a role."""

    ACCOUNT = "account"
    TOKEN = "token"  # noqa: S105 - of an account, with a scope that reaches beyond publishing.
    ORGANIZATION_TOKEN = "organization-token"  # noqa: S105 - a word, and no secret.
    PUBLISHER = "trusted-publisher"


class RightRow(Struct, frozen=True):
    """A role that somebody or something has, and by what.

    `principal` is the name of an account, token or publisher, and `id` its id. `where` is an
    organization, a package, a pattern of them, or the registry. `last_sign_in_ms` is the day of the
    last sign-in of the account, or the time of that of a session that goes on; None for tokens and
    publishers, and if it is not known. `until_ms` is when the role ends by itself.
    """

    principal: str
    id: str
    kind: HolderKind
    role: str
    where: str
    by_what: str
    last_sign_in_ms: int | None = None
    until_ms: int | None = None
    is_locked: bool = False


class RightsExport(Struct, frozen=True):
    """Lists the roles of everybody, to auditors and administrators.

    Reads every account, identity, membership, session, token and publisher once, by pages.
    """

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    account_rights: AccountRights

    async def rows(self, *, by: Principal) -> Sequence[RightRow]:
        """Return a row for each role: those of accounts by their names, then tokens, then trusted
        publishers. An account without any role has one row, whose role is `none`."""
        await self.registry_authorization.require_auditor(by, "export", "the rights of everybody")
        accounts = sorted(
            await all_entities(self.directory, Account), key=lambda each: each.name.lower()
        )
        return [
            *await self._of_accounts(accounts),
            *await self._of_tokens({each.id: each for each in accounts}),
            *await self._of_publishers(),
        ]

    async def _of_accounts(self, accounts: Iterable[Account]) -> list[RightRow]:
        identities = _by_account(await all_entities(self.directory, Identity))
        memberships = _by_account(await all_entities(self.directory, Membership))
        sessions = _by_account(await all_entities(self.directory, Session))
        found = list[RightRow]()
        for account in accounts:
            rights = self.account_rights.of_records(
                account, identities.get(account.id, ()), memberships.get(account.id, ())
            )
            signed_in = [each.signed_in_ms for each in sessions.get(account.id, ())]
            if account.signed_in_ms is not None:
                signed_in.append(account.signed_in_ms)
            found += _account_rows(rights, max(signed_in, default=None))
        return found

    async def _of_tokens(self, accounts: Mapping[str, Account]) -> list[RightRow]:
        now_ms = self.account_rights.clock.now_ms()
        live = [
            each
            for each in await all_entities(self.directory, Token)
            if each.provenance is None and (each.expires_ms is None or now_ms < each.expires_ms)
        ]
        rows = [row for each in live for row in _token_rows(each, accounts)]
        return sorted(rows, key=lambda row: (row.principal.lower(), row.id, row.role))

    async def _of_publishers(self) -> list[RightRow]:
        organizations = {
            each.key: each.name for each in await all_entities(self.directory, Organization)
        }
        rows = [
            RightRow(
                principal=each.repository or each.server or each.id,
                id=each.id,
                kind=HolderKind.PUBLISHER,
                role=each.scopes.value,
                where=f"{organizations.get(each.org.lower(), each.org)}/{each.package or '*'}",
                by_what=f"trusted publisher of {each.provider.value}",
                until_ms=each.pending_until_ms,
            )
            for each in await all_entities(self.directory, Publisher)
        ]
        return sorted(rows, key=lambda row: (row.where.lower(), row.id))


def _account_rows(found: RightsOfAccount, last_sign_in_ms: int | None) -> Iterator[RightRow]:
    account = found.account
    directories = ", ".join(found.provisioned_by)
    for each in found.rights:
        groups = f": {', '.join(each.groups)}" if each.groups else ""
        yield RightRow(
            principal=account.name,
            id=account.id,
            kind=HolderKind.ACCOUNT,
            role=each.right,
            where=each.org or _OF_REGISTRY,
            by_what=f"{each.source.phrase}{groups}",
            last_sign_in_ms=last_sign_in_ms,
            until_ms=each.until_ms,
            is_locked=account.is_locked,
        )
    if not found.rights:
        yield RightRow(
            principal=account.name,
            id=account.id,
            kind=HolderKind.ACCOUNT,
            role="none",
            where=_OF_REGISTRY,
            by_what=f"provisioned by {directories}" if directories else "has an account",
            last_sign_in_ms=last_sign_in_ms,
            is_locked=account.is_locked,
        )


def _token_rows(token: Token, accounts: Mapping[str, Account]) -> Iterator[RightRow]:
    """Yield what a token of an organization is, or which of the scopes that reach beyond publishing
    a token of an account has."""
    if token.org:
        maker = accounts.get(token.made_by)
        yield RightRow(
            principal=token.name,
            id=token.id,
            kind=HolderKind.ORGANIZATION_TOKEN,
            role=Role.MAINTAINER.value,
            where=token.org,
            by_what=f"made by {maker.name if maker else token.made_by or 'nobody who is known'}",
            until_ms=token.expires_ms,
        )
        return
    owner = accounts.get(token.owner)
    for grant in token.grants:
        for scope in sorted(grant.scopes & _REVIEWED_SCOPES, key=attrgetter("value")):
            is_whole = (grant.org, grant.package) == ("*", "*")
            yield RightRow(
                principal=token.name,
                id=token.id,
                kind=HolderKind.TOKEN,
                role=f"scope {scope.value}",
                where=_OF_REGISTRY if is_whole else f"{grant.org}/{grant.package}",
                by_what=f"token of {owner.name if owner else token.owner}",
                until_ms=token.expires_ms,
                is_locked=owner is not None and owner.is_locked,
            )


_OfAccountT = TypeVar("_OfAccountT", Identity, Membership, Session)


def _by_account(found: Iterable[_OfAccountT]) -> Mapping[str, Sequence[_OfAccountT]]:
    grouped = defaultdict[str, list[_OfAccountT]](list)
    for each in found:
        grouped[each.account].append(each)
    return grouped
