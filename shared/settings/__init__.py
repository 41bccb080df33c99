"""Every setting, read once from the environment; docs/reference/configuration.md lists them.

server.py        addresses, TLS, memory, connections, trusted proxies and rate limits
stores.py        data folder, stores of the cloud and keys
publishing.py    limits of archives and their documents, delivery, bursts and trusted publishing
accounts.py      access tokens, sign-in, identity providers and organizations
operations.py    telemetry, metrics, log, access log, snapshots and mail
upstream.py      the upstream registry whose packages are mirrored
values.py        the base class of all topics, and the parsers of values"""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Self

from pydantic import AliasChoices, ConfigDict, ValidationError

from shared.settings.accounts import OrganizationSettings, SignInSettings, TokenSettings
from shared.settings.operations import (
    INSIGHTS_VARIABLE,
    MailSettings,
    MonitoringSettings,
    OperationsSettings,
    RetentionSettings,
)
from shared.settings.publishing import (
    ArchiveSettings,
    BurstSettings,
    DeliverySettings,
    TrustedPublishingSettings,
)
from shared.settings.server import ListenerSettings, RateLimitSettings, ServerSettings
from shared.settings.stores import KeySettings, StoreSettings
from shared.settings.upstream import UpstreamSettings

PREFIX = "BALLROOM_"  # Of the variables of all settings but a few.


class Settings(
    UpstreamSettings,
    KeySettings,
    MailSettings,
    MonitoringSettings,
    OrganizationSettings,
    OperationsSettings,
    SignInSettings,
    TrustedPublishingSettings,
    BurstSettings,
    DeliverySettings,
    RateLimitSettings,
    RetentionSettings,
    TokenSettings,
    ArchiveSettings,
    ServerSettings,
    StoreSettings,
    ListenerSettings,
):
    """The settings of all topics, with defaults for a laptop.

    The fields of the last base are validated first. The order matters: of several invalid settings
    the first is reported, and the validator of a field sees only the fields before it.
    """

    model_config = ConfigDict(defer_build=False)

    @classmethod
    def load(cls) -> Self:
        """Read the environment; raise `pydantic.ValidationError` for invalid settings.

        Names of variables may be in lower case.
        """
        given = {variable.upper(): value for variable, value in os.environ.items()}
        return cls.model_validate(
            {
                name: given[variable.upper()]
                for name, variable in cls.variables()
                if variable.upper() in given
            }
        )

    @classmethod
    def variables(cls) -> Iterator[tuple[str, str]]:
        """Yield the name of each setting with its variable, which has our prefix or is an alias."""
        for name, field in cls.model_fields.items():
            if isinstance(field.validation_alias, AliasChoices):
                yield from ((str(alias), str(alias)) for alias in field.validation_alias.choices)
            else:
                yield name, f"{PREFIX}{name}"


# Settings that are read from variables without our prefix, by the names that errors have for them.
_WITHOUT_PREFIX = {
    "PORT": "PORT",
    "WORKERS": "WORKERS",
    INSIGHTS_VARIABLE: INSIGHTS_VARIABLE,
    "INSIGHTS_CONNECTION": INSIGHTS_VARIABLE,
}

# What scripts and tests read from the same environment.
_OF_SCRIPTS = (
    "BALLROOM_BACKUPS",
    "BALLROOM_OPERATE",
    "BALLROOM_PYTHON",
    "BALLROOM_TEST_",
    "BALLROOM_TOKEN",
)


def unknown_settings() -> list[str]:
    """Return a sentence for each variable with our prefix that is no setting."""
    known = {variable.upper() for _, variable in Settings.variables()}
    given = sorted(name for name in os.environ if name.upper().startswith(PREFIX))
    return [
        f"{name} is not a setting and has no effect.{_suggestion(name.upper(), known)} "
        "docs/reference/configuration.md lists every setting."
        for name in given
        if not (name.upper() in known or name.upper().startswith(_OF_SCRIPTS))
    ]


def _suggestion(name: str, known: set[str]) -> str:
    without = _WITHOUT_PREFIX.get(name.removeprefix(PREFIX))
    near = [without] if without else get_close_matches(name, known, 1)
    return f" Did you mean {near[0]}?" if near else ""


def refused_setting(invalid: ValidationError) -> str:
    """Return the variable of the first invalid setting."""
    name = str(invalid.errors(include_input=False)[0]["loc"][0]).upper()
    return _WITHOUT_PREFIX.get(name, f"{PREFIX}{name}")


def setting_problem(invalid: ValidationError) -> str:
    """Return one line about the first invalid setting."""
    error = invalid.errors(include_input=False)[0]
    variable = refused_setting(invalid)
    reason = error["msg"].removeprefix("Value error, ").rstrip(".")
    return (
        f"{variable} cannot be used: {reason}. docs/reference/configuration.md lists every setting."
    )
