"""Identifying the caller of a request, by credentials or as an anonymous client."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from shared.auth.authentication import RequestClient
from shared.composition import Registry
from shared.domain.addresses import Networks
from shared.domain.errors.base import Unauthenticated
from shared.domain.errors.identity import (
    TokenExpired,
    TokenForeign,
    TokenMalformed,
    TokenPlaceholder,
)
from shared.domain.identity import Principal


async def caller_of(headers: Mapping[str, str], registry: Registry) -> Principal:
    """Identify the caller by the `Authorization` header; the request is not counted yet.

    Raises `Unauthenticated` for invalid credentials, which count as a read of the address, and
    `TooMany`.
    """
    sent = headers.get("authorization")
    if not sent:
        return anonymous_caller(headers, registry.settings.proxies)
    client = RequestClient.of(headers, registry.settings.proxies)
    # Before the store is read, so that invalid tokens cause a limited number of reads.
    registry.limits.rate_limiter.require_room(client.address)
    authenticate = registry.identity.authentication.authenticate
    try:
        caller = await verify_credential(
            lambda: authenticate(headers, client), sent, registry, address=client.address
        )
    except Unauthenticated:
        registry.limits.rate_limiter.count_read(Principal(address=client.address))
        raise
    return from_client(caller, client)


def recognized_caller(headers: Mapping[str, str], registry: Registry) -> Principal | None:
    """Return what `caller_of` returns if that is known without calling the store, and else None.

    Raises `Unauthenticated` and `TooMany`; nothing is counted.
    """
    if not headers.get("authorization"):
        return anonymous_caller(headers, registry.settings.proxies)
    client = RequestClient.of(headers, registry.settings.proxies)
    registry.limits.rate_limiter.require_room(client.address)
    return registry.identity.authentication.recognize(headers, client)


# These are no attempts to guess a token: their text alone shows that they are invalid.
_NO_GUESSES = (TokenExpired, TokenMalformed, TokenPlaceholder, TokenForeign)

VerifiedT = TypeVar("VerifiedT")


async def verify_credential(
    verify: Callable[[], Awaitable[VerifiedT]],
    credential: str,
    registry: Registry,
    *,
    address: str,
) -> VerifiedT:
    """Return what `verify` returns; count invalid credentials of the address.

    Valid credentials are never refused. Raises `TooManyFailures` for an invalid one where the
    address sent too many others.
    """
    try:
        return await verify()
    except Unauthenticated as refusal:
        if not isinstance(refusal, _NO_GUESSES):
            await registry.limits.rate_limiter.count_failure(address, credential)
        raise


def from_client(principal: Principal, client: RequestClient) -> Principal:
    """Return the principal with the address and agent of its client."""
    if (principal.address, principal.agent) == (client.address, client.agent):
        return principal
    return replace(principal, address=client.address, agent=client.agent)


def anonymous_caller(headers: Mapping[str, str], proxies: Networks) -> Principal:
    """Return the principal of a request without credentials; from a cache, since most have none."""
    forwarded, agent = headers.get("x-forwarded-for", ""), headers.get("user-agent", "")
    make = (
        _make_anonymous_principal
        if len(forwarded) + len(agent) <= _MAX_CACHED_LENGTH
        else _make_anonymous_principal.__wrapped__
    )
    return make(forwarded, agent, proxies)


@lru_cache(maxsize=4_096)
def _make_anonymous_principal(forwarded: str, agent: str, proxies: Networks) -> Principal:
    client = RequestClient.of({"x-forwarded-for": forwarded, "user-agent": agent}, proxies)
    return Principal(address=client.address, agent=client.agent)


_MAX_CACHED_LENGTH = 400  # Characters of an address and an agent.
