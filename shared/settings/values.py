"""What the topics of settings share: their base class, and the parsers of their values."""

import re
from collections.abc import Callable
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from shared.auth.secrets import Secret
from shared.auth.signing_keys import KEY_VAULT_REFERENCE
from shared.domain.client_addresses import is_loopback
from shared.domain.trusted_publishing.issuers import LABEL_PATTERN, NamedIssuer
from shared.domain.trusted_publishing.jobs import GUID_PATTERN, Provider

MIB = 1024 * 1024
SIZE_EXAMPLE = "64MiB"

ValueT = TypeVar("ValueT")

# Links begin with it and settings files quote it: no query, no user, no quotation mark.
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(?:/[A-Za-z0-9._~/-]*)?")


class TopicSettings(BaseModel):
    """The base of the settings of one topic."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        validate_default=True,
        hide_input_in_errors=True,  # A setting may be a secret.
        defer_build=True,  # Only `Settings`, which has all topics, is ever validated.
    )

    @field_validator("*", mode="before")
    @classmethod
    def _check_reference(cls, value: object) -> object:
        # Azure leaves the text of a reference that it could not resolve, and anybody knows it.
        if is_reference(value):
            reason = (
                "it is a reference to a secret that Azure did not resolve. See that the secret is "
                "there and that the identity of the app may read it, then restart the app"
            )
            raise ValueError(reason)
        return value


def is_reference(value: object) -> bool:
    """Check whether a value is the text of a reference to another place, such as a key vault."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return isinstance(text, str) and text.strip().lower().startswith(KEY_VAULT_REFERENCE)


def split_list(text: str) -> list[str]:
    """Return the values of a setting that are separated by commas, without empty ones."""
    return [each.strip() for each in text.split(",") if each.strip()]


def check_address(address: str) -> str:
    if address and not _ADDRESS.fullmatch(address):
        reason = "it is not a valid URL, such as https://ballroom.example.org"
        raise ValueError(reason)
    return address


def check_secure_address(address: str) -> str:
    """Check an address that the registry trusts: plain http only on this machine."""
    parsed = urlsplit(check_address(address))
    if parsed.scheme == "http" and not is_loopback(parsed.hostname or ""):
        reason = (
            "it is plain http, which is allowed on this machine only. Use https, such as "
            "https://login.example.org"
        )
        raise ValueError(reason)
    return address


def _check_https(address: str) -> str:
    """Check an address of a server that never serves plain http, not even on this machine."""
    if urlsplit(check_address(address)).scheme != "https":
        reason = "it is plain http. Use https, such as https://login.example.org"
        raise ValueError(reason)
    return address


def check_own_address(address: str) -> str:
    """Check the address of the registry itself, which has a host of its own."""
    path = urlsplit(check_address(address)).path
    if path not in ("", "/"):
        reason = (
            "it has a path, and the registry needs a host of its own. Give the address without "
            "a path, such as https://ballroom.example.org"
        )
        raise ValueError(reason)
    return address


def address_without_slash(address: str) -> str:
    """Check an address, and return it without a slash at its end."""
    return check_address(address).rstrip("/")


def _check_addresses(text: str) -> None:
    for address in split_list(text):
        check_secure_address(address)


_ISSUER_EXAMPLE = "buildkite=https://agent.buildkite.com"
# Issuers of providers that have their own settings: their tokens need checks of triggers, forks and
# pull requests, which comparing claims cannot make.
_HOSTS_OF_PROVIDERS = {
    "gitlab.com": Provider.GITLAB,
    "vstoken.dev.azure.com": Provider.AZURE_DEVOPS,
}
_PROVIDERS = (Provider.GITHUB, Provider.GITLAB, Provider.AZURE_DEVOPS)


def named_issuers(text: str) -> tuple[NamedIssuer, ...]:
    """Return the issuers of OpenID Connect of a setting, or raise `ValueError`."""
    found = tuple(map(_named_issuer, split_list(text)))
    for values in ([each.label for each in found], [each.issuer for each in found]):
        twice = [each for each in values if values.count(each) > 1]
        if twice:
            reason = f"it has {twice[0]} twice. Name each label and each issuer once"
            raise ValueError(reason)
    return found


def _named_issuer(text: str) -> NamedIssuer:
    label, separator, issuer = text.partition("=")
    if not (separator and issuer and re.fullmatch(LABEL_PATTERN, label)):
        reason = (
            f"it has {text[:80]!r}, which is not a label and an issuer, such as {_ISSUER_EXAMPLE}"
        )
        raise ValueError(reason)
    check_secure_address(issuer)
    provider = _provider_of(issuer)
    if provider or label in {each.value for each in _PROVIDERS}:
        setting = f"BALLROOM_PUBLISH_FROM_{(provider or Provider(label)).name}"
        reason = f"it has {text[:80]!r}, which belongs in {setting}. Name it there"
        raise ValueError(reason)
    return NamedIssuer(label, issuer)


def _provider_of(issuer: str) -> Provider | None:
    """Return the provider whose readers know tokens of this issuer, if its address says so."""
    parts = urlsplit(issuer)
    host = (parts.hostname or "").lower()
    # GitHub.com, tenants of its cloud, and GitHub Enterprise Server.
    if host.startswith("token.actions.") or parts.path.rstrip("/").endswith("/_services/token"):
        return Provider.GITHUB
    return _HOSTS_OF_PROVIDERS.get(host)


def apart_from(*settings: str) -> AfterValidator:
    """Return the validator of named issuers, none of which one of those settings, before it,
    has."""

    def check(text: str, info: ValidationInfo) -> str:
        for setting in settings:
            others = split_list(str(info.data.get(setting, "")))
            both = [each.issuer for each in named_issuers(text) if each.issuer in others]
            if both:
                reason = f"it has {both[0]}, which BALLROOM_{setting.upper()} has too. Remove one"
                raise ValueError(reason)
        return text

    return AfterValidator(check)


_HOST = re.compile(r"(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+\.?")
_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(?P<port>\d{1,5}))?")
_MOST_PORT = 65_535


def is_host(text: str) -> bool:
    """Check whether a text is the name of a host, or an address without a port."""
    try:
        ip_address(text)
    except ValueError:
        return _HOST.fullmatch(text) is not None
    return True


def _check_host(text: str) -> str:
    if text and not is_host(text):
        reason = "it is not a host without scheme and port, such as mail.example.org or 127.0.0.1"
        raise ValueError(reason)
    return text


def _check_hosts(text: str) -> None:
    for each in split_list(text):
        found = _HOST_AND_PORT.fullmatch(each)
        is_usable = is_host(found["host"].strip("[]")) if found else is_host(each)
        if not is_usable or (found and int(found["port"] or 0) > _MOST_PORT):
            reason = (
                f"it has {each[:80]!r}, which is not a host or host:port, such as "
                "login.example.org or login.example.org:8443"
            )
            raise ValueError(reason)


_SIZE = re.compile(
    r"(?P<number>\d{1,18}(?:\.\d{1,18})?(?:e\+?\d{1,2})?) *(?P<unit>[kmg]i?b|b)?", re.IGNORECASE
)
_SIZE_UNITS = {
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": MIB,
    "gib": 1024 * MIB,
}


def parse_size(value: object) -> object:
    """Return the bytes of a size such as 64MiB, or 67108864 and 6.7108864e+07 in bytes, as tools
    for values files write large numbers."""
    if not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    size = found and Decimal(found["number"]) * _SIZE_UNITS[(found["unit"] or "b").lower()]
    if size is None or size % 1:
        reason = (
            "it is not a size in bytes or with a unit (KiB, MiB, GiB, KB, MB or GB), such as "
            f"{SIZE_EXAMPLE}"
        )
        raise ValueError(reason)
    return int(size)


def _check_names(text: str) -> None:
    for each in split_list(text):
        if not re.fullmatch(r"[A-Za-z0-9_.*?-]+", each):
            reason = f"it has {each[:80]!r}, which is no name of an organization, such as acme"
            raise ValueError(reason)


def _check_tenants(text: str) -> None:
    if not all(re.fullmatch(GUID_PATTERN, tenant) for tenant in split_list(text)):
        reason = "it is not the id of a tenant, such as 01234567-89ab-cdef-0123-456789abcdef"
        raise ValueError(reason)


def checked_by(parse: Callable[[str], object]) -> AfterValidator:
    """Return the validator of a text that this function can parse."""

    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def matching(pattern: str, expected: str) -> AfterValidator:
    """Return the validator of a text that matches the pattern; `expected` says what it looks like,
    with an example."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            reason = f"it is not {expected}"
            raise ValueError(reason)
        return text

    return AfterValidator(check)


def needed_by(setting: str) -> AfterValidator:
    """Return the validator of a setting that cannot be empty where that one, before it, is set."""

    def check(value: ValueT, info: ValidationInfo) -> ValueT:
        if not value and info.data.get(setting):
            reason = f"it is empty, and BALLROOM_{setting.upper()} needs it"
            raise ValueError(reason)
        return value

    return AfterValidator(check)


# The types of settings that are addresses or ids; lists are separated by commas.
AddressWithoutSlash = Annotated[str, AfterValidator(address_without_slash)]
SecureAddress = Annotated[str, AfterValidator(check_secure_address)]
SecureAddressWithoutSlash = Annotated[SecureAddress, AfterValidator(address_without_slash)]
HttpsAddressWithoutSlash = Annotated[
    str, AfterValidator(_check_https), AfterValidator(address_without_slash)
]
OwnAddress = Annotated[str, AfterValidator(check_own_address)]
HostName = Annotated[str, AfterValidator(_check_host)]
HostNames = Annotated[str, checked_by(_check_hosts)]
OrgNames = Annotated[str, checked_by(_check_names)]
Size = Annotated[int, BeforeValidator(parse_size)]
Addresses = Annotated[str, checked_by(_check_addresses)]
NamedIssuers = Annotated[str, checked_by(named_issuers)]
EntraTenants = Annotated[str, checked_by(_check_tenants)]


def secret_of(setting: SecretStr | None) -> Secret | None:
    """Return the secret of a setting; None if it is not set."""
    return Secret(setting.get_secret_value()) if setting else None
