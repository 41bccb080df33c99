"""The schema of `search.db`."""

from shared.adapters.search.symbols import create_symbol_tables
from shared.adapters.sqlite.database import Migration

CURRENT_PREFIX = ""  # The prefix of the tables that are searched.
NEXT_PREFIX = "next_"  # The prefix of those that take their place when they are complete.

TABLES = (
    "packages",
    "listings",
    "postings",
    "columns",
    "texts",
    "words",
    "dependents",
    "profiles",
    "spellings",
    "symbols",
    "symbol_words",
    "symbol_names",
)
_FORMER_TABLES = ("traits",)


def create_tables(prefix: str) -> Migration:
    """Return the statements that make one generation of the index."""
    return (
        # `boost` is the package's own part of its rank, the rest comes from its dependents.
        # `traits` are the ids of the spellings that the package is counted by.
        f"""
        CREATE TABLE {prefix}packages (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            boost REAL NOT NULL,
            traits BLOB NOT NULL,
            UNIQUE (name, key)
        ) STRICT
        """,
        f"CREATE TABLE {prefix}listings (id INTEGER PRIMARY KEY, listing BLOB NOT NULL) STRICT",
        *_finding(prefix),
        *_counting(prefix),
        *create_symbol_tables(prefix),
    )


def _finding(prefix: str) -> Migration:
    """Return the statements that make what finds and ranks packages."""
    return (
        # The ids of the packages that have a word, by the weight of its best place, in blocks of
        # neighbouring ids. Words of readmes are in the full-text table only, which takes less
        # space. Marked words are lists of packages by what they are.
        f"""
        CREATE TABLE {prefix}postings (
            word TEXT NOT NULL,
            weight INTEGER NOT NULL,
            block INTEGER NOT NULL,
            packages BLOB NOT NULL,
            PRIMARY KEY (word, weight, block)
        ) STRICT, WITHOUT ROWID
        """,
        # A number of each package, in the order of the ids, in blocks.
        f"""
        CREATE TABLE {prefix}columns (
            name TEXT NOT NULL,
            block INTEGER NOT NULL,
            numbers BLOB NOT NULL,
            PRIMARY KEY (name, block)
        ) STRICT
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
    )


def _counting(prefix: str) -> Migration:
    """Return the statements that make what the packages are told apart and counted by."""
    return (
        # How many public packages depend on each one, shown or not.
        f"""
        CREATE TABLE {prefix}dependents (
            key TEXT PRIMARY KEY,
            packages INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        # What a client must have to use a package. There are some dozens, and they are kept.
        f"""
        CREATE TABLE {prefix}profiles (
            platform TEXT NOT NULL,
            built_with TEXT NOT NULL,
            PRIMARY KEY (platform, built_with)
        ) STRICT, WITHOUT ROWID
        """,
        # What the traits of packages stand for. Those that no package has any more are kept.
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
    """Return the statements that drop a generation, of whichever version its tables are."""
    return tuple(f"DROP TABLE IF EXISTS {prefix}{table}" for table in (*TABLES, *_FORMER_TABLES))


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
    # Packages of a word are stored together, and so are the numbers that packages are sorted by.
    (*_dropped(CURRENT_PREFIX), *_dropped(NEXT_PREFIX), *create_tables(CURRENT_PREFIX)),
    # Symbols of packages are found.
    (*_dropped(CURRENT_PREFIX), *_dropped(NEXT_PREFIX), *create_tables(CURRENT_PREFIX)),
    # Members find the symbols of private packages, and packages are found by what symbols say.
    (*_dropped(CURRENT_PREFIX), *_dropped(NEXT_PREFIX), *create_tables(CURRENT_PREFIX)),
)
