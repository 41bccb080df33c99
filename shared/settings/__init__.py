"""Every setting, read once from the environment and a file; docs/reference/configuration.md lists
them.

config_file.py    the file with further settings
server.py         addresses, TLS, memory and connections
rate_limits.py    trusted proxies and rate limits
network.py        authorities of certificates, and proxies to other servers
stores.py         data folder, stores of the cloud and keys
archives.py       how large archives may be, what they must contain, and who sends them
publishing.py     bursts of releases, reports about releases, and trusted publishing
sign_in.py        who gets an account, identity providers, and how long a session lasts
tokens.py         how long access tokens are valid, and reports of leaked ones
organizations.py  who may create organizations, and which names are reserved
operations.py     telemetry, metrics, log, snapshots, contacts, legal pages and shown commands
mail.py           how mail is sent
retention.py      how long records of people and unused archives are kept
upstream.py       the upstream registry whose packages are mirrored
advisories.py     dumps of advisories of others
transparency.py   the witnesses of the transparency log, and the logs that are witnessed
earlier.py        settings of earlier versions, and variables that are for others
problems.py       variables that are no setting, and values that cannot be used
protections.py    settings that protect a registry, and what each protects
values.py         the base class of all topics, and the parsers of values

The default of a setting, and the bounds of its value, are in its `Field`.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import AliasChoices, ConfigDict

from shared.settings.advisories import AdvisorySettings
from shared.settings.archives import ArchiveSettings, DeliverySettings
from shared.settings.config_file import (
    CONFIG_VARIABLE,
    PREFIX,
    ConfigFileSettings,
    given_config,
    key_of,
)
from shared.settings.mail import MailSettings
from shared.settings.network import NetworkSettings
from shared.settings.operations import MonitoringSettings, OperationsSettings
from shared.settings.organizations import OrganizationSettings
from shared.settings.publishing import (
    BurstSettings,
    ReleaseMailSettings,
    ReportSettings,
    ScannerSettings,
    TrustedPublishingSettings,
)
from shared.settings.rate_limits import RateLimitSettings
from shared.settings.retention import RetentionSettings
from shared.settings.server import ListenerSettings, ServerSettings
from shared.settings.sign_in import SignInSettings
from shared.settings.stores import KeySettings, StoreSettings
from shared.settings.tokens import TokenSettings
from shared.settings.transparency import TransparencySettings
from shared.settings.upstream import UpstreamSettings


class Settings(
    AdvisorySettings,
    TransparencySettings,
    UpstreamSettings,
    KeySettings,
    MailSettings,
    MonitoringSettings,
    OrganizationSettings,
    OperationsSettings,
    NetworkSettings,
    SignInSettings,
    TrustedPublishingSettings,
    ReportSettings,
    ScannerSettings,
    ReleaseMailSettings,
    BurstSettings,
    DeliverySettings,
    RateLimitSettings,
    RetentionSettings,
    TokenSettings,
    ArchiveSettings,
    ServerSettings,
    StoreSettings,
    ListenerSettings,
    ConfigFileSettings,
):
    """The settings of all topics, with defaults for a laptop.

    The fields of the last base are validated first. The order matters: of several invalid settings
    the first is reported, and the validator of a field sees only the fields before it.
    """

    model_config = ConfigDict(defer_build=False)

    @classmethod
    def load(cls) -> Self:
        """Read the environment, and the file that it names for what it leaves out; raise
        `pydantic.ValidationError` for invalid settings.

        Names of variables may be in lower case, which overrides the upper-case spelling, as curl
        does it for proxies.
        """
        config = given_config()
        given = dict(config.of_variables(cls.keys())) if config else {}
        # Capital letters sort first.
        given |= {variable.upper(): value for variable, value in sorted(os.environ.items())}
        return cls.model_validate(
            {
                name: given[variable.upper()]
                for name, variable in cls.variables()
                if variable.upper() in given
            }
        )

    @classmethod
    def keys(cls) -> Mapping[str, str]:
        """Return the variables, in upper case, by the keys of a file with settings."""
        found = {key_of(variable): variable.upper() for _, variable in cls.variables()}
        return {key: variable for key, variable in found.items() if variable != CONFIG_VARIABLE}

    @classmethod
    def variables(cls) -> Iterator[tuple[str, str]]:
        """Yield the name of each setting with its variable, which has our prefix or is an alias."""
        for name, field in cls.model_fields.items():
            if isinstance(field.validation_alias, AliasChoices):
                yield from ((str(alias), str(alias)) for alias in field.validation_alias.choices)
            else:
                yield name, f"{PREFIX}{name}"
