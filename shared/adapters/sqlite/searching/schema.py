"""The schema of `search.db`. A step is never changed; add one below.

The index holds nothing that the stores do not: a step that changes what is indexed empties it, and
the next start fills it again.
"""

from shared.adapters.sqlite.database import Migration
from shared.adapters.sqlite.searching.document import TEXT_COLUMNS

_TABLES: Migration = (
    # What sorts and filters, in rows so narrow that 100,000 of them are read in 15 ms.
    """
    CREATE TABLE packages (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        org TEXT NOT NULL,
        name TEXT NOT NULL,
        boost REAL NOT NULL,
        pulls INTEGER NOT NULL,
        created_ms INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE TABLE listings (id INTEGER PRIMARY KEY, listing BLOB NOT NULL) STRICT",
    # Without the texts themselves, which listings hold already: a quarter of the size.
    f"""
    CREATE VIRTUAL TABLE texts USING fts5(
        {", ".join(TEXT_COLUMNS)},
        content = '', prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2'
    )
    """,
    # The words that a typo is mended to. By length: only words of about its length are near.
    """
    CREATE TABLE words (
        length INTEGER NOT NULL,
        word TEXT NOT NULL,
        packages INTEGER NOT NULL,
        PRIMARY KEY (length, word)
    ) STRICT, WITHOUT ROWID
    """,
    # What a client must have to use a package. There are some dozens, and they are kept.
    """
    CREATE TABLE profiles (
        facet TEXT PRIMARY KEY,
        platform TEXT NOT NULL,
        built_with TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

SEARCH_MIGRATIONS: tuple[Migration, ...] = (_TABLES,)
