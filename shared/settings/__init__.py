"""Every setting, read once from the environment; docs/reference/configuration.md lists them.

server.py         addresses, TLS, memory and connections
rate_limits.py    trusted proxies and rate limits
network.py        authorities of certificates, and proxies to other servers
stores.py         data folder, stores of the cloud and keys
archive_limits.py how large an archive may be, and how many are received at once
publishing.py     what archives must contain, delivery, bursts and trusted publishing
accounts.py       access tokens, sign-in, identity providers and organizations
operations.py     telemetry, metrics, log, access log, snapshots and mail
upstream.py       the upstream registry whose packages are mirrored
transparency.py   the witnesses of the transparency log, and the logs that are witnessed
earlier.py        settings of earlier versions, and variables that are for others
problems.py       variables that are no setting, and values that cannot be used
values.py         the base class of all topics, and the parsers of values"""

import os
from collections.abc import Iterator
from typing import Self

from pydantic import AliasChoices, ConfigDict

from shared.settings.accounts import OrganizationSettings, SignInSettings, TokenSettings
from shared.settings.archive_limits import ArchiveLimitSettings
from shared.settings.network import NetworkSettings
from shared.settings.operations import (
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
from shared.settings.rate_limits import RateLimitSettings
from shared.settings.server import ListenerSettings, ServerSettings
from shared.settings.stores import KeySettings, StoreSettings
from shared.settings.transparency import TransparencySettings
from shared.settings.upstream import UpstreamSettings

PREFIX = "BALLROOM_"  # Of the variables of all settings but a few.


class Settings(
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
    BurstSettings,
    DeliverySettings,
    RateLimitSettings,
    RetentionSettings,
    TokenSettings,
    ArchiveSettings,
    ArchiveLimitSettings,
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

        Names of variables may be in lower case, and that spelling goes before the other one, as
        curl has it for proxies.
        """
        # Capital letters sort first.
        given = {variable.upper(): value for variable, value in sorted(os.environ.items())}
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
