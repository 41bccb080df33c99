"""What discovery answers: what this registry does of SCIM, its schemas and its types of resources
(RFC 7643, 5 to 7)."""

from typing import Any

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    Context,
    ETag,
    Filter,
    Meta,
    Pagination,
    Patch,
    Reference,
    ResourceType,
    Schema,
    ServiceProviderConfig,
    Sort,
)

from functions.scim.lists import MAX_PAGE_SIZE, PAGE_SIZE
from functions.scim.resources import Group, User


def config_json(base_url: str) -> dict[str, Any]:
    """Return what this service does of SCIM."""
    config = ServiceProviderConfig(
        documentation_uri=Reference(f"{base_url}/docs"),
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MAX_PAGE_SIZE),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        pagination=Pagination(
            cursor=False,
            index=True,
            default_pagination_method=Pagination.DefaultPaginationMethod.index,
            default_page_size=PAGE_SIZE,
            max_page_size=MAX_PAGE_SIZE,
        ),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Token of a directory",
                description="A token that `ballroom scim token` prints, as a bearer token.",
                primary=True,
            )
        ],
    )
    location = f"{base_url}/scim/v2/ServiceProviderConfig"
    config.meta = Meta(resource_type="ServiceProviderConfig", location=location)
    return config.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)


def schemas_json(base_url: str) -> dict[str, dict[str, Any]]:
    """Return the schemas by their ids."""
    found: dict[str, dict[str, Any]] = {}
    for each in (User, Group, ServiceProviderConfig, ResourceType, Schema):
        schema = each.to_schema()
        schema.meta = Meta(
            resource_type="Schema", location=f"{base_url}/scim/v2/Schemas/{schema.id}"
        )
        found[str(schema.id)] = schema.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return found


def resource_types_json(base_url: str) -> dict[str, dict[str, Any]]:
    """Return the types of resources by their names."""
    found: dict[str, dict[str, Any]] = {}
    for each in (User, Group):
        kind = ResourceType.from_resource(each)
        kind.meta = Meta(
            resource_type="ResourceType", location=f"{base_url}/scim/v2/ResourceTypes/{kind.id}"
        )
        found[str(kind.id)] = kind.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return found
