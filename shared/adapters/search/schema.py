"""The schema of `search.db`."""

from shared.adapters.search.symbols import SYMBOL_TABLES
from shared.adapters.sqlite.database import Migration

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


# What finds and ranks packages.
_FINDING: Migration = (
    # The ids of the packages that have a word, by the weight of its best place, in blocks of
    # neighbouring ids. Words of readmes are in the full-text table only, which takes less
    # space. Marked words are lists of packages by what they are.
    """
    CREATE TABLE postings (
        word TEXT NOT NULL,
        weight INTEGER NOT NULL,
        block INTEGER NOT NULL,
        packages BLOB NOT NULL,
        PRIMARY KEY (word, weight, block)
    ) STRICT, WITHOUT ROWID
    """,
    # A number of each package, in the order of the ids, in blocks.
    """
    CREATE TABLE columns (
        name TEXT NOT NULL,
        block INTEGER NOT NULL,
        numbers BLOB NOT NULL,
        PRIMARY KEY (name, block)
    ) STRICT
    """,
    # Without the texts themselves, which listings holds already: a quarter of the size.
    """
    CREATE VIRTUAL TABLE texts USING fts5(
        words, content = '', tokenize = 'unicode61 remove_diacritics 2'
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
)

# What the packages are told apart and counted by.
_COUNTING: Migration = (
    # How many public packages depend on each one, shown or not.
    """
    CREATE TABLE dependents (
        key TEXT PRIMARY KEY,
        packages INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # What a client must have to use a package. There are some dozens, and they are kept.
    """
    CREATE TABLE profiles (
        platform TEXT NOT NULL,
        built_with TEXT NOT NULL,
        PRIMARY KEY (platform, built_with)
    ) STRICT, WITHOUT ROWID
    """,
    # What the traits of packages stand for. Those that no package has any more are kept.
    """
    CREATE TABLE spellings (
        id INTEGER PRIMARY KEY,
        facet TEXT NOT NULL,
        value TEXT NOT NULL,
        UNIQUE (facet, value)
    ) STRICT
    """,
)

_CREATED: Migration = (
    # `boost` is the package's own part of its rank, the rest comes from its dependents.
    # `traits` are the ids of the spellings that the package is counted by.
    """
    CREATE TABLE packages (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        boost REAL NOT NULL,
        traits BLOB NOT NULL,
        UNIQUE (name, key)
    ) STRICT
    """,
    "CREATE TABLE listings (id INTEGER PRIMARY KEY, listing BLOB NOT NULL) STRICT",
    *_FINDING,
    *_COUNTING,
    *SYMBOL_TABLES,
)

# Whichever version the tables are of. Those of `next_` were filled beside those that were searched.
_DROPPED: Migration = tuple(
    f"DROP TABLE IF EXISTS {prefix}{table}"
    for prefix in ("", "next_")
    for table in (*TABLES, *_FORMER_TABLES)
)

SEARCH_MIGRATIONS: tuple[Migration, ...] = (
    (
        *_CREATED,
        # Not used any more.
        "CREATE TABLE settled (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    ),
    # Packages are found by what they depend on, and counted by what they are.
    (*_DROPPED, *_CREATED),
    # Packages are found by the ids of their tools as by their names.
    (*_DROPPED, *_CREATED),
    # Words are weighted by their place and rarity, and packages by what depends on them.
    (*_DROPPED, *_CREATED),
    # Packages that accompany others are known, and keywords that begin names weigh more.
    (*_DROPPED, *_CREATED),
    # Packages of a word are stored together, and so are the numbers that packages are sorted by.
    (*_DROPPED, *_CREATED),
    # Symbols of packages are found.
    (*_DROPPED, *_CREATED),
    # Members find the symbols of private packages, and packages are found by what symbols say.
    (*_DROPPED, *_CREATED),
)
