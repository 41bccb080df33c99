"""The network between this registry and the servers that it calls: authorities and proxies."""

import ssl
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr

from shared.domain.proxies import Proxy, ProxyRules
from shared.domain.webhooks import ReceiverHosts
from shared.settings.values import TopicSettings, checked_by

_CERTIFICATES = "such as /etc/ballroom/company-ca.pem"


def _check_certificates(file: Path | None) -> Path | None:
    if file is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        reason = f"it has no certificates in PEM, {_CERTIFICATES}"
        raise ValueError(reason) from None
    except OSError as error:
        trouble = (error.strerror or type(error).__name__).lower()
        reason = f"it names no file to read ({trouble}), {_CERTIFICATES}"
        raise ValueError(reason) from None
    return file


def _check_proxy(address: SecretStr | None) -> SecretStr | None:
    if address is not None and address.get_secret_value().strip():
        Proxy.parse(address.get_secret_value().strip())
    return address


CertificateFile = Annotated[
    Path | None, BeforeValidator(lambda file: file or None), AfterValidator(_check_certificates)
]
ProxyAddress = Annotated[SecretStr | None, AfterValidator(_check_proxy)]


class NetworkSettings(TopicSettings):
    """Which certificates other servers may show, and the proxies on the way to them."""

    ca_file: CertificateFile = Field(
        default=None,
        description="File (PEM) with the certificates of your own authorities, which are trusted "
        "beside those of the system, for every server that the registry calls.",
    )
    https_proxy: ProxyAddress = Field(
        default=None,
        validation_alias=AliasChoices("HTTPS_PROXY", "https_proxy"),
        description="Proxy through which the registry calls other servers, such as "
        "http://proxy.example.org:3128, with user:password@ before the host if it asks for them. "
        "Read from HTTPS_PROXY or https_proxy, without the prefix.",
    )
    http_proxy: ProxyAddress = Field(
        default=None,
        validation_alias=AliasChoices("HTTP_PROXY", "http_proxy"),
        description="The same for plain http, which only emulators of the stores use. Read from "
        "HTTP_PROXY or http_proxy, without the prefix.",
    )
    no_proxy: str = Field(
        default="",
        validation_alias=AliasChoices("NO_PROXY", "no_proxy"),
        description="Hosts that are called directly, separated by commas: example.org with "
        "everything below it, 10.0.0.0/8, a host with a port, or * for all. This machine always "
        "is. Read from NO_PROXY or no_proxy, without the prefix.",
    )

    webhook_hosts: Annotated[str, checked_by(ReceiverHosts.parse)] = Field(
        default="*",
        description="Hosts to which webhooks may deliver, as host or host:port, separated by "
        "commas: *.example.org for each below that one, * for every host; empty for none.",
    )

    @cached_property
    def proxy_rules(self) -> ProxyRules:
        """Which connections go through which proxy."""
        return ProxyRules.parse(_text(self.https_proxy), _text(self.http_proxy), self.no_proxy)


def _text(setting: SecretStr | None) -> str:
    return setting.get_secret_value() if setting else ""
