-- The tables of `search.db`. Everything is derived from records: whoever changes a table, or what is
-- in one, raises SCHEMA in rows.py, and the index is filled again.

-- Step 1: the index
-- `boost` is the package's own part of its rank, the rest comes from its dependents. `traits` are the
-- ids of the spellings that the package is counted by. `state` is NULL unless the package is public.
-- Times are REAL because a time that an upstream says may be larger than an integer of SQLite, and pulls because all numbers
-- in `columns` are.
CREATE TABLE packages (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    boost REAL NOT NULL,
    traits BLOB NOT NULL,
    state INTEGER,
    pulls REAL NOT NULL,
    created REAL NOT NULL,
    added REAL NOT NULL,
    dependents REAL NOT NULL,
    UNIQUE (name, key)
) STRICT;
-- The orders of lists without words. Many packages have the same number of pulls, and few the same time.
CREATE INDEX public_by_pulls ON packages (state, pulls DESC, key) WHERE state IS NOT NULL;
CREATE INDEX public_by_dependents ON packages (state, dependents DESC, key) WHERE state IS NOT NULL;
CREATE INDEX public_by_creation ON packages (state, created) WHERE state IS NOT NULL;
CREATE INDEX public_by_addition ON packages (state, added) WHERE state IS NOT NULL;
CREATE TABLE listings (id INTEGER PRIMARY KEY, listing BLOB NOT NULL) STRICT;
-- The ids of the packages that have a word, by the weight of its best place, in blocks of
-- neighbouring ids. Words of readmes are in the full-text table only, which takes less space. Marked
-- words are lists of packages by what they are.
CREATE TABLE postings (
    word TEXT NOT NULL,
    weight INTEGER NOT NULL,
    block INTEGER NOT NULL,
    packages BLOB NOT NULL,
    PRIMARY KEY (word, weight, block)
) STRICT, WITHOUT ROWID;
-- A number of each package, in the order of the ids, in blocks.
CREATE TABLE columns (
    name TEXT NOT NULL,
    block INTEGER NOT NULL,
    numbers BLOB NOT NULL,
    PRIMARY KEY (name, block)
) STRICT;
-- Without the texts themselves, which listings holds already: a quarter of the size.
CREATE VIRTUAL TABLE texts USING fts5(
    words, content = '', tokenize = 'unicode61 remove_diacritics 2'
);
-- How many public packages have each word, name of a symbol or dependency, shown or not, and the totals. By length: only
-- words of about its length are near to a mistyped one.
CREATE TABLE counts (
    counted TEXT NOT NULL,
    length INTEGER NOT NULL,
    name TEXT NOT NULL,
    packages INTEGER NOT NULL,
    PRIMARY KEY (counted, length, name)
) STRICT, WITHOUT ROWID;
-- What the traits of packages stand for. Those that no package has any more are kept.
CREATE TABLE spellings (
    id INTEGER PRIMARY KEY,
    facet TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (facet, value)
) STRICT;
-- How many public packages have each value, whatever its case, and its most frequent spelling: those
-- of each organization, and all of them, whose organization is empty.
CREATE TABLE facet_values (
    facet TEXT NOT NULL,
    folded TEXT NOT NULL,
    organization TEXT NOT NULL,
    value TEXT NOT NULL,
    packages INTEGER NOT NULL,
    PRIMARY KEY (facet, folded, organization)
) STRICT, WITHOUT ROWID;
CREATE INDEX facet_values_by_packages ON facet_values (organization, facet, packages DESC, folded);
-- The same of each spelling.
CREATE TABLE facet_spellings (
    facet TEXT NOT NULL,
    folded TEXT NOT NULL,
    organization TEXT NOT NULL,
    value TEXT NOT NULL,
    packages INTEGER NOT NULL,
    PRIMARY KEY (facet, folded, organization, value)
) STRICT, WITHOUT ROWID;
-- `disuse` is the smaller, the more a package was used when its symbols were indexed.
CREATE TABLE symbols (
    package INTEGER PRIMARY KEY,
    audience TEXT NOT NULL,
    disuse INTEGER NOT NULL,
    packed TEXT NOT NULL
) STRICT;
CREATE TABLE symbol_words (
    audience TEXT NOT NULL,
    word TEXT NOT NULL,
    match INTEGER NOT NULL,
    disuse INTEGER NOT NULL,
    symbol INTEGER NOT NULL,
    PRIMARY KEY (audience, word, match, disuse, symbol)
) STRICT, WITHOUT ROWID;
-- One row: the key up to which a start has listed packages, NULL once it has listed all. A copy in the
-- cloud is filled by its feed, and does not say so.
CREATE TABLE filled (until TEXT) STRICT;
INSERT INTO filled VALUES ('');
