"""Search: queries, the language of `q`, and results.

    query   = { term | "AND" }                       terms stand side by side or are joined by AND
    term    = [ "-" ] [ field ":" ] ( phrase | group | word )     with "-" it must not match
    field   = "org" | "name" | "package" | "keyword" | "module"                      in any case
    phrase  = '"' text '"'
    group   = "(" word { "OR" word } ")"             any of these
    word    = characters up to a space; after "keyword:" up to the next " AND " or the end

A word `org/name`, with a version or without, is a path. A word with `*` before its end is a
pattern. An import, and a word such as `http:Client`, name their package. A backslash takes the
meaning from the character after it. What fits none of this is read as plain words: no text is an
error.
"""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import islice
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.api_docs.symbols import Symbol
from shared.domain.distributions import ANY_CLIENT, ClientProfile
from shared.domain.listings import FacetCount, Facets, FacetValue, Listing
from shared.domain.packages import Head
from shared.domain.source_names import KEYWORDS

_IMPORT = re.compile(
    r"\s*import\s+(?:(?P<org>[\w']+)\s*/\s*)?(?P<module>[\w.']+)(?:\s+as\s+[\w']+)?\s*;?\s*",
    re.ASCII,
)
# A prefix before a call, or before a name in camel case: no address, port or `license:MIT`.
_PREFIXED = re.compile(
    r"@?(?P<module>'?[A-Za-z_][\w.']*):(?:\w+(?:->|\().*|\w*(?:[a-z][A-Z]|[A-Z][a-z])[\w.]*)",
    re.ASCII,
)
# Matches only methods in camel case, so that `example.com(2)` is not read as a call.
_METHOD_CALL = re.compile(r"[A-Za-z_][\w']*\.(?P<method>[a-z]\w*[A-Z]\w*)\(.*", re.ASCII)
_NAME = re.compile(r"-?[\w.:/*'\"-]+")  # A name, a filter, or a word in quotes.
_CONDITION = re.compile(r"(?<!\S)-?(?:org|name|package|keyword|module):", re.IGNORECASE)
_ARGUMENTS = re.compile(r"(?<=\w)\(.*", re.DOTALL)
_CALL = re.compile(r"->/?")


def imported(text: str) -> tuple[str, str] | None:
    """Return the organization, which may be empty, and the module of an import; else None."""
    found = _IMPORT.fullmatch(text)
    return (_bare(found["org"] or ""), _bare(found["module"])) if found else None


def packages_in(text: str) -> str:
    """Return the search for packages that is meant by an import or a statement, else the text."""
    if found := imported(text):
        return "/".join(filter(None, found))
    if _CONDITION.search(text):  # A query: its keywords may have words that are no names.
        return text
    words = text.split()
    if len(words) > 1 and any(map(prefix_of, words)):
        return " ".join(each for each in words if prefix_of(each) or _is_name(each))
    return text


def _is_name(word: str) -> bool:
    return word not in KEYWORDS and _NAME.fullmatch(word) is not None


def prefix_of(word: str) -> str:
    """Return the module that a word of code names by its prefix, else an empty text."""
    found = _PREFIXED.fullmatch(word)
    return _bare(found["module"]) if found else ""


def method_of(word: str) -> str:
    """Return the method that a word of code calls of a variable, else an empty text."""
    found = _METHOD_CALL.fullmatch(word)
    return found["method"] if found else ""


def symbols_in_import(text: str) -> str:
    """Return the search for symbols that is meant by an import, such as `org:acme http:`, else the
    text."""
    if found := imported(text):
        org, module = found
        return f"org:{org} {module}:" if org else f"{module}:"
    return text


def symbols_in_call(text: str) -> str:
    """Return the names of a call: of `http:Client->post("/a")` http:Client.post."""
    return _CALL.sub(".", _ARGUMENTS.sub("", text)).replace(";", " ").replace("'", "")


def _bare(name: str) -> str:
    """Return a name without the quotes of words that the language reserves."""
    return name.replace("'", "")


DEFAULT_LIMIT = 10  # The default of Central.
MAX_LIMIT = 1_000  # Stores page by 500; a larger answer would have megabytes.
MAX_OFFSET = 2**31 - 1  # Clients parse a Java int.

_NUMBER = re.compile(r"\d{1,10}", re.ASCII)


class Sort(Enum):
    """Orders of results."""

    RELEVANCE = "relevance"
    NAME = "name"
    CREATED = "createdDate"  # When the shown release was published.
    ADDED = "addedDate"  # When the package was created.
    PULLS = "pullCount"
    # By dependents among the public packages; 3,000 or more of them count the same.
    DEPENDENTS = "dependents"


_SORTS = {each.value.lower(): each for each in Sort if each is not Sort.DEPENDENTS}


class ResultPage(Struct, frozen=True):
    """Which part of the results to return, in which order."""

    offset: int = 0
    limit: int = DEFAULT_LIMIT
    sort: Sort = Sort.RELEVANCE
    descending: bool = True
    explains: bool = False  # Whether hits say the parts of their scores.

    @classmethod
    def parse(cls, limit: str = "", offset: str = "", sort: str = "") -> Self:
        """Read list parameters as clients send them; unreadable ones get their default."""
        order, descending = _parse_sort(sort)
        return cls(
            offset=min(_parse_number(offset, 0), MAX_OFFSET),
            limit=min(_parse_number(limit, DEFAULT_LIMIT), MAX_LIMIT),
            sort=order,
            descending=descending,
        )


def _parse_number(text: str, default: int) -> int:
    stripped = text.strip()
    return int(stripped) if _NUMBER.fullmatch(stripped) else default


def _parse_sort(text: str) -> tuple[Sort, bool]:
    """Read `createdDate`, `created_date,ASC` and the like; names alone begin with the first."""
    named, _, direction = text.strip().partition(",")
    sort = _SORTS.get(named.strip().lower().replace("_", ""), Sort.RELEVANCE)
    asked = direction.strip().lower()
    if asked in ("asc", "desc"):
        return sort, asked == "desc"
    return sort, sort is not Sort.NAME


class Field(Enum):
    """Where a term is looked for."""

    ANYWHERE = ""
    ORG = "org"
    NAME = "name"
    KEYWORD = "keyword"
    MODULE = "module"


class Match(Enum):
    """How a term is compared, always without case."""

    WORDS = "words"  # Each word of the value begins a word of the text.
    PHRASE = "phrase"  # The words of the value, whole and in this order.
    WHOLE = "whole"  # The whole organization, or a whole keyword.
    # The whole name or organization, or a whole keyword if no field is named; `*` matches anything.
    PATTERN = "pattern"
    PATH = "path"  # The words of `org/name`; that package comes first.


_TYPED = {(Field.ANYWHERE, Match.WORDS), (Field.ANYWHERE, Match.PHRASE)}


class SearchKind(Enum):
    """The kind of things that a search finds."""

    PACKAGES = "packages"
    TOOLS = "tools"  # Packages that publish a tool.
    CONNECTORS = "connectors"  # Packages with a public client class.
    TRIGGERS = "triggers"  # Packages with a listener and service types.


class Term(Struct, frozen=True):
    """One condition; it holds when any of its values matches."""

    values: tuple[str, ...]
    field: Field = Field.ANYWHERE
    match: Match = Match.WORDS
    is_excluded: bool = False  # It holds when none of its values matches.


class Query(Struct, frozen=True):
    """A parsed search; an empty one matches everything.

    A package matches when all terms and all restrictions below them match.
    """

    terms: tuple[Term, ...] = ()
    kind: SearchKind = SearchKind.PACKAGES
    item: tuple[str, ...] = ()  # The number of one connector or trigger.
    orgs: frozenset[str] | None = None  # Keys of organizations; None: any.
    package: str = ""  # One package's whole name, in any case.
    depends_on: str = ""  # The key of a direct dependency of the results.
    own_only: bool = False  # Only the caller's organizations; `PackageSearch` turns it into `orgs`.
    include_deprecated: bool = False
    deprecated_last: bool = False  # Includes deprecated packages, after all others in every order.
    deprecated_only: bool = False
    stored_only: bool = False  # Without packages of the upstream that nobody has pulled.
    not_stored_only: bool = False
    facet_values: tuple[FacetValue, ...] = ()  # A package must have all of these.
    client: ClientProfile = ANY_CLIENT
    is_wordless: bool = False  # The text has no words, so nothing matches.

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text of a search or the parameter `q`; every text is a query."""
        terms = parse_terms(packages_in(text))
        return cls(terms=terms, is_wordless=not terms and bool(text.strip()))

    @property
    def problem(self) -> str:
        """Why nothing can match, in a sentence; otherwise empty."""
        if not self.is_wordless:
            return ""
        return (
            "The query holds no words, so nothing was searched for. A word has letters or digits. "
            "Search for one, or leave the query empty to list everything."
        )

    def by_name(self) -> Self:
        """Return the query with words matched in names only, as while a name is typed."""
        named = (
            replace(term, field=Field.NAME) if (term.field, term.match) in _TYPED else term
            for term in self.terms
        )
        return replace(self, terms=tuple(named))

    def within(self, orgs: frozenset[str]) -> Self:
        """Return the query restricted further, to these organizations."""
        keys = frozenset(org.lower() for org in orgs)
        return replace(self, orgs=keys if self.orgs is None else self.orgs & keys)


class Viewer(Struct, frozen=True):
    """Who sees the results: the readers, as `Head.readers` says, that they are one of, which are
    organizations whose private packages they may see, and every account for internal ones."""

    orgs: frozenset[str] = frozenset()
    sees_everything: bool = False


ANYONE = Viewer()


class Hit(Struct, frozen=True):
    """A result; its documentation is an excerpt."""

    listing: Listing
    score: Mapping[str, float] | None = None  # Its parts by name, if the page asks for them.


class Results(Struct, frozen=True):
    """One page of hits, and the number of all hits."""

    hits: tuple[Hit, ...]
    count: int
    corrections: tuple[tuple[str, str], ...] = ()  # Unknown words, and the most similar known ones.


_EXCLUDED = re.compile(r"-(?=[^\W\d_])")
_ORG_OF_SYMBOLS = re.compile(r"(?<!\S)org:(?:\(([^()]*)\)|(\S+))", re.IGNORECASE)


class SymbolQuery(Struct, frozen=True):
    """A parsed search for symbols; without words it finds all symbols of its organizations, or
    none without those."""

    words: str = ""  # As `symbol_words` of the index reads them.
    without: tuple[str, ...] = ()  # Words that a symbol must not have.
    orgs: frozenset[str] | None = None  # Keys of organizations; None: any.
    kinds: frozenset[str] | None = None  # As `Symbol.kind`; None: any.
    own_only: bool = False  # Only the caller's organizations; `PackageSearch` turns it into `orgs`.

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse text with terms `org:acme` or `org:(acme OR other)`; of several, each holds."""
        text = symbols_in_import(text[:MAX_QUERY_LENGTH])
        orgs = None
        for group, name in _ORG_OF_SYMBOLS.findall(text):
            named = _OR.split(group.strip())[:MAX_TERM_VALUES] if group else [name]
            keys = frozenset(_unquoted(each).strip().lower() for each in named)
            orgs = keys if orgs is None else orgs & keys
        rest = symbols_in_call(_ORG_OF_SYMBOLS.sub(" ", text)).split()
        if orgs is not None:
            rest = [each for each in rest if each != "AND"]
        without = tuple(each[1:] for each in rest if _EXCLUDED.match(each))
        return cls(" ".join(each for each in rest if not _EXCLUDED.match(each)), without, orgs)

    def within(self, orgs: frozenset[str]) -> Self:
        """Return the query restricted further, to these organizations."""
        keys = frozenset(org.lower() for org in orgs)
        return replace(self, orgs=keys if self.orgs is None else self.orgs & keys)


class SymbolHit(Struct, frozen=True):
    """A symbol, and the package whose listed release declares it."""

    listing: Listing
    symbol: Symbol


class SymbolResults(Struct, frozen=True):
    """One page of symbols, and the number of all, of which no more than the first thousand
    count."""

    hits: tuple[SymbolHit, ...]
    count: int
    corrections: tuple[tuple[str, str], ...] = ()  # Mistyped words, and what they were read as.
    unknown: tuple[str, ...] = ()  # Words that were left out, as nothing has them.


MAX_SYMBOLS_FOUND = 1_000  # Nobody reads more results.
MAX_PACKAGES_WITH_KINDS = 100  # Packages for which a search by kind reads the symbols.
MAX_PACKAGES_PER_PAGE = 100  # Packages whose symbols one page has: each is read in 1 ms.


class Suggestion(Struct, frozen=True):
    """A package whose name is similar to the typed text."""

    head: Head
    summary: str

    @classmethod
    def of(cls, listing: Listing) -> Self:
        return cls(listing.head, listing.release.summary)

    @property
    def org(self) -> str:
        return self.head.org

    @property
    def name(self) -> str:
        return self.head.name


MAX_QUERY_LENGTH = 500  # Characters; the rest of a longer text is ignored.
MAX_QUERY_TERMS = 16  # Each is one more list to intersect.
MAX_TERM_VALUES = 16  # Per group.

_FIELDS = {
    "": Field.ANYWHERE,
    "org": Field.ORG,
    "name": Field.NAME,
    "package": Field.NAME,
    "keyword": Field.KEYWORD,
    "module": Field.MODULE,
}

_TERM = re.compile(
    r"""
    AND (?= \s | $ )
  |
    (?P<minus> - (?= [^\W\d_] | ["(] ) )?
    (?: (?P<field> (?i: org | name | package | module | (?P<keyword> keyword ) ) ) : (?= \S ) )?
    (?: " (?P<phrase> (?: \\. | [^"\\] )* ) " (?= \s | $ )
      | \( (?P<group> (?: \\. | [^()\\] )* ) \) (?= \s | $ )
      | (?P<word> (?(keyword) (?: \\. | (?! \s AND (?: \s | $ ) ) . )+
                            | (?: \\. | \S )+ ) )
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_OR = re.compile(r"\s+OR\s+")
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WILDCARD = re.compile(r"(?:\\.|[^*\\])*\*", re.DOTALL)  # From the start to a `*` that is one.
_PATH = re.compile(r"([A-Za-z0-9_]+/[A-Za-z0-9_.]+)(?::[0-9A-Za-z.*-]*)?", re.ASCII)
_LETTER = re.compile(r"[^\W_]")


def parse_terms(text: str) -> tuple[Term, ...]:
    """Return the terms of `text` without duplicates, at most `MAX_QUERY_TERMS`."""
    return tuple(islice(dict.fromkeys(_terms(text[:MAX_QUERY_LENGTH])), MAX_QUERY_TERMS))


def _terms(text: str) -> Iterator[Term]:
    for found in _TERM.finditer(text):
        if found[0] != "AND":
            term = _term(found)
            if any(_LETTER.search(value) for value in term.values):
                yield term


def _term(found: re.Match[str]) -> Term:
    term = _term_without_sign(found)
    return replace(term, is_excluded=True) if found["minus"] else term


def _term_without_sign(found: re.Match[str]) -> Term:
    field = _FIELDS[(found["field"] or "").lower()]
    if found["phrase"] is not None:
        return Term((_plain(found["phrase"]),), field, _phrase_match(field))
    if found["group"] is not None:
        values = _OR.split(found["group"])[:MAX_TERM_VALUES]
        return Term(tuple(_plain(_unquoted(value)) for value in values), field, _word_match(field))
    return _word_term(field, found["word"])


def _word_term(field: Field, word: str) -> Term:
    if field is Field.ANYWHERE:
        if path := _PATH.fullmatch(word):
            return Term((path[1],), field, Match.PATH)
        if ":" in word:
            word = prefix_of(word) or word
        word = method_of(word) or word
    match = Match.PATTERN if _is_pattern(field, word) else _word_match(field)
    return Term((_plain(word),), field, match)


def _is_pattern(field: Field, word: str) -> bool:
    """Check for a wildcard: `*` at the end of a word is none, as words match beginnings."""
    if field in (Field.KEYWORD, Field.MODULE):
        return False
    return bool(_WILDCARD.match(word if field is Field.ORG else word.rstrip("*")))


def _word_match(field: Field) -> Match:
    return Match.WHOLE if field in (Field.ORG, Field.KEYWORD) else Match.WORDS


def _phrase_match(field: Field) -> Match:
    return Match.WHOLE if field in (Field.ORG, Field.KEYWORD) else Match.PHRASE


def _unquoted(raw: str) -> str:
    quoted = _QUOTED.fullmatch(raw.strip())
    return quoted[1] if quoted else raw


def _plain(raw: str) -> str:
    """Return the value without escapes and surrounding spaces."""
    return _ESCAPE.sub(r"\1", raw.strip()).strip()


class FacetedResults(Struct, frozen=True):
    """A page of results, the facets of all of them, and the number of deprecated packages that the
    query finds besides."""

    results: Results
    facets: Facets
    deprecated: int


class FacetPage(Struct, frozen=True):
    """A page of the values of a facet, the most frequent first, and the number of all of them."""

    values: tuple[FacetCount, ...]
    count: int


class KeywordCount(Struct, frozen=True):
    """A keyword, and how many public packages have it. It `is_shared` if packages of several
    organizations have it, or if there is only one organization."""

    value: str
    packages: int
    is_shared: bool


class IndexTotals(Struct, frozen=True):
    """The totals of everything public."""

    packages: int = 0
    organizations: int = 0
    pulls: int = 0
