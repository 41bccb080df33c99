"""How mail is sent."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from shared.domain.errors.base import InvalidRequest
from shared.domain.mail import parse_email
from shared.settings.values import HostName, TopicSettings, check_address, needed_by


class MailSettings(TopicSettings):
    """How mail is sent."""

    mail: Literal["console", "smtp", "azure"] = Field(
        default="console",
        description="How mail is sent: console (printed in the terminal), smtp or azure.",
    )
    mail_from: str = Field(
        default="",
        validate_default=True,
        description="Sender address of mail; required for smtp and azure.",
    )
    smtp_host: HostName = Field(
        default="", validate_default=True, description="Mail server; required for smtp."
    )
    smtp_port: int = Field(default=587, ge=1, le=65_535, description="Port of the mail server.")
    smtp_encryption: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="Encryption of the connection to the mail server: starttls, tls (from the "
        "first byte) or none, which is for a server on the same machine.",
    )
    smtp_user: str = Field(default="", description="User name for the mail server.")
    smtp_password: Annotated[SecretStr | None, needed_by("smtp_user")] = Field(
        default=None, validate_default=True, description="Password for the mail server."
    )
    acs_endpoint: str = Field(
        default="",
        validate_default=True,
        description="Address of the resource of Azure Communication Services; required for azure.",
    )

    @property
    def prints_mail(self) -> bool:
        """Whether mail is printed where the registry runs, so that it reaches nobody else."""
        return self.mail == "console"

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
            reason = "it is empty, and BALLROOM_MAIL=smtp needs it, such as mail.example.org"
            raise ValueError(reason)
        return host

    @field_validator("acs_endpoint")
    @classmethod
    def _check_acs_endpoint(cls, endpoint: str, info: ValidationInfo) -> str:
        needed = endpoint or info.data.get("mail") == "azure"
        if needed and not (endpoint.startswith("https://") and check_address(endpoint)):
            reason = (
                "it is not the https address that BALLROOM_MAIL=azure needs, such as "
                "https://example.communication.azure.com"
            )
            raise ValueError(reason)
        return endpoint


def _require_email(address: str) -> None:
    try:
        parse_email(address)
    except InvalidRequest:
        reason = "it is not a mail address, such as ballroom@example.org"
        raise ValueError(reason) from None
