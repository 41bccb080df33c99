"""The schema of `search.db`."""

from shared.adapters.sqlite.database import Migration

CURRENT_PREFIX = ""  # The prefix of the tables that are searched.
NEXT_PREFIX = "next_"  # The prefix of those that take their place when they are complete.

TABLES = (
    "packages",
    "listings",
    "postings",
    "texts",
    "words",
    "dependents",
    "profiles",
    "traits",
    "spellings",
)


def create_tables(prefix: str) -> Migration:
    """Return the statements that make one generation of the index."""
    return (
        # What sorts and filters, in rows so narrow that 100,000 of them are read in 15 ms. `boost`
        # is the package's own, and `lift` comes from the packages that depend on it.
        f"""
        CREATE TABLE {prefix}packages (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            org TEXT NOT NULL,
            name TEXT NOT NULL,
            boost REAL NOT NULL,
            lift REAL NOT NULL,
            pulls INTEGER NOT NULL,
            created_ms INTEGER NOT NULL,
            added_ms INTEGER NOT NULL,
            private INTEGER NOT NULL,
            deprecated INTEGER NOT NULL,
            auxiliary INTEGER NOT NULL,
            profile INTEGER NOT NULL
        ) STRICT
        """,
        f"CREATE TABLE {prefix}listings (id INTEGER PRIMARY KEY, listing BLOB NOT NULL) STRICT",
        *_finding(prefix),
        *_counting(prefix),
    )


def _finding(prefix: str) -> Migration:
    """Return the statements that make what finds and lifts packages."""
    return (
        # The weight of the best place in which each word, or a word with this stem, stands in a
        # package. Words of readmes are in the full-text table only, which takes less space.
        f"""
        CREATE TABLE {prefix}postings (
            word TEXT NOT NULL,
            package INTEGER NOT NULL,
            weight INTEGER NOT NULL,
            PRIMARY KEY (word, package)
        ) STRICT, WITHOUT ROWID
        """,
        # Without the texts themselves, which listings holds already: a quarter of the size.
        f"""
        CREATE VIRTUAL TABLE {prefix}texts USING fts5(
            words, content = '', tokenize = 'unicode61 remove_diacritics 2'
        )
        """,
        # The words that a typo is mended to. By length: only words of about its length are near.
        f"""
        CREATE TABLE {prefix}words (
            length INTEGER NOT NULL,
            word TEXT NOT NULL,
            packages INTEGER NOT NULL,
            PRIMARY KEY (length, word)
        ) STRICT, WITHOUT ROWID
        """,
        # How many public packages depend on each one, shown or not.
        f"""
        CREATE TABLE {prefix}dependents (
            key TEXT PRIMARY KEY,
            packages INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    )


def _counting(prefix: str) -> Migration:
    """Return the statements that make what the packages are told apart and counted by."""
    return (
        # What a client must have to use a package. There are some dozens, and they are kept.
        f"""
        CREATE TABLE {prefix}profiles (
            id INTEGER PRIMARY KEY,
            platform TEXT NOT NULL,
            built_with TEXT NOT NULL,
            UNIQUE (platform, built_with)
        ) STRICT
        """,
        # How results divide: by numbers, which are counted six times as fast as texts.
        f"""
        CREATE TABLE {prefix}traits (
            package INTEGER NOT NULL,
            spelling INTEGER NOT NULL,
            PRIMARY KEY (package, spelling)
        ) STRICT, WITHOUT ROWID
        """,
        # What the numbers stand for. Those that no package has any more are kept.
        f"""
        CREATE TABLE {prefix}spellings (
            id INTEGER PRIMARY KEY,
            facet TEXT NOT NULL,
            value TEXT NOT NULL,
            UNIQUE (facet, value)
        ) STRICT
        """,
    )


def _dropped(prefix: str) -> Migration:
    """Return what ends a generation, of whichever version its tables are."""
    return tuple(f"DROP TABLE IF EXISTS {prefix}{table}" for table in TABLES)


SEARCH_MIGRATIONS: tuple[Migration, ...] = (
    (
        *create_tables(CURRENT_PREFIX),
        # What was replaced or removed while the next generation is built: not to be built again.
        "CREATE TABLE settled (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    ),
    # Packages are found by what they depend on, and counted by what they are.
    (*_dropped(CURRENT_PREFIX), *_dropped(NEXT_PREFIX), *create_tables(CURRENT_PREFIX)),
    # Packages are found by the ids of their tools as by their names.
    (*_dropped(CURRENT_PREFIX), *_dropped(NEXT_PREFIX), *create_tables(CURRENT_PREFIX)),
    # Words are weighted by their place and rarity, and packages by what depends on them.
    (*_dropped(CURRENT_PREFIX), *_dropped(NEXT_PREFIX), *create_tables(CURRENT_PREFIX)),
    # Packages that accompany others are known, and keywords that begin names weigh more.
    (*_dropped(CURRENT_PREFIX), *_dropped(NEXT_PREFIX), *create_tables(CURRENT_PREFIX)),
)
