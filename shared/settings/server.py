"""How the server is reached, and how many connections and large bodies it takes."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, ValidationInfo, field_validator

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
    answer_memory: bool = Field(
        default=True,
        description="Whether the local host caches answers in memory while what they depend on is "
        "unchanged. Set it to false to measure requests without that cache.",
    )

    @property
    def base_url(self) -> str:
        """The public address, without a slash at its end."""
        return (self.url or self.local_address).rstrip("/")

    @property
    def is_address_unknown(self) -> bool:
        """Whether the local host listens on every address and no public address is set."""
        return not self.url and listens_everywhere(self.host)

    @property
    def local_address(self) -> str:
        """The address at which this machine reaches the local host, without a slash at its end."""
        scheme = "https" if self.tls_cert else "http"
        host = "127.0.0.1" if listens_everywhere(self.host) else self.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"


def listens_everywhere(host: str) -> bool:
    """Check whether an address to listen on means every address of the machine."""
    if host.strip("0.:"):  # Every page needs this, and parsing an address takes as long as a read.
        return False
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
