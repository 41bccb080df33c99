"""How the server is reached, and what it allows one client: addresses, connections and rates."""

from functools import cached_property, partial
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, ValidationInfo, field_validator

from shared.domain.client_addresses import Networks, parse_networks
from shared.domain.rate_limits import RateLimit, RateLimitClass, RateLimitSubject
from shared.settings.values import (
    MIB,
    HostName,
    OwnAddress,
    Size,
    TopicSettings,
    checked_by,
    matching,
)

AppRole = Literal["all", "reads", "changes", "uploads"]


def _require_host(host: str) -> None:
    if not host:
        reason = "it is empty. Give an address of this machine, such as 127.0.0.1"
        raise ValueError(reason)


def _check_networks(text: str) -> None:
    try:
        parse_networks(text)
    except ValueError:
        reason = "it is not a list of addresses or networks, such as 127.0.0.1,10.0.0.0/8"
        raise ValueError(reason) from None


def _check_address_limit(text: str) -> None:
    others = RateLimit.parse(RateLimitClass.READ, text).limits.keys() - {RateLimitSubject.ADDRESS}
    if others:
        reason = "it is not a limit of addresses, which alone are counted here, such as address=10"
        raise ValueError(reason)


LimitText = Annotated[str, checked_by(partial(RateLimit.parse, RateLimitClass.READ))]
AddressLimitText = Annotated[str, checked_by(_check_address_limit)]


class ListenerSettings(TopicSettings):
    """Where the local host listens, and the public address."""

    port: int = Field(
        default=7071,
        validation_alias=AliasChoices("PORT", "port"),
        ge=1,
        le=65_535,
        description="Port that the local host listens on. Read from PORT, without the prefix.",
    )
    workers: int = Field(
        default=1,
        validation_alias=AliasChoices("WORKERS", "workers"),
        ge=1,
        le=64,
        description="Worker processes of the local host. Read from WORKERS, without the prefix.",
    )
    host: Annotated[HostName, checked_by(_require_host)] = Field(
        default="127.0.0.1",
        description="Address that the local host listens on. An address that means every address "
        "of the machine, 0.0.0.0 or ::, requires BALLROOM_URL.",
    )
    url: OwnAddress = Field(
        default="",
        description="Public address of the registry, with which every absolute link begins; by "
        "default the address that the local host listens on.",
    )


class ServerSettings(ListenerSettings):
    """TLS, and the memory and time that clients may take."""

    tls_cert: Path | None = Field(default=None, description="Certificate chain (PEM) for HTTPS.")
    tls_key: Path | None = Field(default=None, description="Private key (PEM) of that certificate.")

    @field_validator("tls_cert", "tls_key", mode="before")
    @classmethod
    def _check_file(cls, file: object, info: ValidationInfo) -> object:
        if info.field_name == "tls_key" and file and not info.data.get("tls_cert"):
            reason = "it is set, and BALLROOM_TLS_CERT is empty; HTTPS needs the certificate"
            raise ValueError(reason)
        return file or None

    app_role: AppRole = Field(
        default="all",
        description="Which requests this app is there for: all, or, beside other apps, uploads of "
        "archives, other changes with the maintenance tasks, or reads. An app for changes or reads "
        "takes bodies of 128 KiB at most.",
    )
    environment: Annotated[
        str, matching(r"[a-z0-9]{1,12}", "1 to 12 lower-case letters and digits, such as prod")
    ] = Field(
        default="local", description="Short name of this installation; every token contains it."
    )
    max_archive_bytes: Size = Field(
        default=64 * MIB,
        ge=1,
        description="Maximum size of an archive, in bytes or with a unit, such as 64MiB.",
    )
    max_archives_in_hand: int = Field(
        default=4,
        ge=1,
        description="Number of archives of the maximum size that one process receives at once; "
        "other uploads wait, and get a 503 after 20 seconds.",
    )
    max_anonymous_bytes: Size = Field(
        default=32 * MIB,
        ge=8 * MIB,
        description="Bytes, or a size with a unit such as 32MiB, of large requests (above 64 KiB) "
        "that one process holds for callers without a token that may publish; one address gets a "
        "quarter.",
    )
    max_connections: int = Field(
        default=1_000,
        ge=1,
        description="Maximum number of connections of one process of the local host; above it, "
        "those that were idle longest are closed.",
    )
    max_connections_of_address: int = Field(
        default=200,
        ge=1,
        description="The same for one address; this machine and the trusted proxies are not "
        "counted.",
    )

    @property
    def base_url(self) -> str:
        """The public address, without a slash at its end."""
        return (self.url or self._listening_address()).rstrip("/")

    @property
    def is_address_unknown(self) -> bool:
        """Whether the local host listens on every address and no public address is set."""
        return not self.url and listens_everywhere(self.host)

    def _listening_address(self) -> str:
        scheme = "https" if self.tls_cert else "http"
        host = "127.0.0.1" if listens_everywhere(self.host) else self.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"


class RateLimitSettings(TopicSettings):
    """How callers are distinguished, and how much each may do."""

    trusted_proxies: Annotated[str, checked_by(_check_networks)] = Field(
        default="",
        description="Addresses or networks (CIDR) of the reverse proxies whose X-Forwarded-For is "
        "trusted, separated by commas; by default none, not even on this machine.",
    )
    limit_read: LimitText = Field(
        default="token=30000 account=60000 address=30000",
        description="Requests a minute, counted by each process separately; an address counts for "
        "callers without credentials.",
    )
    limit_write: LimitText = Field(
        default="token=300 account=300 address=600",
        description="Changes a minute, except those with a limit of their own.",
    )
    limit_push: LimitText = Field(
        default="token=120 account=240 address=480",
        description="Pushes a minute; a repeat of the same files is not counted.",
    )
    limit_token_issue: LimitText = Field(
        default="account=30 address=60", description="New tokens in five minutes."
    )
    limit_sign_in: LimitText = Field(
        default="account=30 address=60", description="Attempts to sign in, in five minutes."
    )
    limit_device: LimitText = Field(
        default="account=20 address=30",
        description="Device codes requested and user codes entered, in five minutes.",
    )
    limit_invitation: LimitText = Field(
        default="account=60 address=120",
        description="Invitations sent, for the first time or again, in 60 minutes.",
    )
    invitation_mail_minutes: int = Field(
        default=10,
        ge=0,
        le=1440,
        description="Minutes between two invitations that are mailed to the same address, whoever "
        "sends them; 0 for no limit.",
    )
    limit_found: LimitText = Field(
        default="account=10",
        description="Organizations that an account may create in a day; administrators are not "
        "limited.",
    )
    limit_look_up: LimitText = Field(
        default="account=20 address=30",
        description="Repositories whose ids are looked up for trusted publishers, in 60 minutes.",
    )
    limit_dry_run: LimitText = Field(
        default="token=30 account=60 address=120",
        description="Checks of archives that are not published, a minute.",
    )
    limit_agent: LimitText = Field(
        default="token=1200 account=2400 address=1200",
        description="Calls of /mcp a minute, counted by each process; an address counts for "
        "callers without credentials.",
    )
    limit_failure: AddressLimitText = Field(
        default="address=10",
        description=("Different invalid credentials in five minutes; further ones have to wait."),
    )
    limit_mirror: AddressLimitText = Field(
        default="address=600",
        description="Requests of callers without a token that the upstream registry is asked for, "
        "a minute; what is stored is not counted.",
    )

    @cached_property
    def proxies(self) -> Networks:
        """The networks of the proxies whose X-Forwarded-For is trusted."""
        return parse_networks(self.trusted_proxies)

    def limits_of(self, operation: RateLimitClass) -> RateLimit:
        return RateLimit.parse(operation, getattr(self, f"limit_{operation.name.lower()}"))


def listens_everywhere(host: str) -> bool:
    """Check whether an address to listen on means every address of the machine."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
