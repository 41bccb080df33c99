"""What this registry does of SCIM: /scim/v2/ServiceProviderConfig, Schemas and ResourceTypes."""

from functions.scim.lists import list_json
from functions.scim.scim_face import (
    DISCOVERY_ANSWERS,
    LIMIT,
    ScimCall,
    ScimFace,
    imported,
    scim_answer,
)
from shared.domain.scim import resource_not_found
from shared.runtime.answers import Answer

discovery = ScimFace()
FACES = (discovery,)


@discovery.read("scim/v2/ServiceProviderConfig", limit=LIMIT)
async def scim_config(call: ScimCall) -> Answer:
    [answers] = await imported(DISCOVERY_ANSWERS)
    return scim_answer(answers.config_json(call.registry.settings.base_url))


@discovery.read("scim/v2/Schemas", limit=LIMIT)
async def scim_schemas_list(call: ScimCall) -> Answer:
    [answers] = await imported(DISCOVERY_ANSWERS)
    found = list(answers.schemas_json(call.registry.settings.base_url).values())
    return scim_answer(list_json(found, len(found), 1))


@discovery.read("scim/v2/Schemas/{id}", limit=LIMIT)
async def scim_schemas_show(call: ScimCall) -> Answer:
    [answers] = await imported(DISCOVERY_ANSWERS)
    found = answers.schemas_json(call.registry.settings.base_url)
    schema_id = call.route_params["id"]
    if schema_id not in found:
        raise resource_not_found("schema", schema_id)
    return scim_answer(found[schema_id])


@discovery.read("scim/v2/ResourceTypes", limit=LIMIT)
async def scim_resource_types_list(call: ScimCall) -> Answer:
    [answers] = await imported(DISCOVERY_ANSWERS)
    found = list(answers.resource_types_json(call.registry.settings.base_url).values())
    return scim_answer(list_json(found, len(found), 1))


@discovery.read("scim/v2/ResourceTypes/{id}", limit=LIMIT)
async def scim_resource_types_show(call: ScimCall) -> Answer:
    [answers] = await imported(DISCOVERY_ANSWERS)
    found = answers.resource_types_json(call.registry.settings.base_url)
    name = call.route_params["id"]
    if name not in found:
        raise resource_not_found("ResourceType", name)
    return scim_answer(found[name])
