"""Who has an account, how people sign in, and how long a session lasts."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from shared.auth.identity_providers import StrongClaims
from shared.domain.staff import parse_staff_sources
from shared.domain.visibility import Readers
from shared.settings.values import (
    EntraTenants,
    HostNames,
    HttpsAddressWithoutSlash,
    SecureAddress,
    SecureAddressWithoutSlash,
    TopicSettings,
    checked_by,
    needed_by,
)


def _check_staff(text: str) -> None:
    try:
        parse_staff_sources(text)
    except ValueError as problem:
        reason = f"{problem}, such as @example.org,groups"
        raise ValueError(reason) from None


# The setting that is set if an identity provider is used.
_PROVIDER_SETTINGS = {"entra": "entra_tenant", "oidc": "oidc_issuer", "github": "github_client_id"}


class SignInSettings(TopicSettings):
    """Sign-up, sessions and the identity providers."""

    sign_up: Literal["anyone", "nobody"] = Field(
        default="anyone",
        description="Who gets an account by signing in with an identity provider: anyone, or "
        "nobody; then only the operator creates accounts.",
    )
    rdap_url: SecureAddressWithoutSlash = Field(
        default="",
        description="Address of an RDAP server, such as https://rdap.example.org, that is asked "
        "each night whether the domains of mail addresses of accounts are still registered as "
        "before; empty asks nobody.",
    )
    readers: Readers = Field(
        default=Readers.EVERYBODY,
        description="Who may read the registry: everybody, or signed_in; then each client needs an "
        "access token, and browsers sign in first. In the cloud the task `place-archives` moves "
        "the archives after a change.",
    )
    session_idle_hours: int = Field(
        default=24, ge=1, le=24 * 30, description="Hours until an unused session ends."
    )
    session_days: int = Field(default=14, ge=1, le=90, description="Days until any session ends.")
    entra_tenant: EntraTenants = Field(
        default="", description="Id of the Entra ID tenant whose people sign in here."
    )
    entra_client_id: Annotated[str, needed_by("entra_tenant")] = Field(
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
    entra_authority: HttpsAddressWithoutSlash = Field(
        default="https://login.microsoftonline.com",
        description="Address of Entra ID; national clouds have their own.",
    )
    entra_groups: bool = Field(
        default=False, description="Give roles by groups and app roles of Entra ID."
    )
    entra_accounts: bool = Field(
        default=True,
        description="Ask Entra ID whether people are enabled there, at each renewal of a session, "
        "for each new token and once a day, and lock the accounts of those who are not. Takes the "
        "permission User.Read.All of Microsoft Graph.",
    )
    entra_graph: SecureAddressWithoutSlash = Field(
        default="https://graph.microsoft.com",
        description="Address of Microsoft Graph, which says whether people are enabled, their "
        "groups between sign-ins, and those of people with more than 200; national clouds have "
        "their own.",
    )
    # Some issuers end with a slash, and sign their tokens with it.
    oidc_issuer: SecureAddress = Field(
        default="", description="Issuer of an OpenID Connect provider that signs people in."
    )
    oidc_client_id: Annotated[str, needed_by("oidc_issuer")] = Field(
        default="", validate_default=True, description="Client id of this registry there."
    )
    oidc_client_secret: Annotated[SecretStr | None, needed_by("oidc_client_id")] = Field(
        default=None, validate_default=True, description="Client secret of this registry there."
    )
    oidc_name: str = Field(
        default="OpenID Connect",
        min_length=1,
        max_length=40,
        description="Name of that provider on the sign-in page, such as Google.",
    )
    oidc_groups_claim: str = Field(
        default="",
        min_length=0,
        max_length=100,
        examples=["groups"],
        description="Claim of its id tokens that gives roles by groups, such as groups.",
    )
    group_roles_hours: int = Field(
        default=24 * 7,
        ge=1,
        le=24 * 90,
        description="Hours for which roles by groups, and being staff by them, last after the "
        "provider last named the groups; then both end, for access tokens too.",
    )
    github_client_id: str = Field(
        default="", description="Client id of an OAuth app of GitHub that signs people in."
    )
    github_client_secret: Annotated[SecretStr | None, needed_by("github_client_id")] = Field(
        default=None, validate_default=True, description="Client secret of that app."
    )
    github_url: SecureAddressWithoutSlash = Field(
        default="https://github.com", description="Address of GitHub, or of your own GitHub server."
    )
    require_strong: bool = Field(
        default=False,
        description="Require sign-ins that cannot be phished for changes of owners, publishers and "
        "visibility, transfers, deletion and tokens with the scope manage.",
    )
    strong_claims: Annotated[str, checked_by(StrongClaims.parse)] = Field(
        default="amr=fido,amr=hwk,acr=phr,acr=phrh",
        description="Claims of id tokens that identify such a sign-in, separated by commas; for "
        "Entra ID add the id of an authentication context, such as acrs=c1.",
    )
    inside_hosts: HostNames = Field(
        default="",
        description="Hosts of your own network that the registry may call, as host or host:port, "
        "separated by commas, such as an identity provider with a private address. All others "
        "must have public addresses. Plain http is allowed only for hosts on this machine.",
    )

    staff: Annotated[str, checked_by(_check_staff)] = Field(
        default="",
        description="Who reads internal packages: mail domains, such as @example.org, the "
        "providers entra, oidc and github, and groups for whom a rule about groups makes staff, "
        "separated by commas. If empty, everybody with an account.",
    )

    @field_validator("entra_groups")
    @classmethod
    def _check_entra_groups(cls, groups: bool, info: ValidationInfo) -> bool:
        if groups and not info.data.get("entra_tenant"):
            reason = "it is set, and BALLROOM_ENTRA_TENANT is empty; groups need that provider"
            raise ValueError(reason)
        return groups

    @field_validator("oidc_groups_claim")
    @classmethod
    def _check_groups_claim(cls, claim: str, info: ValidationInfo) -> str:
        if claim and not info.data.get("oidc_issuer"):
            reason = "it is set, and BALLROOM_OIDC_ISSUER is empty; groups need that provider"
            raise ValueError(reason)
        return claim

    @field_validator("require_strong")
    @classmethod
    def _check_require_strong(cls, required: bool, info: ValidationInfo) -> bool:
        # Links of operators and GitHub never say how somebody signed in.
        if required and not (info.data.get("entra_tenant") or info.data.get("oidc_issuer")):
            reason = (
                "it is set, and BALLROOM_ENTRA_TENANT and BALLROOM_OIDC_ISSUER are empty; no other "
                "sign-in is strong, so nobody could administer anything"
            )
            raise ValueError(reason)
        return required

    @field_validator("staff")
    @classmethod
    def _check_staff_providers(cls, staff: str, info: ValidationInfo) -> str:
        for provider, setting in _PROVIDER_SETTINGS.items():
            if provider in parse_staff_sources(staff) and not info.data.get(setting):
                reason = f"it names {provider}, and BALLROOM_{setting.upper()} is empty"
                raise ValueError(reason)
        return staff

    @field_validator("entra_managed_identity")
    @classmethod
    def _check_credential(cls, identity: str, info: ValidationInfo) -> str:
        needed = bool(info.data.get("entra_client_id"))
        if needed and bool(identity) == (info.data.get("entra_client_secret") is not None):
            state = "set" if identity else "empty"
            reason = f"it is {state}, and so is BALLROOM_ENTRA_CLIENT_SECRET; set one of them"
            raise ValueError(reason)
        return identity
