"""Declarations of a module as its documentation says them."""

from collections.abc import Iterator
from typing import TypedDict

from msgspec import Struct

from shared.ballerina.doc_comments import is_marked_deprecated, markdown
from shared.ballerina.syntax import (
    AnnotationDefinition,
    AttachedAnnotation,
    ClassDefinition,
    Declared,
    EnumDefinition,
    FieldNode,
    FunctionNode,
    Inclusion,
    ObjectType,
    ParameterKind,
    ParameterNode,
    RecordType,
    TypeDefinition,
    VariableDefinition,
    VariableKind,
)
from shared.domain.api_docs.language import literal_type
from shared.domain.api_docs.model import (
    AnnotationAttachment,
    AnnotationDocs,
    ClassDocs,
    ClientDocs,
    ConstantDocs,
    EnumDocs,
    EnumMemberDocs,
    FunctionDocs,
    ListenerDocs,
    ModuleVariableDocs,
    ObjectTypeDocs,
    RecordDocs,
    ReturnDocs,
    SourcePosition,
    Type,
    VariableDocs,
)
from shared.domain.api_docs.resolving import (
    DOCUMENTED,
    FileScope,
    Inclusions,
    OwnedField,
    PackageNames,
    Structure,
    method_key,
    parameter_descriptions,
    unquoted,
)
from shared.domain.api_docs.types import TypeTrees

REST_FIELD = "Rest field"  # The description that Central uses for rest fields.

LISTENER_METHODS = frozenset(("'start", "attach", "detach", "gracefulStop", "immediateStop"))
# What Central counts as life-cycle methods.
LIFE_CYCLE = frozenset(("attach", "__attach", "__start", "__stop"))


class SharedKeys(TypedDict):
    """The arguments that every declaration takes."""

    name: str
    description: str
    description_sections: tuple[str, ...]
    is_deprecated: bool
    documentation: str
    position: SourcePosition


class Declarations(Struct, frozen=True):
    """Builds the documentation of single declarations."""

    names: PackageNames
    inclusions: Inclusions
    types: TypeTrees

    def function(self, node: FunctionNode, scope: FileScope) -> FunctionDocs:
        return self._signature(node, scope, self._attachments(node.annotations, scope))

    def _signature(
        self,
        node: FunctionNode,
        scope: FileScope,
        attachments: tuple[AnnotationAttachment, ...] | None = None,
    ) -> FunctionDocs:
        descriptions = parameter_descriptions(node.comment)
        return FunctionDocs(
            **self.shared(node),
            accessor=node.accessor,
            resource_path=node.resource_path,
            is_isolated="isolated" in node.qualifiers,
            is_remote="remote" in node.qualifiers,
            is_resource="resource" in node.qualifiers,
            is_extern=node.is_extern,
            parameters=tuple(
                self._parameter(each, scope, descriptions.get(each.name, ""))
                for each in node.parameters
            ),
            return_parameters=self._returns(node, scope),
            annotation_attachments=attachments,
        )

    def _parameter(self, node: ParameterNode, scope: FileScope, description: str) -> VariableDocs:
        is_defaultable = node.kind is ParameterKind.DEFAULTABLE
        return VariableDocs(
            name=node.name,
            description=description,
            is_deprecated=is_marked_deprecated(node.annotations),
            default_value=node.default,
            annotation_attachments=(
                self._attachments(node.annotations, scope) if is_defaultable else None
            ),
            type=self.types.parameter(node, scope),
        )

    def _returns(self, node: FunctionNode, scope: FileScope) -> tuple[ReturnDocs, ...]:
        if node.returns is None:
            return ()
        parameters = frozenset(each.name for each in node.parameters)
        tree = self.types.tree(node.returns, scope, parameters)
        return (ReturnDocs(type=tree, description=node.comment.returns),)

    def record(self, definition: TypeDefinition, node: RecordType, scope: FileScope) -> RecordDocs:
        """Return the documentation of a record type, whose `node` is the type in its definition."""
        structure = Structure(node.members, definition.comment, scope, node.rest, is_record=True)
        fields = self._fields(structure)
        rest = self._rest(structure) if node.is_exclusive else None
        if rest:
            fields = (*fields, VariableDocs(description=REST_FIELD, type=rest))
        return RecordDocs(
            **self.shared(definition), fields=fields, is_closed=node.is_exclusive and not rest
        )

    def _rest(self, structure: Structure) -> Type | None:
        """Return the type of the rest field, which may be that of an included private record."""
        private = (
            self.names.structure(each)
            for each in self.inclusions.definitions(structure)
            if not each.is_public
        )
        for each in (structure, *private):
            if each and each.rest:
                return self.types.rest(each.rest, each.scope)
        return None

    def _fields(self, structure: Structure) -> tuple[VariableDocs, ...]:
        """Return the fields in source order. Included types that are not public are no types for
        a reader, so their fields are listed as if they were written here."""
        taken = {each.name for each in structure.members if isinstance(each, FieldNode)}
        found: list[VariableDocs] = []
        for member in structure.members:
            if isinstance(member, Inclusion):
                found += self._included_fields(member, structure, taken)
            elif isinstance(member, FieldNode) and (structure.is_record or member.is_public):
                found.append(self._field(OwnedField(member, structure)))
        return tuple(found)

    def _included_fields(
        self, inclusion: Inclusion, into: Structure, taken: set[str]
    ) -> tuple[VariableDocs, ...]:
        definition = self.inclusions.definition(inclusion, into.scope)
        if definition is None:
            # A record of another package, whose fields are not known here.
            return (self._foreign_entry(inclusion, into.scope),) if into.is_record else ()
        structure = self.names.structure(definition)
        fields = self.inclusions.fields(structure) if structure else ()
        if not definition.is_public:
            spliced = [each for each in fields if each.node.name not in taken]
            taken |= {each.node.name for each in spliced}
            foreign = self.inclusions.foreign(structure) if structure and into.is_record else ()
            entries = (self._foreign_entry(each, scope) for each, scope in foreign)
            return (*(self._field(each) for each in spliced), *entries)
        if not structure or not fields:
            return ()
        included = self.types.inclusion(definition, structure, into.scope)
        return (VariableDocs(inclusion_type=included),)

    def _foreign_entry(self, inclusion: Inclusion, scope: FileScope) -> VariableDocs:
        included = self.types.tree(inclusion.type, scope)
        return VariableDocs(inclusion_type=included.model_copy(update={"is_public": True}))

    def _field(self, field: OwnedField) -> VariableDocs:
        node = field.node
        scope = field.owner.scope
        tree = self.types.tree(node.type, scope)
        if node.is_optional:
            tree = tree.model_copy(update={"is_optional": True})
        shared = self.shared(node)
        shared["description"] = field.description
        shared["documentation"] = shared["documentation"] or markdown(field.description)
        return VariableDocs(
            **shared,
            default_value=node.default,
            annotation_attachments=self._attachments(node.annotations, scope),
            type=tree,
            is_read_only=node.is_readonly,
            is_final=node.is_final,
        )

    def object_type(
        self, definition: TypeDefinition, node: ObjectType, scope: FileScope
    ) -> ObjectTypeDocs:
        structure = Structure(node.members, definition.comment, scope)
        methods = (self._signature(each, scope) for each in _documented_methods(structure))
        return ObjectTypeDocs(
            **self.shared(definition),
            fields=self._fields(structure),
            methods=(*self._included_methods(structure), *methods),
            is_client="client" in node.qualifiers,
            is_service="service" in node.qualifiers,
            is_isolated="isolated" in node.qualifiers,
            inclusions=self._inclusions(structure),
        )

    def class_(self, node: ClassDefinition, scope: FileScope) -> ClassDocs:
        """Return a class, which may be a client or a listener."""
        structure = Structure(node.members, node.comment, scope)
        own = (self.function(each, scope) for each in _documented_methods(structure))
        methods = (*self._included_methods(structure), *own)
        docs = ClassDocs(
            **self.shared(node),
            is_read_only="readonly" in node.qualifiers,
            fields=self._fields(structure),
            methods=methods,
            init_method=next((each for each in methods if each.name == "init"), None),
            other_methods=tuple(each for each in methods if each.name != "init"),
            is_isolated="isolated" in node.qualifiers,
            is_service="service" in node.qualifiers,
            is_distinct="distinct" in node.qualifiers,
            inclusions=self._inclusions(structure),
            annotation_attachments=self._attachments(node.annotations, scope),
            has_hidden_init=any(
                isinstance(each, FunctionNode)
                and each.name == "init"
                and "public" not in each.qualifiers
                for each in node.members
            ),
        )
        others = docs.other_methods
        if "client" in node.qualifiers:
            parts = {
                "other_methods": tuple(m for m in others if not m.is_remote and not m.is_resource),
                "remote_methods": tuple(each for each in methods if each.is_remote),
                "resource_methods": tuple(each for each in methods if each.is_resource),
            }
            return ClientDocs.model_validate(dict(docs) | parts)
        is_listener = {each.name for each in methods} >= LISTENER_METHODS
        if not is_listener and "listener" not in node.qualifiers:
            return docs
        parts = {
            "other_methods": tuple(each for each in others if each.name not in LIFE_CYCLE),
            "life_cycle_methods": tuple(each for each in methods if each.name in LIFE_CYCLE),
        }
        return ListenerDocs.model_validate(dict(docs) | parts)

    def _included_methods(self, structure: Structure) -> tuple[FunctionDocs, ...]:
        """Return the methods of included types that are not overridden."""
        taken = {method_key(each) for each in _documented_methods(structure)}
        found: list[FunctionDocs] = []
        for definition in self.inclusions.definitions(structure):
            included = self.names.structure(definition)
            origin = (
                self.types.public_reference(definition, structure.scope)
                if definition.is_public
                else None
            )
            for method in self.inclusions.methods(included) if included else ():
                if method_key(method.node) not in taken:
                    taken.add(method_key(method.node))
                    docs = self._signature(method.node, method.owner.scope)
                    # Central removes line breaks at the end as well.
                    description = docs.description.rstrip("\n")
                    update = {"description": description, "inclusion_type": origin}
                    found.append(docs.model_copy(update=update))
        return tuple(found)

    def _inclusions(self, structure: Structure) -> tuple[Type, ...]:
        """Return the included types that have a name for readers."""
        found: list[Type] = []
        for member in structure.members:
            if isinstance(member, Inclusion):
                definition = self.inclusions.definition(member, structure.scope)
                if definition is None or definition.is_public:
                    found.append(self.types.tree(member.type, structure.scope))
        return tuple(found)

    def enum(self, node: EnumDefinition) -> EnumDocs:
        descriptions = parameter_descriptions(node.comment)
        members: list[EnumMemberDocs] = []
        for member in node.members:
            shared = self.shared(member)
            described = shared["description"] or descriptions.get(member.name, "")
            shared["description"] = described
            shared["documentation"] = shared["documentation"] or described
            members.append(EnumMemberDocs(**shared, value=member.value))
        shared = self.shared(node)
        return EnumDocs(**shared, members=tuple(members))

    def constant(self, node: VariableDefinition, scope: FileScope) -> ConstantDocs:
        inferred = Type(name=literal_type(node.value), category="builtin")
        return ConstantDocs(
            **self.shared(node),
            type=self.types.tree(node.type, scope) if node.type else inferred,
            value=node.value,
        )

    def variable(self, node: VariableDefinition, scope: FileScope) -> ModuleVariableDocs:
        return ModuleVariableDocs(
            **self.shared(node),
            default_value=node.value,
            type=self.types.tree(node.type, scope) if node.type else None,
            is_final=node.is_final,
            is_configurable=node.kind is VariableKind.CONFIGURABLE,
            is_public=node.is_public,
        )

    def annotation(self, node: AnnotationDefinition, scope: FileScope) -> AnnotationDocs:
        return AnnotationDocs(
            **self.shared(node),
            type=self.types.tree(node.type, scope) if node.type else None,
            attachment_points=", ".join(node.points),
        )

    def shared(self, node: Declared) -> SharedKeys:
        """Return the arguments that the documentation of every declaration takes."""
        text = node.comment.text
        position = node.position
        return SharedKeys(
            name=node.name,
            description=node.comment.description,
            description_sections=node.comment.sections,
            is_deprecated=is_marked_deprecated(node.annotations),
            documentation=markdown(text),
            position=SourcePosition(file=position.file, line=position.line),
        )

    def _attachments(
        self, annotations: tuple[AttachedAnnotation, ...], scope: FileScope
    ) -> tuple[AnnotationAttachment, ...]:
        return tuple(self._attachment(each, scope) for each in annotations)

    def _attachment(self, annotation: AttachedAnnotation, scope: FileScope) -> AnnotationAttachment:
        address = self.names.annotation_module(annotation, scope)
        return AnnotationAttachment(
            org_name=address.org if address else "",
            module_name=address.name if address else unquoted(annotation.prefix),
            version=(address.version if address else None) or "",
            name=annotation.name,
            value=annotation.value,
        )


def _documented_methods(structure: Structure) -> Iterator[FunctionNode]:
    for member in structure.members:
        if isinstance(member, FunctionNode) and DOCUMENTED & member.qualifiers:
            yield member
