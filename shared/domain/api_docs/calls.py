"""Source that calls a function or method of a module, or makes a value of one of its classes.

A call has a name in place of each value that must be given. Its result is a variable of any type,
but for a dependently typed function: the type of the variable is an argument of such a call, so it
is written. The errors of other packages are known by their names alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, count
from typing import Self

from msgspec import Struct

from shared.domain.api_docs.language import LANGUAGE_ORG
from shared.domain.api_docs.model import (
    AliasDocs,
    ClassDocs,
    DeclarationKind,
    FunctionDocs,
    ModuleDocs,
    ObjectTypeDocs,
    RecordDocs,
    Type,
    VariableDocs,
    alias_lists,
)
from shared.domain.api_docs.other_packages import CHAIN_LIMIT, with_module
from shared.domain.api_docs.outline import DocsSymbol, all_fields
from shared.domain.api_docs.resolving import unquoted
from shared.domain.api_docs.type_parts import PathSegment, path_segments, type_parts
from shared.domain.source_names import KEYWORDS, import_line, module_prefix

# The default of a typedesc parameter that is inferred from the type of the variable.
INFERRED = "<>"
# Names of errors end so; this also recognizes errors that another package defines.
_ERROR_ENDING = "Error"
# Types that a name stands for in its own module.
_OWN_ALIASES = ("types", "errors")


class CallOutcome(Struct, frozen=True):
    """What a call may result in, besides nil."""

    may_fail: bool = False
    has_value: bool = False


_FAILURE = CallOutcome(may_fail=True)


def _builtin(name: str) -> Type:
    return Type(name=name, category="builtin")


_NIL = _builtin("()")
_ERROR = _builtin("error")
_ANY_RECORD = Type(category="inline_record")
_ANY_VALUE = Type(is_anonymous_union_type=True, member_types=(_builtin("any"), _builtin("error")))
_NO_VALUES = ("()", "never")
# Types of the language to which all records of plain data belong.
_OF_RECORDS = ("anydata", "any")


class Calls(Struct, frozen=True):
    """Writes the calls of the functions and methods of a module."""

    module: ModuleDocs
    _aliases: Mapping[str, AliasDocs]
    _records: Mapping[str, RecordDocs]

    @classmethod
    def of(cls, module: ModuleDocs) -> Self:
        aliases = (each for docs in alias_lists(module) for each in docs)
        return cls(
            module,
            {each.name: each for each in aliases if isinstance(each, AliasDocs)},
            {each.name: each for each in module.records},
        )

    def source(self, symbol: DocsSymbol) -> str:
        """Return a call of a function or method, or one that makes a value of a class; empty for
        what other modules do not call."""
        docs = symbol.docs
        owner = symbol.owner
        if isinstance(docs, ClassDocs):
            return "" if docs.has_hidden_init else self._new_statement(docs)
        if not isinstance(docs, FunctionDocs) or _is_called_by_the_runtime(docs, owner):
            return ""
        return self._call(docs, owner)

    def line(self, symbol: DocsSymbol) -> str:
        """Return the call of a function or method for lists, such as `httpClient->/path.post(…)`;
        empty for other symbols."""
        docs = symbol.docs
        if not isinstance(docs, FunctionDocs):
            return ""
        arguments = "…" if docs.parameters else ""
        if symbol.owner is not None and docs.name == "init":
            return f"new ({arguments})"
        receiver = self._receiver(symbol.owner) if symbol.owner else ""
        return f"{self._callee(docs, receiver, _name_in_path)}({arguments})"

    def outcome(self, docs: FunctionDocs) -> CallOutcome:
        """Return whether a call of a function may fail, and whether it has a value otherwise."""
        return self._outcome([each.type for each in docs.return_parameters])

    # --- Statements

    def _new_statement(self, docs: ClassDocs) -> str:
        init = docs.init_method
        prefix = module_prefix(self.module.id)
        arguments = self._arguments(init) if init else []
        check = "check " if init and self.outcome(init).may_fail else ""
        variable = _free(_variable(prefix, docs.name), arguments)
        return f"{prefix}:{docs.name} {variable} = {check}new ({', '.join(arguments)});"

    def _call(self, docs: FunctionDocs, owner: DocsSymbol | None) -> str:
        arguments = self._arguments(docs)
        segments = path_segments(docs.resource_path) if docs.is_resource else []
        taken = {*arguments, *(each.name for each in segments)}
        receiver = self._receiver(owner, taken) if owner else ""
        callee = self._callee(docs, receiver, _argument_of_path)
        outcome = self.outcome(docs)
        check = "check " if outcome.may_fail else ""
        call = f"{check}{callee}({', '.join(arguments)});"
        if not outcome.has_value:
            return call
        result = _free("result", {*taken, receiver})
        types = _types_given(docs)
        declared = self._declared(docs, types) if types else None
        if declared is None:
            return f"var {result} = {call}"
        comment = "".join(map(_default_comment, types.values()))
        written = "".join(part.text for part in type_parts(declared))
        lines = [f"// {each}" for each in self._imports(declared)]
        return "\n".join([*lines, f"{written} {result} = {call}{comment}"])

    def _receiver(self, owner: DocsSymbol, taken: Iterable[str] = ()) -> str:
        prefix = module_prefix(self.module.id)
        name = owner.docs.name
        variable = _variable(prefix, name)
        return _free(unquoted(prefix) + unquoted(name), taken) if variable in taken else variable

    def _callee(
        self, docs: FunctionDocs, receiver: str, segment_text: Callable[[PathSegment], str]
    ) -> str:
        """Return the part of a call before its arguments."""
        if not receiver:
            return f"{module_prefix(self.module.id)}:{docs.name}"
        if docs.is_resource:
            path = "/".join(map(segment_text, path_segments(docs.resource_path)))
            return f"{receiver}->/{path}.{docs.accessor}"
        return f"{receiver}{'->' if docs.is_remote else '.'}{docs.name}"

    def _arguments(self, docs: FunctionDocs) -> list[str]:
        """Return the names of the parameters that must be given, and of the fields of parameters
        whose fields are given by name."""
        given = [each.name for each in docs.parameters if each.must_be_given]
        for each in docs.parameters:
            record = self._record(each.type) if each.type and each.type.is_inclusion else None
            given += [f"{name} = {name}" for name in _required_fields(record)]
        return given

    def _record(self, docs: Type) -> RecordDocs | None:
        """Return the record of this module that a name stands for."""
        for _ in range(CHAIN_LIMIT):
            name = self._own_name(docs)
            alias = self._aliases.get(name)
            if alias is None or len(alias.member_types) != 1:
                return self._records.get(name)
            docs = alias.member_types[0]
        return None

    def _own_name(self, docs: Type) -> str:
        """Return the name of a type of this module; empty for others."""
        is_own = (docs.org_name, docs.module_name) == (self.module.org_name, self.module.id)
        return docs.name or "" if is_own else ""

    # --- Results

    def _outcome(self, types: Iterable[Type]) -> CallOutcome:
        may_fail = has_value = False
        for each in self._alternatives(types):
            if is_error(each):
                may_fail = True
            elif each.name not in _NO_VALUES or each.category != "builtin":
                has_value = True
        return CallOutcome(may_fail, has_value)

    def _alternatives(self, types: Iterable[Type]) -> Iterator[Type]:
        """Yield the alternatives of types, through the names of this module that stand for
        others."""
        seen = set[str]()
        waiting = list(types)[::-1]
        while waiting:
            docs = waiting.pop()
            if parts := _parts(docs):
                waiting += reversed(parts)
                continue
            name = self._own_name(docs) if docs.category in _OWN_ALIASES else ""
            if alias := self._aliases.get(name):
                waiting += [] if name in seen else [alias]
                seen.add(name)
            else:
                yield docs

    def _declared(self, docs: FunctionDocs, types: Mapping[str, VariableDocs]) -> Type | None:
        """Return the type of the variable that takes a dependently typed result, without errors."""
        given = {name: _grouped(self._given(each)) for name, each in types.items()}
        change = partial(_replaced, given=given)
        returned = docs.return_parameters[0].type
        values = (each for each in _flat(returned) if self._outcome([each]) != _FAILURE)
        whole = [part for each in values for part in _flat(_qualified(change, each))]
        may_fail = self.outcome(docs).may_fail
        found = dict.fromkeys(each for each in whole if not (may_fail and is_error(each)))
        is_nullable = _NIL in found
        members = [each for each in found if each != _NIL]
        if len(members) == 1:
            only = _grouped(members[0]) if is_nullable else members[0]
            return only.model_copy(update={"is_nullable": is_nullable})
        alternatives = (*map(_grouped, members), *((_NIL,) if is_nullable else ()))
        return Type(is_anonymous_union_type=True, member_types=alternatives) if members else None

    def _given(self, parameter: VariableDocs) -> Type:
        """Return the type that a call gives to a parameter: one that its readers replace by theirs
        if it is inferred, or else any that it may be."""
        constraint = self._constraint(parameter.type)
        if parameter.default_value != INFERRED:
            return constraint or _ANY_VALUE
        alternatives = list(self._alternatives([constraint] if constraint else []))
        if not alternatives or any(map(_has_all_records, alternatives)):
            return _ANY_RECORD
        values = (each for each in alternatives if each != _NIL and not is_error(each))
        return next(values, _ANY_RECORD)

    def _constraint(self, docs: Type | None) -> Type | None:
        """Return the type `T` of a parameter of the type `typedesc<T>`; None if it is unknown."""
        for _ in range(CHAIN_LIMIT):
            if docs is None:
                return None
            if docs.is_type_desc:
                return docs.element_type or _ANY_VALUE
            if docs.definition:
                docs = docs.definition
                continue
            alias = self._aliases.get(self._own_name(docs))
            is_renamed = alias is not None and len(alias.member_types) == 1
            docs = alias.member_types[0] if alias and is_renamed else alias
        return None

    def _imports(self, docs: Type) -> Iterator[str]:
        """Yield the imports that a type needs besides that of this module."""
        own = self.module.org_name, self.module.id
        named = ((each.org_name or "", each.module_name or "") for each in _within(docs))
        for org, name in dict.fromkeys(named):
            is_of_language = org == LANGUAGE_ORG and name.startswith("lang.")
            if org and name and not is_of_language and (org, name) != own:
                yield import_line(org, name)


def is_error(docs: Type) -> bool:
    """Check for an error. What another package defines is not known: errors have such names."""
    if docs.is_intersection_type:
        return any(map(is_error, docs.member_types))
    name = docs.name or ""
    if docs.category in ("libs", "reference") and docs.module_name:
        return name.endswith(_ERROR_ENDING)
    return docs.category == "errors" or (docs.category == "builtin" and name == "error")


def _is_called_by_the_runtime(docs: FunctionDocs, owner: DocsSymbol | None) -> bool:
    """Check for `init`, which `new` calls, and for methods of services, which listeners call."""
    if owner is None:
        return False
    is_service = owner.kind == DeclarationKind.SERVICE_TYPE.value or (
        isinstance(owner.docs, ClassDocs | ObjectTypeDocs) and owner.docs.is_service
    )
    return docs.name == "init" or (is_service and (docs.is_remote or docs.is_resource))


def _required_fields(record: RecordDocs | None) -> Iterator[str]:
    for each in all_fields(record) if record else ():
        is_optional = each.type is None or each.type.is_optional
        if not each.default_value and not is_optional:
            yield each.name


# --- Types in results ----------------------------------------------------------------------------


def _parts(docs: Type) -> tuple[Type, ...]:
    """Return the types that a type is a choice of; none for one that is no choice."""
    if docs.is_nullable:
        return docs.model_copy(update={"is_nullable": False}), _NIL
    if docs.definition:
        return (docs.definition,)
    if docs.is_parenthesised_type and docs.element_type:
        return (docs.element_type,)
    return docs.member_types if docs.is_anonymous_union_type else ()


def _flat(docs: Type) -> Iterator[Type]:
    """Yield the types that a type is a choice of, by their own names."""
    waiting = [docs]
    while waiting:
        each = waiting.pop()
        parts = _parts(each)
        waiting += reversed(parts)
        if not parts:
            yield each


def _types_given(docs: FunctionDocs) -> dict[str, VariableDocs]:
    """Return the parameters that the result depends on, by their names."""
    named = {each.name: each for each in docs.parameters}
    returned = (part for each in docs.return_parameters for part in _within(each.type))
    names = (each.name or "" for each in returned if each.category == "reference")
    return {name: named[name] for name in names if name in named}


def _within(docs: Type) -> Iterator[Type]:
    """Yield a type, and all types in it."""
    waiting = [docs]
    while waiting:
        each = waiting.pop()
        yield each
        inner = list[Type]()

        def keep(part: Type, inner: list[Type] = inner) -> Type:
            inner.append(part)
            return part

        each.with_parts(keep)
        waiting += reversed(inner)


def _replaced(docs: Type, given: Mapping[str, Type]) -> Type:
    """Return the type that is given for a parameter, or else the same."""
    if docs.category != "reference":
        return docs
    found = given.get(docs.name or "")
    if found is None:  # Documents of Central do not say in which module it is.
        found = _ERROR if (docs.name or "").endswith(_ERROR_ENDING) else docs
    return found.model_copy(update={"is_nullable": docs.is_nullable or found.is_nullable})


def _qualified(change: Callable[[Type], Type], docs: Type) -> Type:
    """Return a type as other modules write it, after a change of each type in it: what is not
    public is written in full."""
    changed = change(docs)
    if changed.definition:
        nullable = changed.is_nullable or changed.definition.is_nullable
        changed = changed.definition.model_copy(update={"is_nullable": nullable})
    is_expanded = changed.category == "inline_record" or changed.is_anonymous_union_type
    if is_expanded and changed.name:
        changed = changed.model_copy(update={"name": None})
    return with_module(changed.with_parts(partial(_qualified, change)))


def _grouped(docs: Type) -> Type:
    """Return a type in parentheses if others cannot follow it without them."""
    is_open = docs.is_lambda or docs.is_anonymous_union_type or docs.is_intersection_type
    return Type(is_parenthesised_type=True, element_type=docs) if is_open else docs


def _has_all_records(docs: Type) -> bool:
    """Check whether every record of plain data has this type."""
    if docs.category == "map" and docs.constraint:
        return _has_all_records(docs.constraint)
    if docs.category == "builtin":
        return docs.name in _OF_RECORDS
    if docs.category != "inline_record":
        return False
    fields = (each.element_type for each in docs.member_types)
    rests = [each.element_type for each in fields if each and each.is_rest_param]
    is_without_fields = len(rests) == len(docs.member_types)
    return is_without_fields and all(each and _has_all_records(each) for each in rests)


# --- Names ---------------------------------------------------------------------------------------


def _default_comment(parameter: VariableDocs) -> str:
    default = " ".join(parameter.default_value.split())
    inferred = ", inferred from the variable" if default == INFERRED else ""
    return f" // {parameter.name} = {default}{inferred}" if default else ""


def _name_in_path(segment: PathSegment) -> str:
    """Return a segment for reading: a rest parameter stands for any path."""
    return segment.name if segment.name and segment.is_rest else _argument_of_path(segment)


def _argument_of_path(segment: PathSegment) -> str:
    if not segment.is_parameter:
        return segment.text
    # Without a name, the type is that of one value, or any value of it is the argument.
    name = segment.name or (segment.type if segment.type.startswith('"') else "segment")
    return f"[...{name}]" if segment.is_rest else f"[{name}]"


def _free(name: str, taken: Iterable[str]) -> str:
    """Return a name that is not taken."""
    used = set(taken)
    names = chain([name], (f"{name}{number}" for number in count(2)))
    return next(each for each in names if each not in used)


def _variable(prefix: str, type_name: str) -> str:
    """Return the name of a variable of this type: of `Caller` caller, of `http:Client` httpClient,
    since `client` is a keyword."""
    plain = unquoted(type_name)
    name = plain[:1].lower() + plain[1:]
    if name in KEYWORDS:
        return unquoted(prefix) + plain
    return f"'{name}" if plain != type_name and not name[:1].isalpha() else name
