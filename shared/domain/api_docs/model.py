"""The documentation of a module's public declarations, as immutable values.

The fields are the keys of Central's documents, in snake case; where Central omits something that
pages or tools need, there is a field more, which is `extra`.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from itertools import chain
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


def extra(default: object) -> Any:
    """Return a field that Central does not have: documents have it last, and only where it says
    something."""
    return Field(default, json_schema_extra={"extra": True})


class DocsModel(BaseModel):
    """A part of a documentation."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        defer_build=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )


class SourcePosition(DocsModel):
    """Where a declaration begins: the path in the archive's folder of the module, and the line."""

    file: str
    line: int


class Type(DocsModel):
    """A type at the place where it is used. Which fields are set depends on `category` and the
    flags; `org_name`, `module_name` and `version` say which release documents a named type."""

    # A function type has these too.
    is_lambda: bool | None = None
    is_isolated: bool | None = None
    is_extern: bool | None = None
    function_kind: str | None = None
    param_types: tuple["Type", ...] | None = None
    return_type: "Type | None" = None

    org_name: str | None = None
    module_name: str | None = None
    version: str | None = None
    name: str | None = None
    description: str | None = None
    description_sections: tuple[str, ...] | None = None
    category: str | None = None
    is_anonymous_union_type: bool = False
    is_inclusion: bool = False
    is_array_type: bool = False
    is_nullable: bool = False
    is_optional: bool = False
    is_tuple: bool = False
    is_intersection_type: bool = False
    is_parenthesised_type: bool = False
    is_type_desc: bool = False
    is_rest_param: bool = False
    is_deprecated: bool = False
    is_public: bool = False
    generate_user_defined_type_link: bool = True
    member_types: tuple["Type", ...] = ()
    function_types: tuple["IncludedFunction", ...] | None = None
    array_dimensions: int = 0
    element_type: "Type | None" = None
    constraint: "Type | None" = None

    type_parameters: tuple["Type", ...] = extra(())  # The types within `error<D>` and `xml<T>`.
    # The lengths in types such as `T[5]`, as written, one for each dimension.
    array_lengths: tuple[str, ...] = extra(())
    key_constraint: "Type | None" = extra(None)  # The constraint of a table's key.
    # The names of the parameters of a function type, if it has some.
    param_names: tuple[str, ...] = extra(())
    definition: "Type | None" = extra(None)  # What a name that is not public stands for.
    # Facts of a field, if this is a member of a record, or an inclusion.
    field: "FieldFacts | None" = extra(None)
    is_distinct: bool = extra(False)

    def with_parts(self, change: "Callable[[Type], Type]") -> "Type":
        """Return this type with each type that it is built of replaced by what `change` returns."""
        changes: dict[str, object] = {
            name: change(inner) for name in _PARTS if (inner := getattr(self, name))
        }
        for name in _LISTS_OF_PARTS:
            if inner := getattr(self, name):
                changes[name] = tuple(map(change, inner))
        if self.function_types:
            changes["function_types"] = tuple(
                each.with_parts(change) for each in self.function_types
            )
        return self.model_copy(update=changes) if changes else self


_PARTS = ("element_type", "constraint", "return_type", "key_constraint", "definition")
_LISTS_OF_PARTS = ("member_types", "param_types", "type_parameters")


class FieldFacts(DocsModel):
    """The facts of a field besides its type: Central has its name, description and type."""

    default_value: str = extra("")  # Source text.
    is_deprecated: bool = extra(False)
    is_read_only: bool = extra(False)
    is_final: bool = extra(False)
    description_sections: tuple[str, ...] = extra(())
    documentation: str = extra("")  # The documentation, if it differs from the description.
    # The public record that declares it, if another one includes that.
    origin: Type | None = extra(None)


class IncludedFunction(DocsModel):
    """A method of a private object type that is expanded in place."""

    accessor: str = ""
    resource_path: str = ""
    is_isolated: bool = False
    function_kind: str = "OTHER"
    param_types: tuple[Type, ...] = ()
    return_type: Type | None = None
    name: str = ""
    description: str = ""
    category: str = "included_function"

    def with_parts(self, change: Callable[[Type], Type]) -> "IncludedFunction":
        """Return this method with each type replaced by what `change` returns."""
        changes: dict[str, object] = {"param_types": tuple(map(change, self.param_types))}
        if self.return_type:
            changes["return_type"] = change(self.return_type)
        return self.model_copy(update=changes)


class AnnotationAttachment(DocsModel):
    org_name: str = ""
    module_name: str = ""
    version: str = ""
    name: str = ""
    description: str = ""
    is_deprecated: bool = False
    is_read_only: bool = False

    value: str = extra("")  # The source text of the arguments, `{label: "Redis"}`.


class DeclarationDocs(DocsModel):
    """The fields of every declaration."""

    name: str = ""
    description: str = ""
    description_sections: tuple[str, ...] = ()
    is_deprecated: bool = False
    inclusion_type: Type | None = None
    is_read_only: bool = False

    # The description with the indentation of its lines, as Markdown.
    documentation: str = extra("")
    position: SourcePosition | None = extra(None)


class VariableDocs(DeclarationDocs):
    """A field or a parameter. An inclusion of fields is an entry with `inclusion_type` alone: its
    name is empty and its type None. So is the name of a record's rest field, whose type is a rest
    parameter. `all_fields` makes fields of the members of inclusions: `inclusion_type` of these is
    the type that declares them."""

    default_value: str = ""  # Source text.
    annotation_attachments: tuple[AnnotationAttachment, ...] | None = None
    type: Type | None = None

    is_final: bool = extra(False)
    description_sections: tuple[str, ...] = extra(())

    @property
    def is_inclusion(self) -> bool:
        """Whether this is an entry of a type whose fields are taken over."""
        return self.inclusion_type is not None and self.type is None

    @property
    def must_be_given(self) -> bool:
        """Whether a call must have an argument for this parameter."""
        is_collected = self.type is not None and (self.type.is_rest_param or self.type.is_inclusion)
        return not self.default_value and not is_collected


class ModuleVariableDocs(VariableDocs):
    """A variable of a module, or a configurable."""

    is_configurable: bool = extra(False)
    is_public: bool = extra(False)  # Configurables are documented even if they are not public.


class ReturnDocs(DocsModel):
    type: Type
    name: str = ""
    description: str = ""
    is_deprecated: bool = False
    is_read_only: bool = False


class FunctionDocs(DeclarationDocs):
    """A function or a method. A resource method has no name, but an accessor and a path."""

    accessor: str = ""
    resource_path: str = ""
    is_isolated: bool = False
    is_remote: bool = False
    is_resource: bool = False
    is_extern: bool = False
    parameters: tuple[VariableDocs, ...] = ()
    return_parameters: tuple[ReturnDocs, ...] = ()  # At most one.
    annotation_attachments: tuple[AnnotationAttachment, ...] | None = None

    @property
    def title(self) -> str:
        """The name; of a resource method, which has none, the accessor and path."""
        return f"{self.accessor} {self.resource_path}" if self.is_resource else self.name


class RecordDocs(DeclarationDocs):
    fields: tuple[VariableDocs, ...] = ()
    is_closed: bool = False

    is_nullable: bool = extra(False)  # Declared as `type X record {…}?`.

    @property
    def rest_type(self) -> Type | None:
        """The type of the rest field, which is the last of the fields."""
        last = self.fields[-1].type if self.fields else None
        return last.element_type if last and last.is_rest_param else None


class ObjectTypeDocs(DeclarationDocs):
    """An object type or a service type."""

    fields: tuple[VariableDocs, ...] = ()
    methods: tuple[FunctionDocs, ...] = ()
    is_distinct: bool = False

    is_client: bool = extra(False)
    is_service: bool = extra(False)
    is_isolated: bool = extra(False)
    is_nullable: bool = extra(False)
    inclusions: tuple[Type, ...] = extra(())


class ClassDocs(DeclarationDocs):
    fields: tuple[VariableDocs, ...] = ()
    methods: tuple[FunctionDocs, ...] = ()
    init_method: FunctionDocs | None = None
    other_methods: tuple[FunctionDocs, ...] = ()
    is_isolated: bool = False
    is_service: bool = False

    is_distinct: bool = extra(False)
    inclusions: tuple[Type, ...] = extra(())
    # Editors show the label and the icon of `@display` on a class.
    annotation_attachments: tuple[AnnotationAttachment, ...] = extra(())
    # An `init` that is not public: only its module creates objects.
    has_hidden_init: bool = extra(False)


class ClientDocs(ClassDocs):
    remote_methods: tuple[FunctionDocs, ...] = ()
    resource_methods: tuple[FunctionDocs, ...] = ()


class ListenerDocs(ClassDocs):
    life_cycle_methods: tuple[FunctionDocs, ...] = ()


class EnumMemberDocs(DeclarationDocs):
    value: str = extra("")  # Source text; empty if it is the name.

    @property
    def literal(self) -> str:
        """The value as source text."""
        name = self.name.removeprefix("'")
        return self.value or f'"{name}"'


class EnumDocs(DeclarationDocs):
    members: tuple[EnumMemberDocs, ...] = ()


class ErrorDocs(DeclarationDocs):
    """`detail_type` is the parameter of `error<D>`, the supertype, or the union; None for
    `error`."""

    detail_type: Type | None = None
    is_distinct: bool = False

    definition: Type | None = extra(None)  # The type after the name and after `distinct`.


class ConstantDocs(DeclarationDocs):
    type: Type | None = None
    value: str = ""  # Source text.


class AnnotationDocs(DeclarationDocs):
    type: Type | None = None
    attachment_points: str = ""  # Joined by `, `.


class TableTypeDocs(DeclarationDocs):
    row_parameter_type: Type | None = None
    key_constraint: Type | None = None


class MapTypeDocs(DeclarationDocs):
    map_parameter_type: Type | None = None


class AliasDocs(Type):
    """Any other `type X …;`: a type whose name and description are those of the alias."""

    name: str = ""  # type: ignore[assignment]
    description: str = ""  # type: ignore[assignment]
    description_sections: tuple[str, ...] = ()  # type: ignore[assignment]

    documentation: str = extra("")
    position: SourcePosition | None = extra(None)


class ModuleSummary(DocsModel):
    id: str
    summary: str = ""
    org_name: str
    version: str
    is_default_module: bool = False


class ModuleDocs(DocsModel):
    """The documentation of one exported module. `id` is its full name, `description` its readme."""

    related_modules: tuple[ModuleSummary, ...] = ()
    records: tuple[RecordDocs, ...] = ()
    classes: tuple[ClassDocs, ...] = ()
    object_types: tuple[ObjectTypeDocs, ...] = ()
    service_types: tuple[ObjectTypeDocs, ...] = ()
    clients: tuple[ClientDocs, ...] = ()
    listeners: tuple[ListenerDocs, ...] = ()
    functions: tuple[FunctionDocs, ...] = ()
    constants: tuple[ConstantDocs, ...] = ()
    annotations: tuple[AnnotationDocs, ...] = ()
    errors: tuple[ErrorDocs, ...] = ()
    types: tuple[AliasDocs, ...] = ()
    union_types: tuple[AliasDocs, ...] = ()
    simple_name_reference_types: tuple[AliasDocs, ...] = ()
    tuple_types: tuple[AliasDocs, ...] = ()
    table_types: tuple[TableTypeDocs, ...] = ()
    map_types: tuple[MapTypeDocs, ...] = ()
    intersection_types: tuple[AliasDocs, ...] = ()
    type_descriptor_types: tuple[AliasDocs, ...] = ()
    function_types: tuple[AliasDocs, ...] = ()
    stream_types: tuple[AliasDocs, ...] = ()
    array_types: tuple[AliasDocs, ...] = ()
    any_data_types: tuple[AliasDocs, ...] = ()
    any_types: tuple[AliasDocs, ...] = ()
    string_types: tuple[AliasDocs, ...] = ()
    integer_types: tuple[AliasDocs, ...] = ()
    decimal_types: tuple[AliasDocs, ...] = ()
    xml_types: tuple[AliasDocs, ...] = ()
    boolean_types: tuple[AliasDocs, ...] = ()
    enums: tuple[EnumDocs, ...] = ()
    variables: tuple[ModuleVariableDocs, ...] = ()
    configurables: tuple[ModuleVariableDocs, ...] = ()
    resources: tuple[str, ...] = ()
    id: str
    summary: str = ""
    description: str = ""
    org_name: str
    version: str
    is_default_module: bool = False


class DeclarationKind(Enum):
    """The kind of a declaration. The value is the word that search and pages use."""

    RECORD = "record"
    CLASS = "class"
    OBJECT_TYPE = "object type"
    SERVICE_TYPE = "service type"
    CLIENT = "client"
    LISTENER = "listener"
    FUNCTION = "function"
    CONSTANT = "constant"
    ANNOTATION = "annotation"
    ERROR = "error"
    TYPE = "type"
    ENUM = "enum"
    VARIABLE = "variable"
    CONFIGURABLE = "configurable"


Documented = DeclarationDocs | AliasDocs


def declarations_of(module: ModuleDocs) -> Iterator[tuple[DeclarationKind, Documented]]:
    """Yield the declarations of a module, kind by kind, in the order of its lists."""
    for kind, lists in _lists_of(module).items():
        for declaration in chain.from_iterable(lists):
            yield kind, declaration


def _lists_of(module: ModuleDocs) -> dict[DeclarationKind, tuple[tuple[Documented, ...], ...]]:
    kinds = DeclarationKind
    return {
        kinds.CLIENT: (module.clients,),
        kinds.LISTENER: (module.listeners,),
        kinds.FUNCTION: (module.functions,),
        kinds.CLASS: (module.classes,),
        kinds.OBJECT_TYPE: (module.object_types,),
        kinds.SERVICE_TYPE: (module.service_types,),
        kinds.RECORD: (module.records,),
        kinds.ENUM: (module.enums,),
        kinds.TYPE: alias_lists(module),
        kinds.ERROR: (module.errors,),
        kinds.CONSTANT: (module.constants,),
        kinds.VARIABLE: (module.variables,),
        kinds.CONFIGURABLE: (module.configurables,),
        kinds.ANNOTATION: (module.annotations,),
    }


def alias_lists(module: ModuleDocs) -> tuple[tuple[Documented, ...], ...]:
    """Return the lists of the types that are no records, objects or errors."""
    return tuple(
        getattr(module, name)
        for name in ModuleDocs.model_fields
        if name.endswith("types") and name not in ("object_types", "service_types")
    )
