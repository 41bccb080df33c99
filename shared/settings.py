"""Every setting, read once from the environment; docs/configuration.md lists them."""

import re
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.auth.entra import EntraRoles
from shared.auth.identity_providers import StrongClaims
from shared.auth.secret_scanning import ConfiguredScannerKeys
from shared.auth.signing_keys import KEY_VAULT_REFERENCE, KeyRing
from shared.domain.addresses import Networks, parse_networks
from shared.domain.archives.delivery import Cdn
from shared.domain.errors.base import InvalidRequest
from shared.domain.mail import parse_email
from shared.domain.rate_limits import RateLimit, RateLimitClass
from shared.domain.trusted_publishing.jobs import GUID_PATTERN

MIB = 1024 * 1024

# What every link begins with and settings files quote: no query, user or sign that ends a text.
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(?:/[A-Za-z0-9._~/-]*)?")

_INSIGHTS = "APPLICATIONINSIGHTS_CONNECTION_STRING"

# Settings that are read from variables without our prefix, by the names that errors have for them.
_WITHOUT_PREFIX = {
    "PORT": "PORT",
    "WORKERS": "WORKERS",
    _INSIGHTS: _INSIGHTS,
    "INSIGHTS_CONNECTION": _INSIGHTS,
}

_CONTACT = re.compile(r"(?:mailto:[^\s@]+@[^\s@]+|https://[^\s]+)")


class Settings(BaseSettings):
    """The settings, with defaults for a laptop. Names take the prefix `BALLROOM_`."""

    model_config = SettingsConfigDict(
        env_prefix="BALLROOM_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # A setting may be a secret.
    )

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
    host: str = Field(
        default="127.0.0.1",
        description="Address that the local host listens on. An address that means every address "
        "of the machine, 0.0.0.0 or ::, requires BALLROOM_URL.",
    )
    url: str = Field(
        default="",
        description="Public address of the registry, with which every absolute link begins; by "
        "default the address that the local host listens on.",
    )
    data: Path = Field(
        default=Path(".ballroom"),
        description="Data folder: the embedded stores, the keys and Settings.toml.",
    )
    cosmos_endpoint: str = Field(
        default="",
        description="Address of the Cosmos DB account that stores the records, instead of the data "
        "folder; requires BALLROOM_BLOB_ENDPOINT.",
    )
    blob_endpoint: str = Field(
        default="",
        validate_default=True,
        description="Address of the Blob Storage account that stores archives and documents, "
        "instead of the data folder; requires BALLROOM_COSMOS_ENDPOINT.",
    )
    cosmos_key: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Key of an emulator of Cosmos DB; without it the app signs in with its managed "
        "identity.",
    )
    blob_connection: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Connection string of an emulator of Blob Storage; without it the app signs in "
        "with its managed identity.",
    )
    tls_cert: Path | None = Field(default=None, description="Certificate chain (PEM) for HTTPS.")
    tls_key: Path | None = Field(default=None, description="Private key (PEM) of that certificate.")
    environment: str = Field(
        default="local",
        pattern=r"^[a-z0-9]{1,12}$",
        description="Short name of this installation; every token contains it.",
    )
    max_archive_bytes: int = Field(
        default=64 * MIB, ge=1, description="Maximum size of an archive, in bytes."
    )
    max_archives_in_hand: int = Field(
        default=4,
        ge=1,
        description="Number of archives of the maximum size that one process receives at once; "
        "other uploads wait, and get a 503 after 20 seconds.",
    )
    max_anonymous_bytes: int = Field(
        default=32 * MIB,
        ge=8 * MIB,
        description="Bytes of large requests (above 64 KiB) that one process holds for callers "
        "without a token that may publish; one address gets a quarter.",
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
    max_waiting_bytes: int = Field(
        default=128 * MIB,
        ge=MIB,
        description="Bytes of responses that one process of the local host holds for slow clients; "
        "above that it closes connections, the longest blocked first.",
    )
    min_rate: int = Field(
        default=1_024,
        ge=1,
        description="Minimum bytes a second of a request body or a response; slower connections "
        "are closed.",
    )
    head_seconds: int = Field(
        default=20, ge=1, description="Seconds that a client may take for the head of a request."
    )
    body_seconds: int = Field(
        default=900, ge=1, description="Seconds that a client may take for the body of a request."
    )
    max_entries: int = Field(
        default=20_000, ge=1, description="Maximum number of entries in an archive."
    )
    max_unpacked_bytes: int = Field(
        default=512 * MIB, ge=1, description="Maximum size of an unpacked archive, in bytes."
    )
    max_entry_ratio: int = Field(
        default=200, ge=1, description="Maximum compression ratio of an entry above 1 MiB."
    )
    max_manifest_bytes: int = Field(
        default=MIB, ge=1, description="Maximum size of a manifest, in bytes."
    )
    require_documentation: bool = Field(
        default=True,
        description="Refuse archives of the Java layouts that contain no documentation.",
    )
    require_dependencies: bool = Field(
        default=False, description="Refuse archives whose dependencies are not in this registry."
    )
    max_resolve: int = Field(
        default=2_000,
        ge=1,
        description="Maximum number of packages or modules in one resolve call.",
    )
    token_days: int = Field(
        default=90, ge=1, le=365, description="Days until a new token expires, by default."
    )
    report_keys_url: str = Field(
        default="",
        description="Address where a scanner publishes the keys that sign its reports of leaked "
        "tokens; for GitHub https://api.github.com/meta/public_keys/secret_scanning.",
    )
    report_keys: str = Field(
        default="",
        description="Concatenated public keys (PEM) of other scanners that may report leaked "
        "tokens.",
    )
    sweep_grace_hours: int = Field(
        default=24,
        ge=1,
        description="Hours until the sweep deletes an archive without a release.",
    )
    audit_days: int = Field(
        default=365,
        ge=1,
        description="Days after which the address and the credential are deleted from events; what "
        "happened and who did it is kept.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks (CIDR) of the reverse proxies whose X-Forwarded-For is "
        "trusted, separated by commas; by default none, not even on this machine.",
    )
    limit_read: str = Field(
        default="token=30000 account=60000 address=30000",
        description="Requests a minute, counted by each process separately.",
    )
    limit_write: str = Field(
        default="token=300 account=300 address=600",
        description="Changes a minute, except those with a limit of their own.",
    )
    limit_push: str = Field(
        default="token=120 account=240 address=480",
        description="Pushes a minute; a repeat of the same bytes is not counted.",
    )
    limit_token_issue: str = Field(
        default="account=30 address=60", description="New tokens in five minutes."
    )
    limit_sign_in: str = Field(
        default="account=30 address=60", description="Attempts to sign in, in five minutes."
    )
    limit_device: str = Field(
        default="account=20 address=30",
        description="Device codes requested and user codes entered, in five minutes.",
    )
    limit_invitation: str = Field(
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
    limit_found: str = Field(
        default="account=10",
        description="Organizations that an account may create in a day; administrators are not "
        "limited.",
    )
    limit_failure: str = Field(
        default="address=10",
        description=("Different invalid credentials in five minutes; further ones have to wait."),
    )
    archive_links: Literal["store", "registry"] = Field(
        default="store",
        description="In the cloud, the server of archives that no CDN sends, for clients without "
        "Authorization: store (Blob Storage, with signed links), or registry, if clients cannot "
        "reach the store.",
    )
    archive_cdn_url: str = Field(
        default="",
        description="Public address of a CDN in front of this registry that serves public "
        "archives, as https://cdn.example.org; empty for none.",
    )
    archive_cdn_authorization: Literal["stripped", "passed"] = Field(
        default="stripped",
        description="Whether that CDN removes the Authorization header (stripped) or passes it on "
        "(passed); if it passes it on, requests with the header are not redirected to it.",
    )
    archive_cdn_resource: str = Field(
        default="",
        pattern=r"(?i)^(/subscriptions/[\w-]+/resourceGroups/[\w.()-]+/providers/Microsoft\.Cdn"
        r"/profiles/[\w-]+/afdEndpoints/[\w-]+)?$",
        description="Id of the Front Door endpoint that is purged when an archive is withdrawn; if "
        "empty, copies expire within five minutes.",
    )
    brake_packages: int = Field(
        default=20,
        ge=1,
        description="Different packages that one principal may publish within ten minutes; further "
        "releases are held until an owner confirms them.",
    )
    brake_releases: int = Field(
        default=60,
        ge=1,
        description="Releases that one principal may publish within ten minutes, of however few "
        "packages; further ones are held until an owner confirms them.",
    )
    publish_from_github: str = Field(
        default="https://token.actions.githubusercontent.com",
        description="Issuers of GitHub Actions whose jobs may be trusted publishers, separated by "
        "commas; empty for none.",
    )
    publish_from_gitlab: str = Field(
        default="https://gitlab.com",
        description="The same for GitLab CI: the addresses of GitLab servers.",
    )
    publish_from_azure_devops: str = Field(
        default="",
        description="The same for Azure DevOps: https://vstoken.dev.azure.com/ and the id of an "
        "organization. Its tokens are not issued for only one registry.",
    )
    publish_from_entra: str = Field(
        default="",
        description="Ids of the Entra ID tenants whose workload identities may be trusted "
        "publishers, separated by commas.",
    )
    publish_from_entra_audience: str = Field(
        default="",
        description="Audience of tokens of workload identities: the application id of this "
        "registry in Entra ID, or its address, which is the default.",
    )
    sign_up: Literal["anyone", "nobody"] = Field(
        default="anyone",
        description="Who gets an account by signing in with an identity provider: anyone, or "
        "nobody; then only the operator creates accounts.",
    )
    session_idle_hours: int = Field(
        default=24,
        ge=1,
        le=24 * 30,
        description="Hours until an unused session ends.",
    )
    session_days: int = Field(default=14, ge=1, le=90, description="Days until any session ends.")
    require_strong: bool = Field(
        default=False,
        description="Require sign-ins that cannot be phished for changes of owners, publishers and "
        "visibility, transfers, deletion and tokens with the scope manage.",
    )
    strong_claims: str = Field(
        default="amr=fido,amr=hwk,acr=phr,acr=phrh",
        description="Claims of id tokens that identify such a sign-in, separated by commas; for "
        "Entra ID add the id of an authentication context, as acrs=c1.",
    )
    entra_tenant: str = Field(
        default="", description="Id of the Entra ID tenant whose people sign in here."
    )
    entra_client_id: str = Field(
        default="",
        validate_default=True,
        description="Application (client) id of this registry in that tenant.",
    )
    entra_client_secret: SecretStr | None = Field(
        default=None, description="A client secret of that application."
    )
    entra_managed_identity: str = Field(
        default="",
        validate_default=True,
        description="Instead of a secret: client id of the managed identity that the application "
        "trusts as a federated credential, or system for the system-assigned identity.",
    )
    entra_authority: str = Field(
        default="https://login.microsoftonline.com",
        description="Address of Entra ID; national clouds have their own.",
    )
    entra_audience: str = Field(
        default="",
        description="Audiences of access tokens of API callers, separated by commas: by default "
        "the application id, with and without api:// in front.",
    )
    entra_roles: str = Field(
        default="",
        description="Rights of app roles and groups (by id) of Entra ID with access tokens of the "
        "tenant, as a JSON list of objects with claim (a role or a group), org, role and scopes. "
        "If empty, such tokens are refused.",
    )
    oidc_issuer: str = Field(
        default="", description="Issuer of an OpenID Connect provider that signs people in."
    )
    oidc_client_id: str = Field(
        default="", validate_default=True, description="Client id of this registry there."
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, validate_default=True, description="Client secret of this registry there."
    )
    oidc_name: str = Field(
        default="OpenID Connect",
        min_length=1,
        max_length=40,
        description="Name of that provider on the sign-in page, such as Google.",
    )
    github_client_id: str = Field(
        default="", description="Client id of an OAuth app of GitHub that signs people in."
    )
    github_client_secret: SecretStr | None = Field(
        default=None, validate_default=True, description="Client secret of that app."
    )
    github_url: str = Field(
        default="https://github.com", description="Address of GitHub, or of your own GitHub server."
    )
    inside_hosts: str = Field(
        default="",
        description="Hosts of your own network that the registry may call, as host or host:port, "
        "separated by commas, such as an identity provider with a private address. All others "
        "must have public addresses. Plain http is allowed only for hosts on this machine.",
    )
    security_contact: str = Field(
        default="",
        description="Contact for reports of vulnerabilities, as mailto: or https: address; served "
        "at /.well-known/security.txt.",
    )
    insights_connection: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(_INSIGHTS, "insights_connection"),
        description="Connection string of Application Insights for traces and metrics; without it "
        "they are not exported. Read from APPLICATIONINSIGHTS_CONNECTION_STRING, without the "
        "prefix.",
    )
    trace_share: float = Field(
        default=0.05, ge=0, le=1, description="Share of all traces that are exported."
    )
    snapshot_days: int = Field(
        default=30, ge=1, description="Days that snapshots of the records are kept."
    )
    log_level: str = Field(
        default="info",
        pattern="^(debug|info|warning|error)$",
        description="Minimum level of log lines.",
    )
    founding: str = Field(
        default="anyone",
        pattern="^(anyone|administrators)$",
        description=("Who may create organizations: anyone who has an account, or administrators."),
    )
    reserved_names: str = Field(
        default="",
        description="Names of organizations that people may not create, with * and ?, separated by "
        "commas; similar names are reserved as well.",
    )
    mail: str = Field(
        default="console",
        pattern="^(console|smtp|azure)$",
        description="How mail is sent: console (printed in the terminal), smtp or azure.",
    )
    mail_from: str = Field(
        default="",
        validate_default=True,
        description="Sender address of mail; required for smtp and azure.",
    )
    smtp_host: str = Field(
        default="", validate_default=True, description="Mail server; required for smtp."
    )
    smtp_port: int = Field(default=587, ge=1, le=65_535, description="Port of the mail server.")
    smtp_encryption: str = Field(
        default="starttls",
        pattern="^(starttls|tls|none)$",
        description="Encryption of the connection to the mail server: starttls, tls (from the "
        "first byte) or none, which is for a server on the same machine.",
    )
    smtp_user: str = Field(default="", description="User name for the mail server.")
    smtp_password: SecretStr | None = Field(
        default=None, description="Password for the mail server."
    )
    acs_endpoint: str = Field(
        default="",
        validate_default=True,
        description="Address of the resource of Azure Communication Services; required for azure.",
    )
    acs_key: SecretStr | None = Field(
        default=None,
        description="Access key of that resource; without it the app signs in with its managed "
        "identity.",
    )
    key_vault: str = Field(
        default="",
        description="Address of the key vault with the key for signed links and sessions, which "
        "the app reads with its identity every few minutes; for the stores of the cloud.",
    )
    key_secret: str = Field(
        default="link-key",
        pattern=r"^[0-9A-Za-z-]{1,127}$",
        description="Name of the secret in that vault.",
    )
    link_key: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Key for signed links and sessions, instead of the key files; the stores of "
        "the cloud require this setting or BALLROOM_KEY_VAULT.",
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

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if url and not _ADDRESS.fullmatch(url):
            reason = "it is no address such as https://ballroom.example.org"
            raise ValueError(reason)
        return url

    @field_validator("cosmos_endpoint")
    @classmethod
    def _check_cosmos_endpoint(cls, address: str) -> str:
        return cls._check_url(address).rstrip("/")

    @field_validator("blob_endpoint")
    @classmethod
    def _check_blob_endpoint(cls, address: str, info: ValidationInfo) -> str:
        if bool(address) != bool(info.data.get("cosmos_endpoint")):
            reason = (
                "it is set, and BALLROOM_COSMOS_ENDPOINT is empty; the cloud takes both"
                if address
                else "it is empty, and BALLROOM_COSMOS_ENDPOINT needs it"
            )
            raise ValueError(reason)
        return cls._check_url(address).rstrip("/")

    @field_validator("archive_cdn_url")
    @classmethod
    def _check_archive_cdn_url(cls, url: str) -> str:
        return cls._check_url(url).rstrip("/")

    @field_validator("cosmos_key", "blob_connection")
    @classmethod
    def _check_store_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        name = {"cosmos_key": "cosmos_endpoint"}.get(info.field_name or "", "blob_endpoint")
        endpoint = info.data.get(name, "")
        if key is not None and not endpoint:
            reason = f"it is set, and BALLROOM_{name.upper()} is empty"
            raise ValueError(reason)
        if key is None and endpoint.startswith("http:"):
            reason = f"it is empty, and no identity signs in over plain http ({endpoint})"
            raise ValueError(reason)
        return key

    @field_validator("report_keys_url")
    @classmethod
    def _check_report_keys_url(cls, url: str) -> str:
        return cls._check_url(url)

    @field_validator("report_keys")
    @classmethod
    def _check_report_keys(cls, keys: str) -> str:
        ConfiguredScannerKeys.of_setting(keys)
        return keys

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, networks: str) -> str:
        parse_networks(networks)
        return networks

    @field_validator(*(f"limit_{each.name.lower()}" for each in RateLimitClass))
    @classmethod
    def _check_limits(cls, text: str) -> str:
        RateLimit.parse(RateLimitClass.READ, text)
        return text

    @field_validator("publish_from_github", "publish_from_gitlab", "publish_from_azure_devops")
    @classmethod
    def _check_issuers(cls, text: str) -> str:
        for issuer in listed(text):
            cls._check_url(issuer)
        return text

    @field_validator("publish_from_entra")
    @classmethod
    def _check_tenants(cls, text: str) -> str:
        if not all(re.fullmatch(GUID_PATTERN, tenant) for tenant in listed(text)):
            reason = "a tenant is known by its id, such as 01234567-89ab-cdef-0123-456789abcdef"
            raise ValueError(reason)
        return text

    @field_validator("entra_tenant")
    @classmethod
    def _check_tenant(cls, tenant: str) -> str:
        return cls._check_tenants(tenant)

    @field_validator("entra_authority", "github_url")
    @classmethod
    def _check_provider(cls, address: str) -> str:
        return cls._check_url(address).rstrip("/")

    @field_validator("oidc_issuer")
    @classmethod
    def _check_oidc_issuer(cls, issuer: str) -> str:
        # As it is: some issuers end with a slash, and sign their tokens with it.
        return cls._check_url(issuer)

    @field_validator("entra_client_id", "oidc_client_id")
    @classmethod
    def _check_client_id(cls, client_id: str, info: ValidationInfo) -> str:
        needing = {"entra_client_id": "entra_tenant", "oidc_client_id": "oidc_issuer"}
        name = needing[info.field_name or ""]
        if not client_id and info.data.get(name):
            reason = f"it is empty, and BALLROOM_{name.upper()} needs it"
            raise ValueError(reason)
        return client_id

    @field_validator("oidc_client_secret", "github_client_secret")
    @classmethod
    def _check_client_secret(
        cls, secret: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        name = str(info.field_name).replace("_secret", "_id")
        if secret is None and info.data.get(name):
            reason = f"it is empty, and BALLROOM_{name.upper()} needs it"
            raise ValueError(reason)
        return secret

    @field_validator("entra_managed_identity")
    @classmethod
    def _check_credential(cls, identity: str, info: ValidationInfo) -> str:
        needed = bool(info.data.get("entra_client_id"))
        if needed and bool(identity) == (info.data.get("entra_client_secret") is not None):
            reason = "Entra ID takes either it or BALLROOM_ENTRA_CLIENT_SECRET"
            raise ValueError(reason)
        return identity

    @field_validator("security_contact")
    @classmethod
    def _check_security_contact(cls, contact: str) -> str:
        if contact and not _CONTACT.fullmatch(contact):
            reason = "it is no address such as mailto:security@example.org or https://example.org/x"
            raise ValueError(reason)
        return contact

    @field_validator("entra_roles")
    @classmethod
    def _check_entra_roles(cls, text: str) -> str:
        EntraRoles.parse(text)
        return text

    @field_validator("strong_claims")
    @classmethod
    def _check_strong_claims(cls, text: str) -> str:
        StrongClaims.parse(text)
        return text

    @field_validator("mail_from")
    @classmethod
    def _check_mail_from(cls, address: str, info: ValidationInfo) -> str:
        if address or info.data.get("mail") != "console":
            _require_email(address)
        return address

    @field_validator("smtp_host")
    @classmethod
    def _check_smtp_host(cls, host: str, info: ValidationInfo) -> str:
        if not host and info.data.get("mail") == "smtp":
            reason = "it is the mail server, which BALLROOM_MAIL=smtp needs"
            raise ValueError(reason)
        return host

    @field_validator("acs_endpoint")
    @classmethod
    def _check_acs_endpoint(cls, endpoint: str, info: ValidationInfo) -> str:
        needed = endpoint or info.data.get("mail") == "azure"
        if needed and not endpoint.startswith("https://"):
            reason = "it is no https address, which BALLROOM_MAIL=azure needs"
            raise ValueError(reason)
        return endpoint

    @field_validator("link_key")
    @classmethod
    def _check_link_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        vault = info.data.get("key_vault")
        if key is not None:
            KeyRing.of_setting(key.get_secret_value())
            if vault:
                reason = "BALLROOM_KEY_VAULT is set as well, and the key comes from one of them"
                raise ValueError(reason)
        elif info.data.get("cosmos_endpoint") and not vault:
            reason = (
                "it is empty, and in the cloud there are no key files to take its place; set it "
                "or BALLROOM_KEY_VAULT"
            )
            raise ValueError(reason)
        return key

    @field_validator("key_vault")
    @classmethod
    def _check_key_vault(cls, address: str, info: ValidationInfo) -> str:
        if address and not info.data.get("cosmos_endpoint"):
            reason = "it is set, and BALLROOM_COSMOS_ENDPOINT is empty; here the keys are files"
            raise ValueError(reason)
        if address and not address.startswith("https://"):
            reason = "it is no https address such as https://example.vault.azure.net"
            raise ValueError(reason)
        return cls._check_url(address).rstrip("/")

    @classmethod
    def load(cls) -> Self:
        """Read the environment; raise `pydantic.ValidationError` for what cannot be read."""
        return cls()

    @property
    def archive_cdn(self) -> Cdn:
        """Return what a CDN does with the `Authorization` of whoever asks it."""
        if not self.archive_cdn_url:
            return Cdn.NONE
        return Cdn.STRIPPING if self.archive_cdn_authorization == "stripped" else Cdn.PASSING

    @property
    def is_in_the_cloud(self) -> bool:
        """Say whether the stores are those of the cloud."""
        return bool(self.cosmos_endpoint)

    @property
    def reserved_patterns(self) -> tuple[str, ...]:
        """Return the names that are kept back, beside those that begin with `ballerina`."""
        return tuple(name for each in self.reserved_names.split(",") if (name := each.strip()))

    @property
    def base_url(self) -> str:
        """Return the public address without a slash at its end."""
        return (self.url or self._listening_address()).rstrip("/")

    @property
    def is_address_unknown(self) -> bool:
        """Say whether clients reach the local host by addresses of which none is known."""
        return not self.url and listens_everywhere(self.host)

    @cached_property
    def proxies(self) -> Networks:
        """Return the networks of the proxies that are believed."""
        return parse_networks(self.trusted_proxies)

    def limits_of(self, operation: RateLimitClass) -> RateLimit:
        """Return what the operator allows of a class of operations."""
        return RateLimit.parse(operation, getattr(self, f"limit_{operation.name.lower()}"))

    def _listening_address(self) -> str:
        scheme = "https" if self.tls_cert else "http"
        host = "127.0.0.1" if listens_everywhere(self.host) else self.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"


def listens_everywhere(host: str) -> bool:
    """Tell whether an address to listen on stands for every address of the machine."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def listed(text: str) -> list[str]:
    """Return what stands between the commas of a setting."""
    return [each.strip() for each in text.split(",") if each.strip()]


def _require_email(address: str) -> None:
    try:
        parse_email(address)
    except InvalidRequest:
        reason = "it is no mail address such as ballroom@example.org"
        raise ValueError(reason) from None


def is_reference(value: object) -> bool:
    """Say whether a setting is the text of a reference to another place, such as a key vault."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return isinstance(text, str) and text.strip().lower().startswith(KEY_VAULT_REFERENCE)


def refused_setting(invalid: ValidationError) -> str:
    """Return the variable of the first setting that cannot be used."""
    name = str(invalid.errors(include_input=False)[0]["loc"][0]).upper()
    return _WITHOUT_PREFIX.get(name, f"BALLROOM_{name}")


def setting_problem(invalid: ValidationError) -> str:
    """Return one line for the first setting that cannot be used."""
    error = invalid.errors(include_input=False)[0]
    prefixed = refused_setting(invalid)
    reason = error["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{prefixed} cannot be used: {reason}. docs/configuration.md lists every setting."
