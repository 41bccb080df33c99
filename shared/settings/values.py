"""What the topics of settings share: their base class, and the parsers of their values."""

import re
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from shared.auth.signing_keys import KEY_VAULT_REFERENCE
from shared.domain.trusted_publishing.jobs import GUID_PATTERN

MIB = 1024 * 1024

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


def address_without_slash(address: str) -> str:
    """Check an address, and return it without a slash at its end."""
    return check_address(address).rstrip("/")


def _check_addresses(text: str) -> None:
    for address in split_list(text):
        check_address(address)


def _check_tenants(text: str) -> None:
    if not all(re.fullmatch(GUID_PATTERN, tenant) for tenant in split_list(text)):
        reason = "a tenant is known by its id, such as 01234567-89ab-cdef-0123-456789abcdef"
        raise ValueError(reason)


def checked_by(parse: Callable[[str], object]) -> AfterValidator:
    """Return the validator of a text that this function can parse."""

    def check(text: str) -> str:
        parse(text)
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
Address = Annotated[str, AfterValidator(check_address)]
AddressWithoutSlash = Annotated[str, AfterValidator(address_without_slash)]
Addresses = Annotated[str, checked_by(_check_addresses)]
EntraTenants = Annotated[str, checked_by(_check_tenants)]
