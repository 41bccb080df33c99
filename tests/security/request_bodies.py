"""Bodies that an operation of our API reads, made from the model that it reads them by."""

import json
from collections.abc import Mapping
from typing import Any

from functions.api.api_face import ApiOperation

# What a text has to be, where the model does not say it all.
TEXTS = {
    "addresses": "203.0.113.0/24",
    "email": "kim@example.org",
    "environment": "release",
    "name": "greet",
    "org": "acme",
    "owner": "acme",
    "package": "greet",
    "project": "acme/greet",
    "ref": "refs/heads/main",
    "refs": "refs/heads/main",
    "repository": "acme/greet",
    "successor": "acme/other",
    "url": "https://example.org",
    "version": "1.0.0",
    "workflow": "release.yml",
}


def body_of(operation: ApiOperation) -> bytes:
    """Return the smallest body that the operation reads; empty where it reads none."""
    model = operation.openapi.request
    if model is None:
        return b""
    schema = model.model_json_schema(by_alias=True)
    return json.dumps(_sample("", schema, schema.get("$defs", {}))).encode()


Schema = Mapping[str, Any]


def _sample(name: str, schema: Schema, definitions: Schema) -> object:
    """Return a value that the schema allows, for a field of this name."""
    schema = _plain(schema, definitions)
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        fields: Schema = schema.get("properties", {})
        return {key: _sample(key, fields[key], definitions) for key in schema.get("required", ())}
    if schema["type"] == "array":
        return [_sample(name, schema["items"], definitions)] * schema.get("minItems", 0)
    if schema["type"] == "string":
        return TEXTS.get(name, "x" * max(schema.get("minLength", 1), 1))
    return schema.get("minimum", 1) if schema["type"] in ("integer", "number") else False


def _plain(schema: Schema, definitions: Schema) -> Schema:
    """Return the schema that a reference, or the first of several choices, leads to."""
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    return _plain(choices[0], definitions) if choices else schema
