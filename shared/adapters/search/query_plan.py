"""From a query to its words and conditions: what ranks packages, and what every result must have.

A clause is one word of the query, or one phrase or group of it. Each matches by alternatives: the
word itself, words that begin with it, its stem, synonyms, and two words as one. The best
alternative counts. Who is asking and what is hidden are conditions, so that nothing has to be
taken out of an answer afterwards.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from shared.adapters.search.places import MIN_ENDING
from shared.adapters.search.postings import DEPRECATED, NOT_STORED, TOOL
from shared.adapters.search.query_words import in_english, read_wishes
from shared.adapters.search.ranking import (
    AUXILIARY_PARTS,
    FILLERS,
    JOINED_FACTOR,
    NAMED_FACTOR,
    NEAR_FACTOR,
    PART_FACTOR,
    STEM_FACTOR,
    SYNONYM_FACTOR,
    WORDS_FOR_OTHERS,
)
from shared.adapters.search.synonyms import others_like, synonyms_of
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

_SIGNS = frozenset("./_")  # Of names; other signs are between words.


@dataclass(frozen=True, slots=True)
class Alternative:
    """A word of the index that counts for a clause, or the words that begin with it."""

    word: str
    factor: float = 1.0
    is_beginning: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a query that a package should have; the best of the alternatives counts."""

    alternatives: tuple[Alternative, ...] = ()
    phrases: tuple[str, ...] = ()  # Full-text expressions, for what is more than a word.
    word: str = ""  # The typed word, if it may be mistyped.
    humps: tuple[str, ...] = ()  # The parts of the word, if it was typed in camel case.
    in_names: bool = False  # Only words of names and tool ids count.
    is_required: bool = False  # Asked for with a sign, and not just typed.


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on every result, which ranks nothing: one of these must hold."""

    lists: tuple[str, ...] = ()  # Words of posting lists, any of which is enough.
    expression: str = ""  # Of full text.
    pattern: tuple[str, str] | None = None  # A column of packages, and what its value is like.
    is_excluded: bool = False  # No result may have it.


class QueryPlan:
    """The clauses and restrictions of one query of one viewer."""

    def __init__(self, query: Query, viewer: Viewer) -> None:
        terms, unwanted = _without_unwanted(query.terms)
        wants_others = any(map(_is_for_others, terms)) or bool(unwanted and not terms)
        terms = _ranking_terms(terms or query.terms)
        self.viewer, self.client = viewer, query.client
        # The words of each name that is not wanted, with what means the same.
        self.unwanted = () if wants_others else tuple(map(_words_of_name, unwanted))
        english, typed_words = _in_english(terms)
        clauses = _clauses(english, wants_others)[:MAX_CLAUSES]
        self.clauses = tuple(_with_typed(each, typed_words) for each in clauses)
        typed = " ".join(value for term in terms for value in term.values).strip().lower()
        self.typed = "" if wants_others else typed  # No package is preferred for its name.
        self.paths = tuple(
            value.lower() for term in terms if term.match is Match.PATH for value in term.values
        )
        wanted = [term for term in query.terms if not term.is_excluded]
        words = {stem(word) for word in split_words(" ".join(_values(wanted)))}
        meant = {each.word for clause in self.clauses for each in clause.alternatives}
        self.wants_auxiliary = not AUXILIARY_PARTS.isdisjoint(words | meant)
        patterns = [term for term in wanted if term.match is Match.PATTERN]
        self.joined = joined_name(self.typed or "".join(_values(patterns)))
        self.shows_deprecated = (
            query.include_deprecated or query.deprecated_last or query.deprecated_only
        )
        self.restrictions = (*_restrictions(query), *map(_pattern, patterns))
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
            match_any(map(_anywhere, _words_in_texts(clause))) for clause in self.clauses
        )


def with_plain_words(query: Query) -> Query:
    """Return the query with `pub/sub` read as two words, and what is quoted as words."""
    return replace(query, terms=tuple(map(_as_words, query.terms)))


def _as_words(term: Term) -> Term:
    is_word = term.match in (Match.PATH, Match.PHRASE) and term.field is Field.ANYWHERE
    if not is_word or term.is_excluded:
        return term
    return replace(term, match=Match.WORDS, values=(term.values[0].replace("/", " "),))


def with_near_words(clause: Clause, near: Iterable[str]) -> Clause:
    """Return the clause with what was perhaps meant."""
    meant = tuple(Alternative(word, NEAR_FACTOR) for word in near)
    return replace(clause, alternatives=clause.alternatives + meant)


def with_parts(clause: Clause, parts: Sequence[str]) -> Clause:
    """Return the clause with the parts of its word, and what means the same as these."""
    meant = [Alternative(stem(part), PART_FACTOR) for part in parts]
    meant += [Alternative(part, PART_FACTOR, is_beginning=True) for part in parts]
    for _, _, synonym in synonyms_of([stem(part) for part in parts]):
        meant.append(Alternative(synonym, PART_FACTOR * SYNONYM_FACTOR))
    return replace(clause, alternatives=(*clause.alternatives, *meant))


def _without_unwanted(terms: Sequence[Term]) -> tuple[list[Term], list[list[Term]]]:
    """Return the terms without those that are not wanted, and the terms of each name of these."""
    wishes = read_wishes([_typed(term) for term in terms])
    unwanted = [[terms[place] for place in name] for name in wishes.unwanted]
    return [terms[place] for place in wishes.wanted], unwanted


def _typed(term: Term) -> str:
    """Return a plainly typed word, folded; nothing for other terms."""
    return joined_name(_typed_text(term))


def _words_of_name(terms: Sequence[Term]) -> tuple[tuple[str, ...], ...]:
    clauses = _word_clauses([word for term in terms for word in _words_of(term)])
    return tuple(
        (clause.word, *(stem(each.word) for each in clause.alternatives if not each.is_beginning))
        for clause in clauses
    )


def _in_english(terms: list[Term]) -> tuple[list[Term], dict[str, str]]:
    """Return the terms of a German or Spanish query with English words, and what was typed for
    each of these; other terms as they are."""
    words = [split_words(_typed_text(term)) for term in terms]
    english = in_english([word for each in words for word in each])
    if english is None:
        return terms, {}
    meant, found, typed = iter(english), list[Term](), dict[str, str]()
    for term, own in zip(terms, words, strict=True):
        if not own:
            found.append(term)
        for word in own:
            for each in next(meant):
                found.append(replace(term, values=(each,)))
                typed[each] = word
    return (_ranking_terms(found), typed) if found else (terms, {})


def _with_typed(clause: Clause, typed: Mapping[str, str]) -> Clause:
    """Return the clause of a translated word with the typed one, which may be a name."""
    word = typed.get(clause.word, clause.word)
    if word == clause.word:
        return clause
    return replace(clause, alternatives=(*clause.alternatives, *_as_typed(word, may_begin=True)))


def _typed_text(term: Term) -> str:
    is_plain = (term.field, term.match) == (Field.ANYWHERE, Match.WORDS) and not term.is_excluded
    return term.values[0] if is_plain and len(term.values) == 1 else ""


def _ranking_terms(terms: Sequence[Term]) -> list[Term]:
    """Return the terms that rank results, without words that say nothing."""
    ranking = [
        term
        for term in terms
        if term.match in (Match.WORDS, Match.PHRASE, Match.PATH)
        and term.field is not Field.MODULE
        and not term.is_excluded
    ]
    return [term for term in ranking if not _is_filler(term)] or ranking


def _is_filler(term: Term) -> bool:
    typed = (term.field, term.match) == (Field.ANYWHERE, Match.WORDS)
    return typed and all(value.lower() in FILLERS for value in term.values)


def _is_for_others(term: Term) -> bool:
    """Say whether the term asks for what is like the other words: `jira alternative`."""
    typed = (term.field, term.match) == (Field.ANYWHERE, Match.WORDS) and not term.is_excluded
    return typed and any(value.lower() in WORDS_FOR_OTHERS for value in term.values)


def _values(terms: Iterable[Term]) -> Iterator[str]:
    return (value for term in terms for value in term.values)


# --- clauses -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Word:
    """A typed word, and what the term that it is from says of it."""

    text: str
    in_names: bool  # It is looked for in names only.
    is_required: bool  # It must not be left out.
    may_begin: bool  # It may be the beginning of a word.
    is_part: bool  # It is from a name that was typed with its signs.
    humps: tuple[str, ...]  # Its parts, if it was typed in camel case.


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
        if stem(each.word.removeprefix(WordMark.NAME_ENDING.value)) == stem(clause.word)
        else each
        for each in clause.alternatives
    )
    others = (Alternative(stem(each), SYNONYM_FACTOR) for each in like)
    return replace(clause, alternatives=tuple(dict.fromkeys((*named, *others))))


def _is_plain(term: Term) -> bool:
    """Say whether each word of the term is a clause: not for phrases, and not for groups."""
    return term.match is not Match.PHRASE and len(term.values) == 1


def _words_of(term: Term) -> Iterator[_Word]:
    """Yield the words of a term; of a name that was typed with its signs only the last may begin
    another word.
    """
    in_names = term.field is Field.NAME
    is_required = in_names or term.match is Match.PATH
    words = split_words(term.values[0])
    is_part = len(words) > 1 and not _SIGNS.isdisjoint(term.values[0])
    humps = ()
    if len(words) == 1 and not term.values[0].islower():
        humps = tuple(split_humps(term.values[0]))
    for number, word in enumerate(words, start=1):
        may_begin = not is_part or number == len(words)
        yield _Word(word, in_names, is_required, may_begin, is_part, humps)


def _word_clauses(words: Sequence[_Word]) -> Iterator[Clause]:
    is_sentence = len(words) > MAX_PREFIX_WORDS
    meant = [[*_alternatives(each.text, each.may_begin and not is_sentence)] for each in words]
    for start, end, alternative in _spans(words, not is_sentence):
        for place in range(start, end):
            meant[place].append(alternative)
    for word, alternatives in zip(words, meant, strict=True):
        yield Clause(
            tuple(dict.fromkeys(alternatives)),
            word=word.text,
            humps=word.humps,
            in_names=word.in_names,
            is_required=word.is_required,
        )


def _alternatives(word: str, may_begin: bool) -> Iterator[Alternative]:
    """Yield the word as it was typed, and its stem."""
    yield from _as_typed(word, may_begin)
    if (form := stem(word)) != word:
        yield Alternative(form, STEM_FACTOR)


def _as_typed(word: str, may_begin: bool, factor: float = 1.0) -> Iterator[Alternative]:
    """Yield the word itself, words of names that end with it, and words that begin with it."""
    yield Alternative(word, factor)
    if len(word) >= MIN_ENDING:
        yield Alternative(f"{WordMark.NAME_ENDING.value}{word}", factor)
    if may_begin and len(word) >= MIN_PREFIX:
        yield Alternative(word, factor, is_beginning=True)


def _spans(words: Sequence[_Word], may_begin: bool) -> Iterator[tuple[int, int, Alternative]]:
    """Yield what counts for several words at once: two as one, and synonyms."""
    for start, (first, second) in enumerate(pairwise(words)):
        if not (first.is_part and second.is_part):
            for each in _as_typed(first.text + second.text, may_begin, JOINED_FACTOR):
                yield start, start + 2, each
            if (form := stem(second.text)) != second.text:
                yield start, start + 2, Alternative(first.text + form, JOINED_FACTOR * STEM_FACTOR)
    yield from _synonyms(words)


def _synonyms(words: Sequence[_Word]) -> Iterator[tuple[int, int, Alternative]]:
    for start, end, meant in synonyms_of([stem(word.text) for word in words]):
        # A part of a typed name stands for itself, but several may be an identifier.
        if end - start > 1 or not words[start].is_part:
            yield start, end, Alternative(meant, SYNONYM_FACTOR)
    for place, word in enumerate(words):
        for start, end, meant in synonyms_of([stem(part) for part in word.humps]):
            if end - start > 1:
                yield place, place + 1, Alternative(meant, SYNONYM_FACTOR)


def _whole_clause(term: Term) -> Clause:
    """Return the clause of a phrase, or of a group, of whose values each is meant as it stands."""
    in_names = term.field is Field.NAME
    mark = WordMark.NAME if in_names else WordMark.ANYWHERE
    lists = [split_words(value) for value in term.values]
    if term.match is Match.PHRASE:
        phrases = tuple(_quoted(mark_words(mark, words)) for words in lists if words)
        return Clause(phrases=phrases, in_names=in_names, is_required=True)
    return Clause(
        tuple(Alternative(words[0]) for words in lists if len(words) == 1),
        tuple(match_words(mark, words) for words in lists),
        in_names=in_names,
        is_required=in_names,
    )


# --- restrictions ------------------------------------------------------------------------------


def _restrictions(query: Query) -> Iterator[Condition]:
    if query.orgs is not None:
        yield Condition(tuple(facet_word("org", org) for org in query.orgs))
    demanded = {
        facet_word("name", query.package): query.package,
        facet_word("needs", query.depends_on): query.depends_on,
        DEPRECATED: query.deprecated_only,
        NOT_STORED: query.not_stored_only,
        TOOL: query.kind is SearchKind.TOOLS,
        facet_word("connector", *query.item): query.kind is SearchKind.CONNECTORS,
        facet_word("trigger", *query.item): query.kind is SearchKind.TRIGGERS,
    }
    yield from (Condition((word,)) for word, is_demanded in demanded.items() if is_demanded)
    if query.stored_only:
        yield Condition((NOT_STORED,), is_excluded=True)
    yield from (Condition((facet_word("trait", each.key),)) for each in query.facet_values)
    for term in query.terms:
        if term.is_excluded:
            yield from (replace(each, is_excluded=True) for each in _without(term))
        elif term.match is Match.WHOLE:
            kind = term.field.value
            yield Condition(tuple(facet_word(kind, value) for value in term.values))
        elif term.field is Field.MODULE:
            yield Condition(expression=match_any(_module(term, value) for value in term.values))


def _without(term: Term) -> Iterator[Condition]:
    """Yield what no result may have: for a word the packages with it, or with a form of it, outside
    of their readmes."""
    if term.match is Match.PATTERN:
        yield _pattern(term)
    elif term.match is Match.WHOLE:
        kind = term.field.value
        yield Condition(tuple(facet_word(kind, value) for value in term.values))
    elif term.field is Field.MODULE:
        yield Condition(expression=match_any(_module(term, value) for value in term.values))
    elif term.match is Match.PATH:
        yield Condition(pattern=("key", term.values[0].lower()))
    else:
        for words in map(split_words, term.values):
            forms = tuple({words[0], stem(words[0])}) if len(words) == 1 else ()
            in_names = term.field is Field.NAME
            mark = WordMark.NAME if in_names else WordMark.ANYWHERE
            phrase = _quoted(mark_words(mark, words))
            yield Condition(forms) if forms and not in_names else Condition(expression=phrase)


def _module(term: Term, value: str) -> str:
    words = split_words(value)
    if term.match is Match.PHRASE:
        return _quoted(mark_words(WordMark.MODULES, words)) if words else match_any([])
    may_begin = len(term.values) == 1 and len(words) <= MAX_PREFIX_WORDS
    return match_words(WordMark.MODULES, words, may_begin=may_begin)


def _pattern(term: Term) -> Condition:
    value = re.sub(r"[?\[]", r"[\g<0>]", term.values[0].lower())  # Brackets quote in a GLOB.
    if term.field is Field.ORG:
        return Condition(pattern=("key", f"{value}/*"))
    return Condition(pattern=("key" if "/" in value else "name", value))


# --- full-text expressions, as FTS5 reads them --------------------------------------------------


def match_all(expressions: Iterable[str]) -> str:
    """Return the conjunction of expressions; empty if there are none."""
    return " AND ".join(f"({each})" for each in expressions)


def match_any(expressions: Iterable[str]) -> str:
    """Return the disjunction of expressions, which holds nowhere if there are none."""
    return " OR ".join(f"({each})" for each in expressions) or _quoted(facet_word("nothing"))


def match_words(mark: WordMark, words: Sequence[str], *, may_begin: bool = False) -> str:
    """Return the expression for every one of the words; no words are found nowhere."""
    found = (_word_expression(mark, word, may_begin) for word in words)
    return match_all(found) or match_any([])


def _word_expression(mark: WordMark, word: str, may_begin: bool) -> str:
    quoted = _quoted(mark_words(mark, [word]))
    return f"{quoted} *" if may_begin and len(word) >= MIN_PREFIX else quoted


def _words_in_texts(clause: Clause) -> Iterable[str]:
    """Return the words of the alternatives, each once; endings of names are in posting lists
    alone."""
    words = dict.fromkeys(each.word for each in clause.alternatives)
    return (word for word in words if not word.startswith(WordMark.NAME_ENDING.value))


def _anywhere(word: str) -> str:
    """Return the expression for the word, or another form of it, anywhere in a package."""
    stemmed = _quoted(mark_words(WordMark.STEM, [word]))
    return f"{_quoted(word)} OR {stemmed}"


def _quoted(words: str) -> str:
    return f'"{words}"'
