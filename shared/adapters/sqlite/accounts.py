"""Accounts, organizations and memberships in SQLite."""

import sqlite3
from functools import partial

from shared.adapters.sqlite.database import Database
from shared.domain.identity import Account, Membership, Organization, Role, Standing
from shared.domain.names import OrgName
from shared.ports import AlreadyThere


class SqliteAccounts:
    """The AccountStore of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        """Keep the records in `database`."""
        self._database = database

    async def standing(self, account_id: str, org: OrgName) -> Standing:
        """Return the account, the organization and the account's role in it."""
        return self._database.read(partial(_standing, account_id, org.lower()))

    async def account(self, account_id: str) -> Account | None:
        """Return the account, or None."""
        return self._database.read(partial(_account, account_id))

    async def accounts(self) -> list[Account]:
        """Return every account, by name."""
        return await self._database.scan(_accounts)

    async def add_account(self, account: Account) -> None:
        """Create the account; raise `AlreadyThere` when the id or the name is taken."""
        await self._database.write(partial(_add_account, account))

    async def organization(self, org: OrgName) -> Organization | None:
        """Return the organization, or None; deleted ones are returned too."""
        return self._database.read(partial(_organization, org.lower()))

    async def organizations(self) -> list[Organization]:
        """Return every organization, by name."""
        return await self._database.scan(_organizations)

    async def add_organization(self, organization: Organization) -> None:
        """Create the organization with its founder as owner, or raise `AlreadyThere`."""
        await self._database.write(partial(_add_organization, organization))

    async def put_membership(self, membership: Membership) -> None:
        """Set the account's role in the organization."""
        await self._database.write(partial(_put_membership, membership))

    async def remove_membership(self, org: OrgName, account_id: str) -> None:
        """Take the account out of the organization; a repeat changes nothing."""
        await self._database.write(partial(_remove_membership, org.lower(), account_id))

    async def memberships(self, org: OrgName) -> list[Membership]:
        """Return the organization's members."""
        return await self._database.scan(partial(_members, org.lower()))

    async def organizations_of(self, account_id: str) -> list[Membership]:
        """Return the organizations that the account is a member of."""
        return await self._database.scan(partial(_memberships_of, account_id))


def _standing(account_id: str, org: str, connection: sqlite3.Connection) -> Standing:
    row = connection.execute(
        "SELECT body ->> '$.role' FROM memberships WHERE org = ? AND account = ?",
        (org, account_id),
    ).fetchone()
    role = None if row is None else Role(row[0])
    return Standing(_account(account_id, connection), _organization(org, connection), role)


def _account(account_id: str, connection: sqlite3.Connection) -> Account | None:
    row = connection.execute("SELECT body FROM accounts WHERE id = ?", (account_id,)).fetchone()
    return None if row is None else Account.model_validate_json(row[0])


def _organization(org: str, connection: sqlite3.Connection) -> Organization | None:
    row = connection.execute("SELECT body FROM organizations WHERE key = ?", (org,)).fetchone()
    return None if row is None else Organization.model_validate_json(row[0])


def _accounts(connection: sqlite3.Connection) -> list[Account]:
    rows = connection.execute("SELECT body FROM accounts ORDER BY name_key")
    return [Account.model_validate_json(body) for (body,) in rows]


def _organizations(connection: sqlite3.Connection) -> list[Organization]:
    rows = connection.execute("SELECT body FROM organizations ORDER BY key")
    return [Organization.model_validate_json(body) for (body,) in rows]


def _add_account(account: Account, connection: sqlite3.Connection) -> None:
    cursor = connection.execute(
        "INSERT INTO accounts (id, name_key, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (account.id, account.name.lower(), account.model_dump_json()),
    )
    if not cursor.rowcount:
        raise AlreadyThere


def _add_organization(organization: Organization, connection: sqlite3.Connection) -> None:
    cursor = connection.execute(
        "INSERT INTO organizations (key, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (organization.key, organization.model_dump_json()),
    )
    if not cursor.rowcount:
        raise AlreadyThere
    founder = Membership(org=organization.name, account=organization.founder, role=Role.OWNER)
    _put_membership(founder, connection)


def _put_membership(membership: Membership, connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO memberships (org, account, body) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET body = excluded.body",
        (membership.org.lower(), membership.account, membership.model_dump_json()),
    )


def _remove_membership(org: str, account_id: str, connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM memberships WHERE org = ? AND account = ?", (org, account_id))


def _members(org: str, connection: sqlite3.Connection) -> list[Membership]:
    rows = connection.execute("SELECT body FROM memberships WHERE org = ? ORDER BY account", (org,))
    return [Membership.model_validate_json(body) for (body,) in rows]


def _memberships_of(account_id: str, connection: sqlite3.Connection) -> list[Membership]:
    rows = connection.execute(
        "SELECT body FROM memberships WHERE account = ? ORDER BY org", (account_id,)
    )
    return [Membership.model_validate_json(body) for (body,) in rows]
