"""Issuers of OpenID Connect that an operator names, and what the registry knows of them."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from msgspec import Struct

from shared.domain.errors.base import InvalidRequest, about_field

LABEL_PATTERN = "[a-z][a-z0-9-]{0,39}"

_NO_FIXED_AUDIENCE = re.compile(r"(?!)")


class IssuerTraits(Struct, frozen=True):
    """What sets the tokens of an issuer apart.

    `customer_claims` are the claims that only one customer of the issuer can have, with what they
    identify; a publisher has an exact value of one of them. `fixed_audience` matches audiences that
    the issuer sets where a job cannot ask for the registry's. `tenant_claim` is a claim whose value
    is a part of the issuer's path, where one key signs for several tenants.
    """

    customer_claims: Mapping[str, str]
    fixed_audience: re.Pattern[str] = _NO_FIXED_AUDIENCE
    reuses_tokens: bool = False  # Each job gets the same token for hours.
    tenant_claim: str = ""


# Assumed for issuers without a preset: such an issuer is often the operator's own, and its tokens
# always have a subject.
UNKNOWN_TRAITS = IssuerTraits(MappingProxyType({"sub": "subject"}))


class NamedIssuer(Struct, frozen=True):
    """An issuer with the label that the operator gave it."""

    label: str
    issuer: str


def parse_audience(audience: str, registry: str, traits: IssuerTraits) -> str:
    """Return the audience that tokens of a publisher have: the registry's address, which an empty
    one means, or one that the issuer sets. Raises `InvalidRequest`."""
    if not audience or audience == registry or is_fixed_audience(audience, traits):
        return audience or registry
    message = (
        f"Tokens for {audience[:80]!r} were made for another service, which could publish with "
        f"them. Ask the issuer for tokens with the audience {registry}."
    )
    with about_field("audience"):
        raise InvalidRequest(message)


def is_fixed_audience(audience: str, traits: IssuerTraits) -> bool:
    """Check whether the issuer sets this audience."""
    return traits.fixed_audience.fullmatch(audience) is not None


def is_tenant_of(issuer: str, actual: Mapping[str, str], traits: IssuerTraits) -> bool:
    """Check whether the tenant that a token names is the issuer's."""
    if not traits.tenant_claim:
        return True
    tenant = actual.get(traits.tenant_claim, "")
    parts = urlsplit(issuer).path.split("/")
    return bool(tenant) and tenant.lower() in (part.lower() for part in parts)
