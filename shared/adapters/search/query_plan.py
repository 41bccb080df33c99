"""From a query to its words and conditions: what ranks packages, and what every result must have.

A clause is one word of the query, or one phrase or group of it. Each matches by alternatives: the
word itself, words that begin with it, its stem, synonyms, and two words as one. The best
alternative counts. Who is asking and what is hidden are conditions, so that nothing has to be
taken out of an answer afterwards.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

from msgspec import Struct
from msgspec.structs import replace

from shared.adapters.search.exclusions import IsName, names_something, read_wish, typed_word
from shared.adapters.search.postings import DEPRECATED, NOT_STORED, TOOL
from shared.adapters.search.program_names import ProgramName, read_program_name, split_class_name
from shared.adapters.search.score_weights import (
    AUXILIARY_PARTS,
    JOINED_FACTOR,
    NAMED_FACTOR,
    NEAR_FACTOR,
    STEM_FACTOR,
    SYNONYM_FACTOR,
)
from shared.adapters.search.vocabulary import (
    FILLERS,
    others_like,
    split_unspaced,
    synonyms_of,
    translated,
)
from shared.adapters.search.words import (
    WordMark,
    facet_word,
    joined_name,
    mark_words,
    split_humps,
    split_words,
    stem,
)
from shared.domain.search import Field, Match, Query, SearchKind, Term, Viewer

# Words of a query up to which each may be a beginning. A longer one is a sentence, whose words are
# complete; and beginnings are what a search spends its time on.
MAX_PREFIX_WORDS = 6
MAX_CLAUSES = 24  # The rest of a longer text is ignored; each costs some lists to merge.
MIN_PREFIX = 2  # One letter begins too many words to be a clause.
# Longer words also match names that begin with them. Shorter ones do not, so that excluding `ftp`
# does not exclude `ftps`.
MIN_NAME_PREFIX = 5

_SIGNS = frozenset("./_")  # Signs within names; other signs separate words.


class WordAlternative(Struct, frozen=True):
    """A word of the index that counts for a clause, or the words that begin with it."""

    word: str
    factor: float = 1.0
    is_beginning: bool = False


class Clause(Struct, frozen=True):
    """A part of a query that a package should have; the best of the alternatives counts."""

    alternatives: tuple[WordAlternative, ...] = ()
    phrases: tuple[str, ...] = ()  # Full-text expressions, for what is more than a word.
    word: str = ""  # The typed word, if it may be mistyped.
    in_names: bool = False  # Only words of names and tool ids count.
    is_required: bool = False  # Asked for with a sign, and not just typed.

    def or_near(self, near: Iterable[str]) -> "Clause":
        """Return the clause with what was perhaps meant."""
        meant = tuple(WordAlternative(word, NEAR_FACTOR) for word in near)
        return replace(self, alternatives=self.alternatives + meant)


class Condition(Struct, frozen=True):
    """A condition on every result, which ranks nothing: any of these holds."""

    lists: tuple[str, ...] = ()  # Words of posting lists.
    expression: str = ""  # A full-text expression.
    pattern: tuple[str, str] | None = None  # A column of packages, and what its value is like.
    keyword_pattern: str = ""  # What a whole keyword is like, in lower case.
    is_excluded: bool = False  # No result may have it.


class QueryPlan:
    """The clauses and restrictions of one query of one viewer."""

    def __init__(self, query: Query, viewer: Viewer, is_name: IsName) -> None:
        wish = read_wish(query.terms, is_name)
        query = replace(query, terms=wish.terms)
        terms = _ranking_terms(query.terms)
        self.viewer = viewer
        self.client = query.client
        wants_others = wish.wants_others
        self.clauses = _clauses(terms, wants_others)[:MAX_CLAUSES]
        # If the query asks for alternatives to a product, that product; else empty.
        self.unlike = _named_product(self.clauses) if wants_others else ""
        typed = " ".join(value for term in terms for value in term.values).strip().lower()
        # Empty, so that no package is preferred for its name.
        self.typed = "" if wants_others else typed
        self.paths = tuple(
            value.lower() for term in terms if term.match is Match.PATH for value in term.values
        )
        wanted = [term for term in query.terms if not term.is_excluded]
        words = {stem(word) for word in split_words(" ".join(_values(wanted)))}
        meant = {each.word for clause in self.clauses for each in clause.alternatives}
        self.wants_auxiliary = not AUXILIARY_PARTS.isdisjoint(words | meant)
        patterns = _values(term for term in wanted if term.match is Match.PATTERN)
        self.joined = joined_name(self.typed or "".join(patterns))
        self.shows_deprecated = (
            query.include_deprecated or query.deprecated_last or query.deprecated_only
        )
        self.restrictions = tuple(_restrictions(query))
        self.is_impossible = bool(terms) and not self.clauses  # Signs that fold to nothing.

    @property
    def is_loosenable(self) -> bool:
        """Whether something can be left out of what was typed."""
        return sum(not clause.is_required for clause in self.clauses) > 1

    @property
    def readme_expression(self) -> str:
        """The expression for packages that have all clauses anywhere, if each is a word."""
        if not self.clauses or any(clause.in_names or not clause.word for clause in self.clauses):
            return ""
        return match_all(
            match_any(map(_anywhere, dict.fromkeys(each.word for each in clause.alternatives)))
            for clause in self.clauses
        )


def with_plain_words(query: Query) -> Query:
    """Return the query with `pub/sub` read as two words, and what is quoted as words."""
    return replace(query, terms=tuple(map(_as_words, query.terms)))


def _as_words(term: Term) -> Term:
    is_word = term.match in (Match.PATH, Match.PHRASE) and term.field is Field.ANYWHERE
    if not is_word or term.is_excluded:
        return term
    return replace(term, match=Match.WORDS, values=(term.values[0].replace("/", " "),))


def with_split_class_names(query: Query, is_name: IsName) -> Query:
    """Return the query with the words of names in camel case, as of `KafkaProducer`, but not of
    names of packages and products, as `GitHub`."""

    def split(term: Term) -> Term:
        if not typed_word(term) or read_program_name(term.values[0]):
            return term
        words = (
            word if names_something(joined_name(word), is_name) else split_class_name(word)
            for word in term.values[0].split()
        )
        return replace(term, values=(" ".join(words),))

    return replace(query, terms=tuple(map(split, query.terms)))


def _ranking_terms(terms: Sequence[Term]) -> list[Term]:
    """Return the terms that rank results, without words that say nothing."""
    ranking = [
        term
        for term in terms
        if term.match in (Match.WORDS, Match.PHRASE, Match.PATH)
        and term.field is not Field.MODULE
        and not term.is_excluded
    ]
    return [term for term in ranking if typed_word(term) not in FILLERS] or ranking


def _values(terms: Iterable[Term]) -> Iterator[str]:
    return (value for term in terms for value in term.values)


# --- clauses -----------------------------------------------------------------------------------


class _Word(Struct, frozen=True):
    """A typed word, and what the term that it is from says of it."""

    text: str
    clause: Clause  # Without alternatives.
    may_begin: bool  # It may be the beginning of a word.
    is_part: bool  # It is from a name that was typed with its signs.
    humps: tuple[str, ...]  # Its parts, if it was typed in camel case.
    whole: str  # What it was divided from, if that was written without spaces.
    name: ProgramName | None = None  # The name from a program that it is a word of.


def _clauses(terms: Sequence[Term], wants_others: bool) -> tuple[Clause, ...]:
    words = [word for term in terms if _is_plain(term) for word in _words_of(term)][:MAX_CLAUSES]
    others = [_whole_clause(term) for term in terms if not _is_plain(term)]
    clauses = _word_clauses(words)
    return (*(map(_for_others, clauses) if wants_others else clauses), *others)


def _for_others(clause: Clause) -> Clause:
    """Return the clause for products like the one that it names, which counts less than these."""
    like = others_like(stem(clause.word))
    if not like:
        return clause
    named = (
        replace(each, factor=each.factor * NAMED_FACTOR)
        if stem(each.word) == stem(clause.word)
        else each
        for each in clause.alternatives
    )
    others = (WordAlternative(stem(each), SYNONYM_FACTOR) for each in like)
    return replace(clause, alternatives=tuple(dict.fromkeys((*named, *others))))


def _named_product(clauses: Sequence[Clause]) -> str:
    """Return the first word, if there are products like the one that it names; otherwise nothing.

    Later ones may be what the others have to be as well, as `cache` of `guava cache alternative`.
    """
    named = next((each.word for each in clauses if each.word), "")
    return named if others_like(stem(named)) else ""


def _is_plain(term: Term) -> bool:
    """Say whether each word of the term is a clause: not for phrases, and not for groups."""
    return term.match is not Match.PHRASE and len(term.values) == 1


def _words_of(term: Term) -> Iterator[_Word]:
    """Yield the words of a term; of a name that was typed with its signs only the last may begin
    another word.
    """
    in_names = term.field is Field.NAME
    is_required = in_names or term.match is Match.PATH
    if typed_word(term) and (name := read_program_name(term.values[0])):
        yield from _words_of_name(name)
        return
    typed = split_words(term.values[0])
    words = [(word, whole) for whole in typed for word in split_unspaced(whole)]
    is_part = len(words) > 1 and not _SIGNS.isdisjoint(term.values[0])
    humps = tuple(split_humps(term.values[0])) if len(words) == 1 else ()
    for number, (word, whole) in enumerate(words, start=1):
        clause = Clause(word=word, in_names=in_names, is_required=is_required)
        yield _Word(word, clause, not is_part or number == len(words), is_part, humps, whole)


def _words_of_name(name: ProgramName) -> Iterator[_Word]:
    """Yield the words of a name from a program: what it is looked up by is one of them."""
    for word in filter(None, (name.typed, *name.words)):
        is_whole = word in name.whole
        yield _Word(word, Clause(word=word), not is_whole, is_whole, (), word, name)


def _word_clauses(words: Sequence[_Word]) -> Iterator[Clause]:
    is_sentence = len(words) > MAX_PREFIX_WORDS
    meant = [[*_alternatives(each.text, each.may_begin and not is_sentence)] for each in words]
    for word, alternatives in zip(words, meant, strict=True):
        if word.whole != word.text:
            alternatives.append(WordAlternative(word.whole))
        alternatives.extend(_alternatives_of_name(word))
    for start, end, alternative in _spans(words, not is_sentence):
        for place in range(start, end):
            meant[place].append(alternative)
    for word, alternatives in zip(words, meant, strict=True):
        yield replace(word.clause, alternatives=tuple(dict.fromkeys(alternatives)))


def _alternatives_of_name(word: _Word) -> Iterator[WordAlternative]:
    """Yield what counts for a word of a name from a program."""
    if word.name:
        yield from map(WordAlternative, word.name.whole)
        if word.text == word.name.typed:
            for meant in word.name.meant:
                yield WordAlternative(stem(meant), SYNONYM_FACTOR)


def _alternatives(word: str, may_begin: bool, factor: float = 1.0) -> Iterator[WordAlternative]:
    """Yield the word as it was typed, words that begin with it, and its stem."""
    yield WordAlternative(word, factor)
    if may_begin and len(word) >= MIN_PREFIX:
        yield WordAlternative(word, factor, is_beginning=True)
    if (form := stem(word)) != word:
        yield WordAlternative(form, factor * STEM_FACTOR)


def _spans(words: Sequence[_Word], may_begin: bool) -> Iterator[tuple[int, int, WordAlternative]]:
    """Yield what counts for several words at once: two as one, and synonyms."""
    for start, (first, second) in enumerate(pairwise(words)):
        if not (first.is_part and second.is_part):
            for each in _alternatives(first.text + second.text, may_begin, JOINED_FACTOR):
                yield start, start + 2, each
    for start, end, meant in synonyms_of([stem(word.text) for word in words]):
        # A part of a typed name stands for itself, but several may be an identifier.
        if end - start > 1 or not words[start].is_part:
            yield start, end, WordAlternative(meant, SYNONYM_FACTOR)
    yield from _spans_of_translation(words)
    for place, word in enumerate(words):
        for start, end, meant in synonyms_of([stem(part) for part in word.humps]):
            if end - start > 1:
                yield place, place + 1, WordAlternative(meant, SYNONYM_FACTOR)


def _spans_of_translation(words: Sequence[_Word]) -> Iterator[tuple[int, int, WordAlternative]]:
    """Yield what the English words mean for those of other languages: of `kolejka wiadomości` the
    synonyms of `message queue`."""
    meant = [translated(word.text) for word in words]
    if not any(meant):
        return
    english = [each or (word.text,) for each, word in zip(meant, words, strict=True)]
    places = [place for place, each in enumerate(english) for _ in each]
    stems = [stem(each) for each in chain.from_iterable(english)]
    for place, stemmed in zip(places, stems, strict=True):
        if meant[place]:
            yield place, place + 1, WordAlternative(stemmed, SYNONYM_FACTOR)
    # The second order is for languages in which the noun comes first: `queue message` for a message
    # queue.
    for order in (range(len(stems)), range(len(stems) - 1, -1, -1)):
        for start, end, found in synonyms_of([stems[each] for each in order]):
            spanned = [places[each] for each in order[start:end]]
            if any(meant[each] for each in spanned):
                alternative = WordAlternative(found, SYNONYM_FACTOR * STEM_FACTOR)
                yield min(spanned), max(spanned) + 1, alternative


def _whole_clause(term: Term) -> Clause:
    """Return the clause of a phrase, or of a group, of whose values each is meant as it stands."""
    in_names = term.field is Field.NAME
    mark = WordMark.NAME if in_names else WordMark.ANYWHERE
    lists = [split_words(value) for value in term.values]
    if term.match is Match.PHRASE:
        phrases = tuple(_quoted(mark_words(mark, words)) for words in lists if words)
        return Clause(phrases=phrases, in_names=in_names, is_required=True)
    return Clause(
        tuple(WordAlternative(words[0]) for words in lists if len(words) == 1),
        tuple(match_words(mark, words) for words in lists),
        in_names=in_names,
        is_required=in_names,
    )


# --- restrictions ------------------------------------------------------------------------------


def _restrictions(query: Query) -> Iterator[Condition]:
    if query.orgs is not None:
        yield Condition(tuple(facet_word("org", org) for org in query.orgs))
    yield from (Condition((word,)) for word in _demanded(query))
    if query.stored_only:
        yield Condition((NOT_STORED,), is_excluded=True)
    yield from (Condition((facet_word("trait", each.key),)) for each in query.facet_values)
    for term in query.terms:
        is_condition = term.match in (Match.WHOLE, Match.PATTERN) or term.field is Field.MODULE
        if term.is_excluded or is_condition:
            yield replace(_condition(term), is_excluded=term.is_excluded)


def _demanded(query: Query) -> Iterator[str]:
    """Yield the lists in which every result must be."""
    if query.package:
        yield facet_word("name", query.package)
    if query.depends_on:
        yield facet_word("needs", query.depends_on)
    if query.deprecated_only:
        yield DEPRECATED
    if query.not_stored_only:
        yield NOT_STORED
    match query.kind:
        case SearchKind.TOOLS:
            yield TOOL
        case SearchKind.CONNECTORS:
            yield facet_word("connector", *query.item)
        case SearchKind.TRIGGERS:
            yield facet_word("trigger", *query.item)
        case SearchKind.PACKAGES:
            pass


def _condition(term: Term) -> Condition:
    """Return the condition of a term; for a word it is having it, or a form of it, outside of
    readmes."""
    value = term.values[0].lower()
    lists = list(map(split_words, term.values))
    if term.match is Match.PATH:
        return Condition(pattern=("key", value))
    if term.match is Match.PATTERN:
        value = re.sub(r"[?\[]", r"[\g<0>]", value)  # Brackets quote in a GLOB.
        in_key = term.field is Field.ORG or "/" in value
        keywords = value if term.field is Field.ANYWHERE else ""
        value += "/*" if term.field is Field.ORG else ""
        return Condition(pattern=("key" if in_key else "name", value), keyword_pattern=keywords)
    if term.match is Match.WHOLE:
        return Condition(tuple(facet_word(term.field.value, each) for each in term.values))
    if term.field is Field.MODULE:
        is_short = len(lists) == 1 and len(lists[0]) <= MAX_PREFIX_WORDS
        may_begin = is_short and term.match is Match.WORDS
        least = MIN_PREFIX if may_begin else None
        found = [match_words(WordMark.MODULES, words, beginning_from=least) for words in lists]
        return Condition(expression=match_any(found))
    in_names = term.field is Field.NAME
    mark = WordMark.NAME if in_names else WordMark.ANYWHERE
    if in_names and term.match is Match.WORDS:
        # The name of a product may be a part of a word: `google` is in googleapis.
        found = [match_words(mark, words, beginning_from=MIN_NAME_PREFIX) for words in lists]
        return Condition(expression=match_any(found))
    phrases = [_quoted(mark_words(mark, words)) for words in lists if in_names or words[1:]]
    alone = [] if in_names else [words[0] for words in lists if len(words) == 1]
    forms = tuple({*alone, *map(stem, alone)})
    return Condition(forms, match_any(phrases) if phrases or not forms else "")


# --- full-text expressions, as FTS5 reads them --------------------------------------------------


def match_all(expressions: Iterable[str]) -> str:
    """Return the conjunction of expressions; empty if there are none."""
    return " AND ".join(f"({each})" for each in expressions)


def match_any(expressions: Iterable[str]) -> str:
    """Return the disjunction of expressions, which holds nowhere if there are none."""
    return " OR ".join(f"({each})" for each in expressions) or _quoted(facet_word("nothing"))


def match_words(mark: WordMark, words: Sequence[str], *, beginning_from: int | None = None) -> str:
    """Return the expression for every one of the words; no words are found nowhere.

    A word of `beginning_from` letters or more may begin a longer one.
    """
    found = (
        f"{_quoted(mark.value + word)}{' *' if _begins(word, beginning_from) else ''}"
        for word in words
    )
    return match_all(found) or match_any([])


def _begins(word: str, beginning_from: int | None) -> bool:
    return beginning_from is not None and len(word) >= beginning_from


def _anywhere(word: str) -> str:
    """Return the expression for the word, or another form of it, anywhere in a package."""
    return f"{_quoted(word)} OR {_quoted(WordMark.STEM.value + word)}"


def _quoted(words: str) -> str:
    return f'"{words}"'
