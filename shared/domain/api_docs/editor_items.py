"""Items for editors: connectors and triggers, made of clients and listeners of modules."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from msgspec import Struct, field

from shared.domain.api_docs.item_summaries import (
    MAX_LABEL,
    MAX_SUMMARY,
    ApiSummary,
    ConnectorSummary,
    TriggerSummary,
    connector_id,
    trigger_id,
)
from shared.domain.api_docs.model import (
    AliasDocs,
    AnnotationAttachment,
    ClassDocs,
    ClientDocs,
    Documented,
    EnumDocs,
    ErrorDocs,
    FunctionDocs,
    ModuleDocs,
    ObjectTypeDocs,
    RecordDocs,
    ReturnDocs,
    Type,
    VariableDocs,
    declarations_of,
)
from shared.domain.api_docs.type_parts import Part, path_segments, type_parts

Json = dict[str, object]

MAX_DEPTH = 24  # Levels of nested records; the JSON readers of editors recurse.
# Types of one connector. Later types are written by name only, as recursive types are.
MAX_TYPES = 20_000

Declarations = Mapping[tuple[str, str], ModuleDocs]  # By organization and module.


def modules_used(methods: Iterable[FunctionDocs]) -> set[tuple[str, str, str]]:
    """Return organization, name and version of the modules of other packages whose types the
    methods use."""
    found = set[tuple[str, str, str]]()
    pending = list[Type]()
    for method in methods:
        pending += [each.type for each in method.parameters if each.type]
        pending += [each.type for each in method.return_parameters]
    while pending:
        each = pending.pop()
        inner = (each.element_type, each.constraint, each.return_type)
        pending += [*(part for part in inner if part), *each.member_types]
        pending += each.param_types or ()
        if each.category == "libs" and each.org_name and each.module_name and each.version:
            found.add((each.org_name, each.module_name, each.version))
    return found


def type_text(type_: Type) -> str:
    """Return a type as an author of another module writes it."""
    return "".join(map(_qualified, type_parts(type_)))


def _without_nil(type_: Type) -> str:
    """Return the text of a type whose model says by `optional` that there may be nothing."""
    return type_text(type_.model_copy(update={"is_nullable": False}))


def _qualified(part: Part) -> str:
    target = part.target
    if target is None or ":" in part.text or target.category == "builtin":
        return part.text
    return f"{target.module.rpartition('.')[2]}:{part.text}"


_INLINE_RECORDS = ("inline_record", "inline_closed_record")


class TypeModels(Struct):
    """Makes the models of types, with the fields of records as far as their modules are known."""

    declarations: Declarations
    count: int = 0
    chain: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    _named: dict[tuple[str, str], dict[str, Documented]] = field(
        default_factory=dict[tuple[str, str], dict[str, Documented]]
    )

    def variable(self, variable: VariableDocs) -> Json:
        model = self._model(variable.type or Type(), variable.name)
        model["documentation"] = variable.description
        if variable.default_value:
            model |= {"defaultable": True, "defaultValue": variable.default_value}
        return model | display_model(variable.annotation_attachments)

    def returned(self, returns: ReturnDocs) -> Json:
        return self._model(returns.type, "") | {"documentation": returns.description}

    def _model(self, type_: Type, name: str) -> Json:
        self.count += 1
        model: Json = {
            "name": name,
            "typeName": "",
            "optional": type_.is_nullable or type_.is_optional,
            "defaultable": False,
            "documentation": "",
            "isRestType": type_.is_rest_param,
            "selected": False,
        }
        if type_.is_rest_param and type_.element_type:
            inner = self._model(type_.element_type, name)
            return inner | {"isRestType": True}
        return model | type_info(type_) | self._shape(type_)

    def _shape(self, type_: Type) -> Json:
        """Return the name of the kind of a type, and its parts."""
        is_deep = len(self.chain) >= MAX_DEPTH or self.count >= MAX_TYPES
        if type_.is_inclusion:
            plain = type_.model_copy(update={"is_inclusion": False})
            return {"typeName": "inclusion", "inclusionType": self._model(plain, "")}
        if is_deep:
            return {"typeName": _without_nil(type_)}
        return self._built(type_) or self._declared(type_) or {"typeName": _without_nil(type_)}

    def _built(self, type_: Type) -> Json:
        """Return the shape of a type that is made of others; empty for other types."""
        if type_.is_array_type:
            element = type_.element_type or Type()
            if type_.array_dimensions > 1:
                dimensions = type_.array_dimensions - 1
                element = Type(
                    is_array_type=True, array_dimensions=dimensions, element_type=element
                )
            return {"typeName": "array", "memberType": self._model(element, "")}
        if type_.is_intersection_type:
            return {"typeName": "intersection", "members": self._members(type_)}
        if type_.is_anonymous_union_type and len(type_.member_types) > 1:
            return {"typeName": "union", "members": self._members(type_)}
        if type_.is_parenthesised_type and type_.element_type:
            return self._shape(type_.element_type)
        if type_.category in _INLINE_RECORDS:
            return self._inline_record(type_)
        return self._container(type_) if type_.category in ("map", "table", "stream") else {}

    def _container(self, type_: Type) -> Json:
        model: Json = {"typeName": type_.category}
        if type_.category == "stream":
            keys = ("leftTypeParam", "rightTypeParam")
            return model | dict(zip(keys, self._members(type_), strict=False))
        inner = self._model(type_.constraint or Type(), "")
        if type_.category == "map":
            return model | {"paramType": inner}
        return model | {"keys": list[str](), "rowType": inner}

    def _members(self, type_: Type) -> list[Json]:
        return [self._model(each, each.name or "") for each in type_.member_types]

    def _inline_record(self, type_: Type) -> Json:
        fields = [each for each in type_.member_types if each.element_type]
        rest = [each for each in fields if each.element_type and each.element_type.is_rest_param]
        return {
            "typeName": "record",
            "fields": [self._field(each) for each in fields if each not in rest],
            "hasRestType": bool(rest),
        }

    def _field(self, member: Type) -> Json:
        model = self._model(member.element_type or Type(), member.name or "")
        model["documentation"] = member.description or ""
        if member.field and member.field.default_value:
            model |= {"defaultable": True, "defaultValue": member.field.default_value}
        return model

    # --- Types that have a declaration

    def _declared(self, type_: Type) -> Json:
        """Return the shape of a named type; empty if its declaration is not known, and its name
        alone inside of itself."""
        key = (type_.org_name or "", type_.module_name or "", type_.name or "")
        declaration = self._declaration(*key)
        if declaration is None:
            return {"typeName": "error", "isErrorUnion": False} if type_.name == "error" else {}
        if key in self.chain:
            return {"typeName": _without_nil(type_)}
        self.chain.append(key)
        try:
            return self._of_declaration(declaration)
        finally:
            self.chain.pop()

    def _declaration(self, org: str, module: str, name: str) -> Documented | None:
        docs = self.declarations.get((org, module))
        if docs is None:
            return None
        named = self._named.get((org, module))
        if named is None:
            named = {each.name: each for _, each in declarations_of(docs)}
            self._named[org, module] = named
        return named.get(name)

    def _of_declaration(self, declaration: Documented) -> Json:
        match declaration:
            case RecordDocs():
                return self._record(declaration)
            case EnumDocs():
                members = [
                    {"name": each.name, "typeName": "string"} for each in declaration.members
                ]
                return {"typeName": "enum", "members": members}
            case ErrorDocs():
                detail = declaration.detail_type
                union = self._members(detail) if detail and detail.is_anonymous_union_type else []
                more: Json = {"errorUnion": union} if union else {}
                if detail and not union:
                    more = {"detailType": self._model(detail, "")}
                return {"typeName": "error", "isErrorUnion": bool(union)} | more
            case ObjectTypeDocs() | ClassDocs():
                return {"typeName": "object", "fields": self._fields(declaration.fields)}
            case AliasDocs():
                return self._alias(declaration)
            case _:
                return {}

    def _record(self, record: RecordDocs) -> Json:
        rest = {"restType": self._model(record.rest_type, "")} if record.rest_type else {}
        return {
            "typeName": "record",
            "fields": self._fields(record.fields),
            "hasRestType": not record.is_closed,
            **rest,
        }

    def _fields(self, fields: Iterable[VariableDocs]) -> list[Json]:
        listed = list(fields)
        taken = {each.name for each in listed}
        found = list[Json]()
        for each in listed:
            if each.inclusion_type is not None:
                found += [f for f in self._included(each.inclusion_type) if f["name"] not in taken]
            else:
                found.append(self.variable(each))
        return found

    def _included(self, included: Type) -> list[Json]:
        """Return the fields that a record takes over from another one."""
        fields = self._shape(included).get("fields")
        if isinstance(fields, list):
            return cast("list[Json]", fields)
        return [self._field(each) for each in included.member_types if each.name]

    def _alias(self, alias: AliasDocs) -> Json:
        if len(alias.member_types) > 1:
            kind = "intersection" if alias.is_intersection_type else "union"
            return {} if alias.is_tuple else {"typeName": kind, "members": self._members(alias)}
        return self._shape(alias.member_types[0]) if alias.member_types else {}


def type_info(type_: Type) -> Json:
    if not (type_.org_name and type_.module_name and type_.name):
        return {}
    return {
        "typeInfo": {
            "name": type_.name,
            "orgName": type_.org_name,
            "moduleName": type_.module_name,
            "version": type_.version or "",
        }
    }


_LABELS = re.compile(r'\b(label|iconPath)\s*:\s*"((?:[^"\\]|\\.)*)"')


def display_of(attachments: Iterable[AnnotationAttachment]) -> dict[str, str]:
    values = (each.value for each in attachments if each.name == "display")
    return {key: value for text in values for key, value in _LABELS.findall(text)}


def display_model(attachments: Iterable[AnnotationAttachment] | None) -> Json:
    display = display_of(attachments or ())
    return {"displayAnnotation": display} if display else {}


# --- Summaries ---------------------------------------------------------------------------------


def api_summary(module: ModuleDocs) -> ApiSummary:
    connectors = tuple(
        ConnectorSummary(
            id=connector_id(module.org_name, module.id, client.name),
            **_listed(module, client, client.description),
        )
        for client in module.clients
    )
    if not has_trigger(module):
        return ApiSummary(connectors=connectors)
    listener = module.listeners[0]
    trigger = TriggerSummary(
        id=trigger_id(module.org_name, module.id),
        **_listed(module, listener, listener.description or module.summary),
    )
    return ApiSummary(connectors=connectors, triggers=(trigger,))


def has_trigger(module: ModuleDocs) -> bool:
    """Check whether services can be attached to a listener of the module."""
    return bool(module.listeners and module.service_types)


def _listed(module: ModuleDocs, docs: ClassDocs, documentation: str) -> dict[str, Any]:
    display = display_of(docs.annotation_attachments)
    return {
        "module": module.id,
        "name": docs.name,
        "label": display.get("label", "")[:MAX_LABEL],
        "icon": display.get("iconPath", "")[:MAX_LABEL],
        "documentation": documentation[:MAX_SUMMARY],
    }


# --- Connectors --------------------------------------------------------------------------------


def modules_used_by(module: ModuleDocs, connector: str) -> set[tuple[str, str, str]]:
    """Return organization, name and version of the modules of other packages whose types a
    connector uses, or the trigger of the module if no connector is named."""
    client = find_client(module, connector) if connector else None
    if client is not None:
        return modules_used(client.methods)
    handlers = (method for each in module.service_types for method in each.methods)
    inits = (each.init_method for each in module.listeners if each.init_method)
    return modules_used((*handlers, *inits))


def find_client(module: ModuleDocs, name: str) -> ClientDocs | None:
    """Return the client class of that name, in any case."""
    found = (each for each in module.clients if each.name.lower() == name.lower())
    return next(found, None)


def connector_parts(module: ModuleDocs, name: str, known: Declarations) -> Json:
    """Return the methods of a connector; `known` are the modules whose types are described."""
    models = TypeModels(known)
    client = find_client(module, name)
    methods = client.methods if client else ()
    return {"functions": [_function(method, models) for method in methods]}


def _function(method: FunctionDocs, models: TypeModels) -> Json:
    flags = {
        "remote": method.is_remote,
        "resource": method.is_resource,
        "isolated": method.is_isolated,
    }
    returns = method.return_parameters
    return {
        "name": method.accessor if method.is_resource else method.name,
        "pathParams": path_parameters(method.resource_path) if method.is_resource else [],
        "parameters": [models.variable(each) for each in method.parameters],
        **({"returnType": models.returned(returns[0])} if returns else {}),
        "qualifiers": [name for name, is_set in flags.items() if is_set],
        "documentation": method.description,
        **display_model(method.annotation_attachments),
    }


def path_parameters(path: str) -> list[Json]:
    """Return the segments of the path of a resource method."""
    return [
        {"name": each.name, "typeName": each.type, "isRestType": each.is_rest}
        if each.is_parameter
        else {"name": each.text, "typeName": "token", "isRestType": False}
        for each in path_segments(path)
    ]


# --- Triggers ----------------------------------------------------------------------------------


def trigger_parts(module: ModuleDocs, known: Declarations) -> Json:
    """Return the service types of a trigger and the parameters of its listener."""
    init = module.listeners[0].init_method
    models = TypeModels(known)
    return {
        "serviceTypes": [
            {
                "name": each.name,
                "description": each.description,
                "functions": [_handler(method) for method in each.methods],
            }
            for each in module.service_types
        ],
        "listenerParams": [models.variable(each) for each in init.parameters] if init else [],
    }


def _handler(method: FunctionDocs) -> Json:
    [returns] = method.return_parameters or [None]
    flags = {"remote": method.is_remote, "resource": method.is_resource}
    return {
        "name": method.accessor if method.is_resource else method.name,
        "qualifiers": [name for name, is_set in flags.items() if is_set],
        "documentation": method.description,
        "parameters": [_handler_parameter(each) for each in method.parameters],
        "returnType": {
            "typeName": type_text(returns.type) if returns else "()",
            "optional": returns is None or returns.type.is_nullable,
            "documentation": returns.description if returns else "",
        },
    }


def _handler_parameter(parameter: VariableDocs) -> Json:
    type_ = parameter.type or Type()
    return {
        "name": parameter.name,
        "typeName": type_text(type_),
        "optional": type_.is_nullable,
        "documentation": parameter.description,
        **type_info(type_),
    }
