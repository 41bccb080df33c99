"""Types as source text, in parts that say what they are and which documentation they lead to; and
the segments of the path of a resource method, `users/[int id]/[string... rest]`.
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum

from msgspec import Struct

from shared.domain.api_docs.language import LANGUAGE_ORG, LANGUAGE_VERSION, OTHER_TYPES, PREDECLARED
from shared.domain.api_docs.model import Type
from shared.domain.source_names import module_prefix


class PartKind(Enum):
    """The kind of a part of a signature, for its color."""

    KEYWORD = "keyword"
    TYPE = "type"
    NAME = "name"  # The name of a declaration: a function, a parameter, a field.
    STRING = "string"
    VALUE = "value"  # Other expressions, as source text.
    TEXT = "text"  # Punctuation and blanks.


class TypeTarget(Struct, frozen=True):
    """The documentation of a named type. Types of the language have the category `builtin` and
    the module of their functions, such as `lang.int`."""

    org: str
    module: str
    version: str
    name: str
    category: str


class Part(Struct, frozen=True):
    """A piece of source text. Only types have targets, and not all: some are not documented."""

    text: str
    kind: PartKind = PartKind.TEXT
    target: TypeTarget | None = None


Parts = Iterator[Part]

# Categories of types that are built of others, by what follows the name.
_PARAMETERIZED = frozenset(("map", "stream", "table", "future"))


def keywords(*words: str) -> Parts:
    """Yield words, each with a blank after it."""
    for word in words:
        yield Part(word, PartKind.KEYWORD)
        yield Part(" ")


def named(name: str) -> Parts:
    """Yield a name after a blank, or nothing for none."""
    if name:
        yield Part(" ")
        yield Part(name, PartKind.NAME)


def value_parts(text: str) -> Parts:
    """Yield an expression, such as a default value, with its keywords and texts marked."""
    yield Part(text, PartKind.STRING if text.startswith('"') else PartKind.VALUE)


def joined(items: Iterable[Iterable[Part]], separator: str) -> Parts:
    """Yield the parts of all items with a separator between them."""
    for index, item in enumerate(items):
        if index:
            yield Part(separator)
        yield from item


def type_parts(docs: Type) -> Parts:
    """Yield a type as it is written."""
    if docs.is_distinct:
        yield from keywords("distinct")
    yield from _written(docs)
    if docs.is_nullable:
        yield Part("?")


def _written(docs: Type) -> Parts:
    if docs.is_rest_param and docs.element_type:
        yield from type_parts(docs.element_type)
        yield Part("...")
    elif docs.module_name or docs.category == "reference":
        yield _reference(docs)
    elif docs.category == "other":
        yield from value_parts(docs.name or "")
    elif docs.category == "builtin":
        yield _language_type(docs.name or "")
        yield from _parameters(docs.type_parameters)
    elif docs.name and docs.name not in (docs.category, "function"):
        # The type is not public, so its definition is written in its place.
        yield Part(docs.name, PartKind.TYPE)
    else:
        yield from _composed(docs)


def _reference(docs: Type) -> Part:
    name = docs.name or ""
    category = docs.category or ""
    target = None
    is_linked = category != "reference" and docs.generate_user_defined_type_link
    if is_linked and docs.org_name and docs.module_name and docs.version and name and category:
        target = TypeTarget(docs.org_name, docs.module_name, docs.version, name, category)
    if docs.module_name and category in ("libs", "reference") and docs.org_name != "UNK_ORG":
        name = f"{_prefix(docs.module_name)}:{name}"
    return Part(name, PartKind.TYPE, target)


def _prefix(module: str) -> str:
    """Return the prefix of a module; those of the language need no quote."""
    last = module.rpartition(".")[2]
    return last if module.startswith("lang.") and last in PREDECLARED else module_prefix(module)


def _language_type(name: str) -> Part:
    if name not in PREDECLARED | OTHER_TYPES:
        return Part(name, PartKind.TYPE)
    module = f"lang.{name}" if name in PREDECLARED else "lang.value"
    target = TypeTarget(LANGUAGE_ORG, module, LANGUAGE_VERSION, name, "builtin")
    return Part(name, PartKind.TYPE, target)


def _parameters(types: Iterable[Type | None]) -> Parts:
    given = [type_parts(each) for each in types if each]
    if given:
        yield Part("<")
        yield from joined(given, ", ")
        yield Part(">")


def _composed(docs: Type) -> Parts:
    if docs.is_array_type:
        yield from type_parts(docs.element_type) if docs.element_type else ()
        lengths = docs.array_lengths or ("",) * docs.array_dimensions
        yield Part("".join(f"[{length}]" for length in lengths))
    elif docs.is_lambda:
        yield from _function(docs)
    elif docs.is_type_desc or docs.category in _PARAMETERIZED:
        # Each kind of type parameters has its own place.
        yield _language_type(docs.category or "typedesc")
        yield from _parameters((docs.constraint, docs.element_type, *docs.member_types))
        if docs.key_constraint:
            yield Part(" ")
            yield from key_parts(docs.key_constraint)
    elif docs.is_parenthesised_type and docs.element_type:
        yield from _enclosed("(", (docs.element_type,), ")")
    elif docs.is_tuple:
        yield from _enclosed("[", docs.member_types, "]")
    elif docs.category in ("inline_record", "inline_closed_record"):
        yield from _record(docs)
    else:
        separator = " & " if docs.is_intersection_type else "|"
        yield from joined(map(type_parts, docs.member_types), separator)


def key_parts(key: Type) -> Parts:
    """Yield the key constraint of a table."""
    yield Part("key", PartKind.KEYWORD)
    if key.constraint:
        yield from _parameters((key.constraint,))
    else:
        yield Part(f"({', '.join(each.name or '' for each in key.member_types)})")


def _enclosed(opening: str, types: Iterable[Type], closing: str) -> Parts:
    yield Part(opening)
    yield from joined(map(type_parts, types), ", ")
    yield Part(closing)


def _record(docs: Type) -> Parts:
    # With a rest field, `record {|` and `record {` are the same at Central.
    is_exclusive = docs.category == "inline_closed_record" or any(
        each.name is None for each in docs.member_types
    )
    yield from keywords("record")
    blank = " " if docs.member_types else ""
    yield Part(f"{{|{blank}" if is_exclusive else f"{{{blank}")
    for member in docs.member_types:
        if member.element_type:
            yield from type_parts(member.element_type)
            yield from named(member.name or "")
            yield Part("?" if member.element_type.is_optional else "")
            if member.field and member.field.default_value:
                yield Part(" = ")
                yield from value_parts(member.field.default_value)
            yield Part("; ")
    yield Part("|}" if is_exclusive else "}")


def _function(docs: Type) -> Parts:
    yield from keywords(*(("isolated",) if docs.is_isolated else ()))
    yield Part("function", PartKind.KEYWORD)
    if docs.name:  # The type `function` itself, which any function has.
        return
    yield Part(" (")
    names = docs.param_names or ("",) * len(docs.param_types or ())
    parameters = zip(docs.param_types or (), names, strict=True)
    written = ((*included(each), *named(name)) for each, name in parameters)
    yield from joined(written, ", ")
    yield Part(")")
    if docs.return_type:
        yield from returns(docs.return_type)


def returns(docs: Type) -> Parts:
    """Yield the return type after a blank."""
    yield Part(" ")
    yield from keywords("returns")
    yield from type_parts(docs)


def included(docs: Type) -> Parts:
    """Yield the type of a parameter, with the asterisk of one that is included."""
    if docs.is_inclusion:
        yield Part("*")
    yield from type_parts(docs)


# A path is divided in one pass: it may be as long as a source.
_STRING = r'"(?:[^"\\]|\\.)*+"'
_PART = re.compile(rf"{_STRING}|\\.|[^\\/\[\]\"]++|.", re.DOTALL)
_TOKEN = re.compile(rf"{_STRING}|(?P<name>'?(?>(?:\w++|\\u\{{[0-9a-fA-F]++\}}|\\[^\w\s])+))|\S")
_INSIDE_TYPES = (":", "|", "&")  # A name after one of them is that of a type.
_REST = "..."


# A name without a prefix, which is not a prefix itself. Strings are skipped. Escapes outside of
# strings are skipped as a whole: else each of many escaped quotes is read to the end of the path.
_OWN_NAME = re.compile(rf"{_STRING}|\\.|(?<![\w:'])(?P<name>'?[^\W\d]\w*+)(?!\s*:)", re.DOTALL)


class PathSegment(Struct, frozen=True):
    """A word, or a parameter in brackets, which has a type and perhaps a name."""

    text: str
    type: str = ""
    name: str = ""
    is_rest: bool = False

    @property
    def is_parameter(self) -> bool:
        return self.text.startswith("[")


def path_segments(path: str) -> list[PathSegment]:
    """Return the segments of a resource path, of which the path `.` has none."""
    texts = (text.strip() for text in _divided(path))
    return [_segment(text) for text in texts if text and text != "."]


def types_in_path(path: str) -> Iterator[str]:
    """Yield the types of its module that a resource path names. Documents have the types of path
    parameters as text alone."""
    for segment in path_segments(path):
        for found in _OWN_NAME.finditer(segment.type):
            name = found["name"]
            if name and name not in PREDECLARED | OTHER_TYPES:
                yield name


def path_key(path: str) -> str:
    """Return the key of a path, in which the types and names of parameters do not count."""
    return "/".join(
        ("[*]" if each.is_rest else "[]") if each.is_parameter else each.text
        for each in path_segments(path)
    )


def _divided(path: str) -> Iterator[str]:
    """Yield the segments between slashes outside of brackets."""
    depth = 0
    parts = list[str]()
    for part in _PART.findall(path):
        if part == "/" and depth == 0:
            yield "".join(parts)
            parts = []
            continue
        depth += (part == "[") - (part == "]")
        parts.append(part)
    yield "".join(parts)


def _segment(text: str) -> PathSegment:
    if not (text.startswith("[") and text.endswith("]")):
        return PathSegment(text)
    inside = text[1:-1].strip()
    tokens = list(_TOKEN.finditer(inside))
    start = tokens[-1].start() if tokens and tokens[-1]["name"] else len(inside)
    type_ = inside[:start].rstrip()
    if not type_ or type_.endswith(_INSIDE_TYPES):
        start = len(inside)
        type_ = inside
    is_rest = type_.endswith(_REST)
    return PathSegment(text, type_.removesuffix(_REST).rstrip(), inside[start:], is_rest)
