"""Which changes of a function or method break those who call or implement it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.domain.api_docs.directions import MAJOR, MINOR, PATCH, Reason, TwoVersions, opposite
from shared.domain.api_docs.model import FunctionDocs, Type, VariableDocs
from shared.domain.api_docs.resolving import unquoted
from shared.domain.api_docs.type_parts import path_segments
from shared.domain.api_docs.type_relations import TypeRelation
from shared.domain.api_docs.type_shapes import DEPENDENT, Shape, Shapes

_OF_RESULTS = {
    TypeRelation.NARROWER: "It returns fewer kinds of values.",
    TypeRelation.WIDER: "It returns more kinds of values.",
    TypeRelation.DIFFERENT: "It returns values of another type.",
}
_OF_PARAMETERS = {
    TypeRelation.WIDER: "accepts more types",
    TypeRelation.NARROWER: "accepts fewer types",
    TypeRelation.DIFFERENT: "changed its type",
}
_DEPENDS = "The result has the type that the caller expects, so `var` cannot have it any more."
_INFERRED = "<>"  # The default of a type that the caller expects.


def function_changes(
    old: FunctionDocs, new: FunctionDocs, versions: TwoVersions
) -> Iterator[Reason]:
    """Yield what the differences require. Functions are called by callers, and methods of object
    types are implemented by them as well, or alone: the direction is that of the object."""
    for flag, word in (("is_remote", "remote"), ("is_resource", "a resource")):
        if getattr(old, flag) != getattr(new, flag):
            yield MAJOR, f"It is {'no longer' if getattr(old, flag) else 'now'} {word}."
    yield from isolation_changes(is_isolated=(old.is_isolated, new.is_isolated), versions=versions)
    yield from _path_changes(old, new, versions)
    yield from parameter_changes(old.parameters, new.parameters, versions)
    yield from _result_changes(old, new, versions)


def isolation_changes(*, is_isolated: tuple[bool, bool], versions: TwoVersions) -> Iterator[Reason]:
    """Yield what it means that something is isolated now, or no longer is."""
    before, after = is_isolated
    if before and not after:
        level = MAJOR if versions.has_output else MINOR
        yield level, "It is no longer isolated, so isolated functions cannot use it."
    elif after and not before:
        yield MAJOR if versions.has_input else MINOR, "It is isolated now."


def parameter_changes(
    old: Sequence[VariableDocs], new: Sequence[VariableDocs], versions: TwoVersions
) -> Iterator[Reason]:
    """Yield what the differences of the parameters require."""
    yield from _Parameters.of(old, new, versions).changes()


@dataclass(frozen=True, slots=True)
class _Parameters:
    """The parameters of both versions by their names; one that was renamed has its new name."""

    before: dict[str, VariableDocs]
    after: dict[str, VariableDocs]
    renamed: dict[str, str]  # From new names to old ones.
    versions: TwoVersions

    @classmethod
    def of(
        cls, old: Sequence[VariableDocs], new: Sequence[VariableDocs], versions: TwoVersions
    ) -> "_Parameters":
        before, after = ({unquoted(each.name): each for each in some} for some in (old, new))
        renamed: dict[str, str] = {}
        for index, (was, now) in enumerate(zip(before, after, strict=False)):
            if was not in after and now not in before:
                shapes = (Shapes().of(each.type) for each in (old[index], new[index]))
                if versions.relation(*shapes) is not TypeRelation.DIFFERENT:
                    renamed[now] = was
        names = {was: now for now, was in renamed.items()}
        named = {names.get(name, name): each for name, each in before.items()}
        return cls(named, after, renamed, versions)

    def changes(self) -> Iterator[Reason]:
        for name in self.before:
            if name not in self.after:
                yield MAJOR, f"The parameter {name} was removed or renamed."
        for now, was in self.renamed.items():
            # Calls may give arguments by name, but those of rest parameters, and whoever
            # implements a method chooses the names.
            type_ = self.after[now].type
            is_named = self.versions.has_output and not (type_ and type_.is_rest_param)
            level = MAJOR if is_named else PATCH
            yield level, f"The parameter {was} was renamed to {now}."
        for name, parameter in self.after.items():
            if name in self.before:
                yield from _parameter_difference(self.before[name], parameter, self.versions)
            elif parameter.must_be_given and self.versions.has_output:
                yield MAJOR, f"The new parameter {name} is required."
            elif self.versions.has_input:
                yield MAJOR, f"Implementations lack the new parameter {name}."
            else:
                yield MINOR, f"The parameter {name} was added."
        yield from self._order()

    def _order(self) -> Iterator[Reason]:
        after = list(self.after)
        kept = [name for name in after if name in self.before]
        if kept != [name for name in self.before if name in self.after]:
            yield MAJOR, "The order of the parameters changed."
        elif after[: len(kept)] != kept:
            inserted = next(name for name in after if name not in self.before)
            following = next(n for n in after[after.index(inserted) :] if n in self.before)
            yield MAJOR, f"`{inserted}` was inserted before `{following}`."


def _parameter_difference(
    old: VariableDocs, new: VariableDocs, versions: TwoVersions
) -> Iterator[Reason]:
    name = new.name
    if new.must_be_given and not old.must_be_given:
        yield MAJOR, f"The parameter {name} is required now."
    elif old.must_be_given and not new.must_be_given:
        yield MINOR, f"The parameter {name} is no longer required."
    elif old.default_value and versions.has_other_value(old.default_value, new.default_value):
        yield PATCH, f"The parameter {name} has another default."
    was, now = (each.type is not None and each.type.is_inclusion for each in (old, new))
    if was and not now:
        yield MAJOR, f"Fields of the parameter {name} can no longer be given by their names."
    given = versions.going(opposite(versions.direction))
    for level, does in given.type_reasons(_OF_PARAMETERS, old.type, new.type):
        yield level, f"The parameter {name} {does}."
    yield from default_changes(old.type, new.type, given, unquoted(name))


def _result_changes(
    old: FunctionDocs, new: FunctionDocs, versions: TwoVersions
) -> Iterator[Reason]:
    asked = _asked_types(old), _asked_types(new)
    dependent = [dict.fromkeys(each, DEPENDENT) for each in asked]
    before, after = (
        Shapes(names).of(_result(each)) for names, each in zip(dependent, (old, new), strict=True)
    )
    relation = versions.relation(before, after)
    if relation is not TypeRelation.SAME and _is_what_callers_expect(
        before, asked[1], new, versions
    ):
        yield MAJOR, _DEPENDS
    else:
        yield from versions.shape_reasons(_OF_RESULTS, before, after)
        yield from default_changes(_result(old), _result(new), versions)


def _asked_types(function: FunctionDocs) -> dict[str, VariableDocs]:
    """Return the parameters whose arguments are types."""
    types = (each for each in function.parameters if each.type and each.type.is_type_desc)
    return {each.name: each for each in types}


def _is_what_callers_expect(
    before: Shape, asked: dict[str, VariableDocs], new: FunctionDocs, versions: TwoVersions
) -> bool:
    """Check that callers may still expect what they got before, although nothing else says it."""
    inferred = {name: each for name, each in asked.items() if each.default_value == _INFERRED}
    if not inferred or before >= DEPENDENT:
        return False
    bounds = {
        name: Shapes().of(each.type.element_type if each.type else None)
        for name, each in inferred.items()
    }
    relation = versions.relation(before, Shapes(bounds).of(_result(new)))
    is_dependent = Shapes(dict.fromkeys(inferred, DEPENDENT)).of(_result(new))
    return relation in (TypeRelation.SAME, TypeRelation.WIDER) and is_dependent != before


def _result(function: FunctionDocs) -> Type | None:
    return function.return_parameters[0].type if function.return_parameters else None


# --- Paths of resource methods ------------------------------------------------------------------


def _path_changes(old: FunctionDocs, new: FunctionDocs, versions: TwoVersions) -> Iterator[Reason]:
    """Yield what other types of path parameters require. Their names are known to nobody else."""
    before, after = (
        [each for each in path_segments(docs.resource_path) if each.is_parameter]
        for docs in (old, new)
    )
    given = versions.going(opposite(versions.direction))
    for was, now in zip(before, after, strict=False):
        types = (_type_of_text(each.type, versions.module) for each in (was, now))
        for level, does in given.type_reasons(_OF_PARAMETERS, *types):
            yield level, f"The path parameter {now.text} {does}."


_PATH_TYPES = frozenset(("string", "int", "float", "decimal", "boolean", "byte", "anydata"))


def _type_of_text(text: str, module: str) -> Type:
    """Return the type of a path parameter, which the documentation has as source text."""
    org, _, name = module.partition("/")
    members = tuple(
        Type(name=each, category="builtin")
        if each in _PATH_TYPES
        else Type(name=each, category="types", org_name=org, module_name=name)
        for each in map(str.strip, text.split("|"))
    )
    return Type(is_anonymous_union_type=True, member_types=members)


# --- Defaults of inline records ------------------------------------------------------------------

# The defaults of their fields, such as in `record {| int a = 1; |}`, are no part of a type: a value
# belongs to it or not, whoever gave its fields.

_PARTS = ("element_type", "constraint", "definition")
_LISTS = ("member_types", "type_parameters")


def default_changes(
    old: Type | None, new: Type | None, versions: TwoVersions, path: str = ""
) -> Iterator[Reason]:
    """Yield what other defaults of inline records in a type require; `path` is its place. A type
    with another number of such records is another type."""
    before, after = list(_inline_records(old)), list(_inline_records(new))
    if len(before) == len(after):
        for was, now in zip(before, after, strict=True):
            yield from _field_changes(was, now, versions, path)


def _inline_records(docs: Type | None) -> Iterator[Type]:
    """Yield the inline records of a type, but not those in them or in signatures."""
    if docs is None or docs.is_lambda:
        return
    if (docs.category or "").startswith("inline_") and not docs.is_array_type:
        yield docs
        return
    for name in _PARTS:
        yield from _inline_records(getattr(docs, name))
    for name in _LISTS:
        for each in getattr(docs, name) or ():
            yield from _inline_records(each)


def _field_changes(old: Type, new: Type, versions: TwoVersions, path: str) -> Iterator[Reason]:
    before = {each.name: each for each in old.member_types if each.name}
    for now in new.member_types:
        was = before.get(now.name or "")
        if was is None:
            continue
        at = f"{path}.{now.name}".removeprefix(".")
        value, other = (e.field.default_value if e.field else "" for e in (was, now))
        if not value or other:
            if versions.has_other_value(value, other):
                yield PATCH, f"The field {at} has another default."
        elif not (now.element_type and now.element_type.is_optional):
            level = MAJOR if versions.has_input else PATCH
            yield level, f"The field {at} has no default any more."
        yield from default_changes(was.element_type, now.element_type, versions, at)
