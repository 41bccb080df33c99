"""A registry of an earlier version, brought up to date."""

import asyncio
import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.sqlite.database import MIGRATIONS, Database
from shared.adapters.sqlite.directory import SqliteDirectory
from shared.adapters.sqlite.events import SqliteEvents
from shared.adapters.sqlite.metadata import SqliteMetadata
from shared.adapters.sqlite.pull_ledger import SqlitePulls
from shared.domain.account_names import AccountName, account_name_place
from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate
from shared.domain.entities import Place
from shared.domain.events import Event
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import Head
from shared.domain.scopes import Role
from shared.domain.tokens import Token, TokenUse
from shared.ports.conflicts import AlreadyThere
from shared.ports.metadata import VersionDiffersInCase
from tests.contract.sample_records import release
from tests.fakes.system import FakeRandomness

EVENT = '{"id":"e1","kind":"x","at_ms":1,"actor":"a","subject":"Acme/greet:1.0.0","details":{}}'
ACCOUNT = f'{{"id":"kim0000000","name":"Kim","created_ms":5,"outbox":[{EVENT}]}}'
ACME = '{"name":"Acme","founder":"kim0000000","created_ms":6,"revision":1,"outbox":[]}'
MEMBER = '{"org":"Acme","account":"kim0000000","role":"owner"}'
GRANT = '{"scopes":["read"],"org":"*","package":"*"}'
TOKEN = (
    '{"id":"t1","hash":"h1","owner":"kim0000000","name":"laptop","created_ms":7,'
    f'"grants":[{GRANT}],"expires_ms":9000,"last_used_ms":8}}'
)


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    """Return the database of a registry that had tables for people, brought up to date."""
    path = tmp_path / "ballroom.db"
    Database(path, MIGRATIONS[:2]).migrate()
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("INSERT INTO accounts VALUES ('kim0000000', 'kim', ?)", (ACCOUNT,))
        old.execute("INSERT INTO organizations VALUES ('acme', ?)", (ACME,))
        old.execute("INSERT INTO memberships VALUES ('acme', 'kim0000000', ?)", (MEMBER,))
        old.execute("INSERT INTO tokens VALUES ('kim0000000', 'h1', 't1', 7, 9000, ?)", (TOKEN,))
        old.execute("INSERT INTO events (id, body) VALUES ('e1', ?)", (EVENT,))
    database = Database(path, MIGRATIONS)
    database.migrate()
    yield database
    database.close()


async def test_people_their_organizations_tokens_and_history_are_there(database: Database) -> None:
    directory = SqliteDirectory(database)
    account = Account(id="kim0000000", name="Kim", created_ms=5)
    assert await directory.get(Account, Place("kim0000000")) == account
    name = AccountName(name="Kim", account="kim0000000", created_ms=5)
    assert await directory.get(AccountName, account_name_place("KIM")) == name
    assert await directory.outboxes(10) == []
    acme = await directory.get(Organization, organization_place("Acme"))
    assert acme is not None
    assert len(acme.id) == 10  # Which it had not before.
    standing = await directory.access_context("kim0000000", OrgName("acme"), 10)
    assert (standing.role, standing.organization) == (Role.OWNER, acme)
    token = await directory.get(Token, Place("kim0000000", "h1"))
    assert token is not None
    assert (token.id, token.expires_ms) == ("t1", 9000)
    assert await directory.list_by_subject(Token, "t1") == [token]
    use = await directory.get(TokenUse, Place("kim0000000", "t1"))
    assert use is not None
    assert use.used_ms == 8
    log = await SqliteEvents(database, FakeRandomness()).stream("org:acme", None, 10)
    assert log == [(1, Event.model_validate_json(EVENT))]


def test_pulls_that_waited_for_a_roll_up_are_in_the_head_and_told_to_the_search_once(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ballroom.db"
    Database(path, MIGRATIONS[:7]).migrate()
    head = Head(org="acme", name="greet", created_ms=1, pulls=5)
    row = ("acme/greet", head.model_dump_json())
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("INSERT INTO heads (pk, body, revision, stamp) VALUES (?, ?, 1, 0)", row)
        old.execute("INSERT INTO pull_counts VALUES ('acme/greet', '1.0.0', '2026-11-20', 7, 2)")
    database = Database(path, MIGRATIONS)
    database.migrate()
    metadata = SqliteMetadata(database)
    pulls = SqlitePulls(database)

    async def seen() -> tuple[int, int]:
        stored = await metadata.head(head.package)
        history = await pulls.history(head.package, since="2026-11-01")
        return stored.pulls if stored else 0, history.versions["1.0.0"]

    async def scenario() -> None:
        assert await seen() == (7, 7)
        assert (await pulls.roll_up(1, "2026-11-21")).changed == [head.package]
        assert (await pulls.roll_up(1, "2026-11-21")).changed == []
        assert await seen() == (7, 7)

    asyncio.run(scenario())
    database.close()


def test_versions_that_differ_in_case_stay_and_take_no_third(tmp_path: Path) -> None:
    path = tmp_path / "ballroom.db"
    Database(path, MIGRATIONS[:11]).migrate()
    head = Head(org="acme", name="greet", created_ms=1)
    spelled = ("1.0.0-RC1", "1.0.0-rc1", "1.0.0")
    with closing(sqlite3.connect(path)) as old, old:
        row = ("acme/greet", head.model_dump_json())
        old.execute("INSERT INTO heads (pk, body, revision, stamp) VALUES (?, ?, 1, 0)", row)
        for version in spelled:
            body = release(f"acme/greet:{version}")
            old.execute(
                "INSERT INTO releases (pk, version, digest, body, revision)"
                " VALUES ('acme/greet', ?, ?, ?, 1)",
                (version, body.digest, body.model_dump_json()),
            )
    database = Database(path, MIGRATIONS)
    database.migrate()
    metadata = SqliteMetadata(database)

    async def scenario() -> None:
        for version in spelled:
            asked = Coordinate.parse("acme", "greet", version)
            found = (await metadata.find(asked)).release
            assert found is not None
            assert found.version == version
        with pytest.raises(VersionDiffersInCase):
            await metadata.add_release(release("acme/greet:1.0.0-Rc1"))
        for version in spelled:
            with pytest.raises(AlreadyThere) as refused:
                await metadata.add_release(release(f"acme/greet:{version}"))
            assert refused.type is AlreadyThere

    asyncio.run(scenario())
    database.close()
