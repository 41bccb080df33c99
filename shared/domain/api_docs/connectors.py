"""Connectors and triggers: what editors read of the clients and listeners of a module."""

from collections.abc import Iterable
from itertools import islice, starmap

from shared.domain.api_docs.editor_types import (
    Declarations,
    Json,
    TypeModels,
    display_model,
    display_of,
    modules_used,
    type_info,
    type_text,
)
from shared.domain.api_docs.model import (
    ClientDocs,
    FunctionDocs,
    ListenerDocs,
    ModuleDocs,
    ObjectTypeDocs,
    Type,
    VariableDocs,
)
from shared.domain.api_docs.records import (
    MAX_LABEL,
    MAX_LISTED,
    MAX_SUMMARY,
    ApiSummary,
    ConnectorSummary,
    TriggerSummary,
    connector_id,
    trigger_id,
)
from shared.domain.api_docs.resource_paths import PathSegment, path_segments

# --- Summaries ---------------------------------------------------------------------------------


def api_summary(modules: Iterable[ModuleDocs]) -> ApiSummary:
    modules = tuple(modules)
    clients = ((module, client) for module in modules for client in module.clients)
    triggers = (module for module in modules if has_trigger(module))
    return ApiSummary(
        connectors=tuple(starmap(_connector, islice(clients, MAX_LISTED))),
        triggers=tuple(map(_trigger, islice(triggers, MAX_LISTED))),
    )


def has_trigger(module: ModuleDocs) -> bool:
    """Check whether services can be attached to a listener of the module."""
    return bool(module.listeners and module.service_types)


def _connector(module: ModuleDocs, client: ClientDocs) -> ConnectorSummary:
    display = display_of(client.annotation_attachments)
    return ConnectorSummary(
        id=connector_id(module.org_name, module.id, client.name),
        module=module.id,
        name=client.name,
        label=display.get("label", "")[:MAX_LABEL],
        icon=display.get("iconPath", "")[:MAX_LABEL],
        documentation=client.description[:MAX_SUMMARY],
    )


def _trigger(module: ModuleDocs) -> TriggerSummary:
    listener = module.listeners[0]
    display = display_of(listener.annotation_attachments)
    return TriggerSummary(
        id=trigger_id(module.org_name, module.id),
        module=module.id,
        name=listener.name,
        label=display.get("label", "")[:MAX_LABEL],
        icon=display.get("iconPath", "")[:MAX_LABEL],
        documentation=(listener.description or module.summary)[:MAX_SUMMARY],
    )


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
    models, client = TypeModels(known), find_client(module, name)
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
    return [_path_parameter(each) for each in path_segments(path)]


def _path_parameter(segment: PathSegment) -> Json:
    if not segment.is_parameter:
        return {"name": segment.text, "typeName": "token", "isRestType": False}
    return {"name": segment.name, "typeName": segment.type, "isRestType": segment.is_rest}


# --- Triggers ----------------------------------------------------------------------------------


def trigger_parts(module: ModuleDocs, known: Declarations) -> Json:
    """Return the service types of a trigger and the parameters of its listener."""
    models = TypeModels(known)
    return {
        "serviceTypes": [_service_type(each) for each in module.service_types],
        "listenerParams": _listener_parameters(module.listeners[0], models),
    }


def _listener_parameters(listener: ListenerDocs, models: TypeModels) -> list[Json]:
    init = listener.init_method
    return [models.variable(each) for each in init.parameters] if init else []


def _service_type(docs: ObjectTypeDocs) -> Json:
    return {
        "name": docs.name,
        "description": docs.description,
        "functions": [_handler(method) for method in docs.methods],
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
