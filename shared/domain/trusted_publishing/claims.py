"""Claims of id tokens from any issuer of OpenID Connect, and the rules of publishers about them."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import cast

from shared.domain.errors.base import InvalidRequest, about_field

MAX_CLAIMS = 10  # Claims of one publisher.
MAX_CLAIM_LENGTH = 512  # Characters of a value: subjects name a branch, a commit and a step.
MAX_CLAIM_NAME_LENGTH = 100  # Characters; some issuers have addresses as names.

SUBJECT = "sub"
_NAME = re.compile(rf"[A-Za-z0-9_.:/-]{{1,{MAX_CLAIM_NAME_LENGTH}}}")
MAX_TEXT_LENGTH = 1024  # Characters of a claim; a release keeps its subject.
_WILDCARDS = "*?"
# What no wildcard matches.
SEPARATORS = re.compile(r"([/:])")
# Claims that the registry checks itself, or that differ in each token.
_CHECKED = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti"})
_MAX_DEPTH = 5
_SHOWN = 160  # Characters of a claim in a sentence.


def read_claims(values: Mapping[str, object]) -> dict[str, str]:
    """Return the claims of a token that rules can be about, as texts.

    Numbers are written in digits and booleans as `true` and `false`. A claim inside another one has
    both names with a slash between them: `kubernetes.io/namespace`. Lists, fractions and texts that
    are no line of `MAX_TEXT_LENGTH` are left out, and so is a name that stands for two values.
    """
    found = dict[str, str]()
    ambiguous = set[str]()
    for name, text in _texts(values, "", _MAX_DEPTH):
        if name in found:
            ambiguous.add(name)
        found[name] = text
    return {name: text for name, text in found.items() if name not in ambiguous}


def _texts(values: Mapping[str, object], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        match value:
            case bool():
                yield name, str(value).lower()
            case int():
                yield name, str(value)
            case str() if value.isprintable() and len(value) <= MAX_TEXT_LENGTH:
                yield name, value
            case dict() if depth > 1:
                yield from _texts(cast(Mapping[str, object], value), f"{name}/", depth - 1)
            case _:
                pass


def parse_claims(claims: Mapping[str, str]) -> dict[str, str]:
    """Return the claims of a publisher, or raise `InvalidRequest`.

    A value is exact or a pattern, in which `*` and `?` match no slash and no colon. `sub` is
    required.
    """
    checked = check_claims(claims)
    if SUBJECT not in claims:
        message = (
            "The claim sub is missing, which says whom the issuer means. Give its value, or a "
            "pattern for it."
        )
        with about_field("claims"):
            raise InvalidRequest(message)
    return checked


def check_claims(claims: Mapping[str, str]) -> dict[str, str]:
    """Return claims with exact values or patterns in the order of their names, or raise
    `InvalidRequest`."""
    with about_field("claims"):
        if len(claims) > MAX_CLAIMS:
            message = f"There are more than {MAX_CLAIMS} claims. Name those that tell runs apart."
            raise InvalidRequest(message)
        for name, value in claims.items():
            _check_name(name)
            _check_value(name, value)
    return dict(sorted(claims.items()))


def _check_name(name: str) -> None:
    if name in _CHECKED:
        message = (
            f"The claim {name} is no rule: the registry checks issuer, audience and times of every "
            "token. Leave it out."
        )
        raise InvalidRequest(message)
    if not _NAME.fullmatch(name):
        message = f"{name[:80]!r} is no name of a claim. Write it as the token has it, such as sub."
        raise InvalidRequest(message)


def _check_value(name: str, value: str) -> None:
    if not (value.isprintable() and 0 < len(value) <= MAX_CLAIM_LENGTH):
        message = (
            f"The value of {name} has to be a line of {MAX_CLAIM_LENGTH} characters at most. Copy "
            "it from a token."
        )
        raise InvalidRequest(message)
    if not value.strip(f"{_WILDCARDS}/:"):
        message = (
            f"The pattern of {name} excludes nobody: {value[:80]}. Write what the value begins "
            "with, or leave the claim out."
        )
        raise InvalidRequest(message)


def is_exact(pattern: str) -> bool:
    """Check whether only one value matches the pattern."""
    return not any(each in pattern for each in _WILDCARDS)


def matches(value: str, pattern: str) -> bool:
    """Match a claim against an exact value or a pattern: no wildcard matches a slash or a colon.
    Upper and lower case differ."""
    parts = SEPARATORS.split(value)
    patterns = SEPARATORS.split(pattern)
    return len(parts) == len(patterns) and all(map(_part_matches, parts, patterns))


def _part_matches(part: str, pattern: str) -> bool:
    # A bracket stands for itself.
    return fnmatchcase(part, pattern.replace("[", "[[]"))


def require_customer_claim(
    claims: Mapping[str, str], customer_claims: Mapping[str, str], issuer: str
) -> None:
    """Raise `InvalidRequest` unless one of the claims that only one customer of the issuer can have
    is exact.

    `customer_claims` says by the names of these claims what they identify, such as
    `organization`: everybody can become a customer of most issuers.
    """
    if any(is_exact(claims[name]) for name in customer_claims if name in claims):
        return
    names = " or ".join(f"{name} (the {what})" for name, what in customer_claims.items())
    message = (
        f"Other customers of {issuer} could publish with these claims. Give the exact value of "
        f"{names}, which only one of them can have."
    )
    with about_field("claims"):
        raise InvalidRequest(message)


def is_same_customer(
    claims: Mapping[str, str], actual: Mapping[str, str], customer_claims: Mapping[str, str]
) -> bool:
    """Check whether a token is of the customer that the claims of a publisher name: all exact ones
    of those that only one customer can have are the same, and there is one."""
    exact = [name for name in customer_claims if is_exact(claims.get(name, "*"))]
    return bool(exact) and all(claims[name] == actual.get(name) for name in exact)


def claim_differences(claims: Mapping[str, str], actual: Mapping[str, str]) -> list[str]:
    """Return why the claims of a publisher exclude a token with these claims, one clause each."""
    return [
        f"its claim {name} is {shown_claim(actual.get(name, ''))}, not {wanted}"
        for name, wanted in claims.items()
        if name not in actual or not matches(actual[name], wanted)
    ]


def shown_claim(value: str) -> str:
    return repr(value[:_SHOWN]) if value else "missing"
