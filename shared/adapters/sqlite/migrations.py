"""The schema of `ballroom.db`, as the steps that made it. A step is never changed; add one below.

`pk` is a package's key: `org/name` in lower case. A `body` is the record as JSON, as the domain
dumps it. Columns beside it are what SQL asks for.
"""

from shared.adapters.sqlite.database import Migration

_RECORDS: Migration = (
    """
    CREATE TABLE heads (
        pk TEXT PRIMARY KEY,
        body TEXT NOT NULL,
        revision INTEGER NOT NULL,
        stamp INTEGER NOT NULL DEFAULT 0,  -- The highest of the package's entries.
        waiting_since INTEGER              -- Time of the oldest event in the outbox.
    )
    """,
    """
    CREATE TABLE releases (
        pk TEXT NOT NULL,
        version TEXT NOT NULL,
        digest TEXT NOT NULL,
        body TEXT NOT NULL,
        revision INTEGER NOT NULL,
        waiting_since INTEGER,
        PRIMARY KEY (pk, version)
    )
    """,
    "CREATE INDEX releases_by_digest ON releases (digest)",
    "CREATE INDEX heads_waiting ON heads (waiting_since) WHERE waiting_since IS NOT NULL",
    "CREATE INDEX releases_waiting ON releases (waiting_since) WHERE waiting_since IS NOT NULL",
    """
    CREATE TABLE entries (
        pk TEXT NOT NULL,
        version TEXT NOT NULL,
        stamp INTEGER NOT NULL,  -- Consecutive in its package: what changed since is a range.
        revision INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (pk, version)
    )
    """,
    "CREATE UNIQUE INDEX entries_changed ON entries (pk, stamp)",
    "CREATE TABLE tools (id TEXT PRIMARY KEY, org TEXT NOT NULL, name TEXT NOT NULL)",
)

_DOCUMENTS: Migration = (
    "CREATE TABLE texts (digest TEXT PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE graphs (digest TEXT PRIMARY KEY, body BLOB NOT NULL)",
)

_IDENTITIES: Migration = (
    """
    CREATE TABLE accounts (
        id TEXT PRIMARY KEY,
        name_key TEXT NOT NULL UNIQUE,
        body TEXT NOT NULL
    )
    """,
    "CREATE TABLE organizations (key TEXT PRIMARY KEY, body TEXT NOT NULL)",
    """
    CREATE TABLE memberships (
        org TEXT NOT NULL,
        account TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (org, account)
    )
    """,
    "CREATE INDEX memberships_of ON memberships (account)",
    """
    CREATE TABLE tokens (
        owner TEXT NOT NULL,
        hash TEXT NOT NULL,
        id TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER,
        body TEXT NOT NULL,
        PRIMARY KEY (owner, hash),
        UNIQUE (owner, id)
    )
    """,
    "CREATE INDEX tokens_expiring ON tokens (expires_ms) WHERE expires_ms IS NOT NULL",
)

_EVENTS: Migration = (
    # Nothing is ever deleted here, so the next number is always the highest plus one.
    "CREATE TABLE events (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL)",
)

_WORK: Migration = (
    """
    CREATE TABLE work (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        expires_ms INTEGER NOT NULL,
        PRIMARY KEY (kind, key)
    )
    """,
    "CREATE INDEX work_expiring ON work (expires_ms)",
    "CREATE TABLE leases (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until_ms INTEGER NOT NULL)",
)

_PULLS: Migration = (
    # By window first: new rows go to the end, and old windows are deleted as one range.
    """
    CREATE TABLE pull_guards (
        window INTEGER NOT NULL,
        pk TEXT NOT NULL,
        version TEXT NOT NULL,
        caller TEXT NOT NULL,
        PRIMARY KEY (window, pk, version, caller)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE pull_counts (
        pk TEXT NOT NULL,
        version TEXT NOT NULL,
        day TEXT NOT NULL,
        pulls INTEGER NOT NULL,
        pending INTEGER NOT NULL,  -- Those of them that the head does not count yet.
        PRIMARY KEY (pk, version, day)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX pull_counts_pending ON pull_counts (pk) WHERE pending > 0",
)

_SBOMS: Migration = ("CREATE TABLE sboms (digest TEXT PRIMARY KEY, body BLOB NOT NULL)",)

MIGRATIONS: tuple[Migration, ...] = (
    (*_RECORDS, *_DOCUMENTS, *_IDENTITIES, *_EVENTS, *_WORK, *_PULLS),
    _SBOMS,
)
