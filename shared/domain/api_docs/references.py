"""Types that are only names: of the language, of a module, of a parameter, or of nothing."""

from functools import lru_cache

from shared.ballerina.syntax import TypeReference
from shared.domain.api_docs.model import Type
from shared.domain.api_docs.resolving import ModuleAddress

# Central writes this for a parameter's name as the type of a stream.
UNKNOWN_MODULE = ModuleAddress("UNK_ORG", "UNK_MOD", "UNK_VER")


@lru_cache(maxsize=64)
def plain(keyword: str) -> Type:
    """Return a type of the language."""
    return Type(name=keyword, category="builtin")


def located(address: ModuleAddress, name: str, category: str) -> Type:
    """Return a type of a module. Without a version there is no documentation to link."""
    return Type(
        org_name=address.org,
        module_name=address.name,
        version=address.version,
        name=name,
        category=category,
        generate_user_defined_type_link=address.version is not None,
    )


def imported(address: ModuleAddress | None, node: TypeReference) -> Type:
    """Return a type of another module, which is None where its prefix is unknown."""
    if address:
        return located(address, node.name, "libs")
    return unresolved(node.name).model_copy(update={"module_name": node.prefix})


def dependent(parameter: str, *, is_in_stream: bool) -> Type:
    """Return a type that is an argument of the same call."""
    if is_in_stream:
        return located(UNKNOWN_MODULE, parameter, "reference")
    return unresolved(parameter)


def unresolved(name: str) -> Type:
    """Return a name that leads nowhere."""
    return Type(name=name, category="reference", generate_user_defined_type_link=False)
