"""What operators see and show: telemetry, metrics, the log, contacts, and legal pages."""

import re
import shlex
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationInfo, field_validator

from shared.program import public_spelling
from shared.settings.values import TopicSettings, checked_by, matching

INSIGHTS_VARIABLE = "APPLICATIONINSIGHTS_CONNECTION_STRING"

MIN_TOKEN_LENGTH = 24  # Characters; `openssl rand -hex 16` prints 32.

_ABUSE_CONTACT = re.compile(r"(?:(?:mailto:)?[^\s@:/]+@[^\s@:/]+|https://[^\s]+)")
_CONTACT = re.compile(r"(?:mailto:[^\s@]+@[^\s@]+|https://[^\s]+)")

MAX_PAGE_ADDRESS_LENGTH = 1_000
_PAGE_ADDRESS = re.compile(
    r"https://[A-Za-z0-9._\[\]:-]+(?:[/?#][A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?"
)


def _check_words(text: str) -> None:
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if text and not words:
        reason = "it is not a command in the form of a shell, such as /usr/bin/ballroom"
        raise ValueError(reason)


def _https_address(what: str, example: str) -> AfterValidator:
    """Return the validator of an https address of `what`, which may be empty."""

    def check(address: str) -> None:
        is_address = len(address) <= MAX_PAGE_ADDRESS_LENGTH and _PAGE_ADDRESS.fullmatch(address)
        if address and not is_address:
            reason = f"it is not the https: address of {what}, such as {example}"
            raise ValueError(reason)

    return checked_by(check)


PageAddress = Annotated[str, _https_address("a page", "https://example.org/privacy")]
FeedAddress = Annotated[str, _https_address("a feed", "https://example.org/ballroom/releases.atom")]


class OperationsSettings(TopicSettings):
    """The security contact, telemetry, snapshots and the log."""

    security_contact: str = Field(
        default="",
        description="Contact for reports of vulnerabilities and packages, as mailto: or https: "
        "address; served at /.well-known/security.txt, and linked by package pages.",
    )
    abuse_contact: str = Field(
        default="",
        description="Contact for reports of abuse and for appeals against decisions of "
        "administrators, as a mail address or https: address; linked below every page, named by "
        "mail about such a decision, and the second contact of /.well-known/security.txt.",
    )
    privacy_url: PageAddress = Field(
        default="",
        description="Your privacy notice, as an https: address; linked below every page and on the "
        "page to sign in.",
    )
    terms_url: PageAddress = Field(
        default="",
        description="Your terms of use, as an https: address; linked below every page and on the "
        "page to sign in.",
    )
    imprint_url: PageAddress = Field(
        default="",
        description="Your imprint, as an https: address; linked below every page and on the page "
        "to sign in.",
    )
    releases_feed: FeedAddress = Field(
        default="",
        description="Atom feed of the releases of Ballroom, as an https: address, which is read "
        "once a day; /manage shows what is newer. A host of your own network is also named in "
        "BALLROOM_INSIDE_HOSTS. Empty asks nobody.",
    )
    insights_connection: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(INSIGHTS_VARIABLE, "insights_connection"),
        description="Connection string of Application Insights for metrics and traces; without it "
        "they are not exported. Read from APPLICATIONINSIGHTS_CONNECTION_STRING, without the "
        "prefix.",
    )
    trace_share: float = Field(
        default=0,
        ge=0,
        le=1,
        description="Share of the requests and runs of tasks that are exported to Application "
        "Insights as traces, with their calls of stores and other servers; above 0 also each "
        "that failed, and each request that took a second.",
    )
    log_share: float = Field(
        default=1,
        ge=0,
        le=1,
        description="Share of the requests that succeed, only read and are not slow that have a "
        "line in the log; each line says for how many requests it stands.",
    )
    snapshot_days: int = Field(
        default=30, ge=1, description="Days that snapshots of the records are kept."
    )
    command: Annotated[
        str, matching(r"[A-Za-z0-9 ._/-]*", "a command without quotes, such as ballroom")
    ] = Field(
        default="",
        description="Command that runs an operator's command, as messages print it, such as "
        "ballroom; by default the path of the command, with the data folder.",
    )
    launcher: Annotated[str, checked_by(_check_words)] = Field(
        default="",
        description="How the installed command was started, for the commands that messages print; "
        "`ballroom` sets it itself.",
    )
    exec_prefix: Annotated[
        str, matching(r"[A-Za-z0-9 ._/:@=-]*", "words without quotes, such as docker exec ballroom")
    ] = Field(
        default="",
        description="Words that run a command where the registry runs, before the commands that "
        "messages print, such as docker exec ballroom; the image sets it.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Minimum level of log lines; debug shows each request at a terminal, too.",
    )

    @field_validator("trace_share")
    @classmethod
    def _check_trace_share(cls, share: float, info: ValidationInfo) -> float:
        if share and not info.data.get("insights_connection"):
            reason = f"traces go to Application Insights, and {INSIGHTS_VARIABLE} is not set"
            raise ValueError(reason)
        return share

    @field_validator("security_contact")
    @classmethod
    def _check_security_contact(cls, contact: str) -> str:
        if contact and not _CONTACT.fullmatch(contact):
            reason = (
                "it is not a mailto: or https: address, such as mailto:security@example.org or "
                "https://example.org/security"
            )
            raise ValueError(reason)
        return contact

    @field_validator("abuse_contact")
    @classmethod
    def _check_abuse_contact(cls, contact: str) -> str:
        if contact and not _ABUSE_CONTACT.fullmatch(contact):
            reason = (
                "it is neither a mail address nor an https: address, such as abuse@example.org or "
                "https://example.org/appeals"
            )
            raise ValueError(reason)
        return contact

    @property
    def operator_program(self) -> str:
        """The words before an operator's command, as pages show them: without folders."""
        program = self.command or public_spelling(self.launcher)
        return f"{self.exec_prefix} {program}".lstrip()


class MonitoringSettings(TopicSettings):
    """The metrics at /metrics."""

    metrics: Literal["off", "loopback", "token"] = Field(
        default="off",
        description="Who reads metrics in the format of Prometheus at /metrics of a registry on "
        "one machine: nobody (off), programs on the same machine (loopback), or who sends "
        "BALLROOM_METRICS_TOKEN (token). They replace an export to Application Insights.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Secret of at least 24 characters that reads /metrics; required for token.",
    )

    @field_validator("metrics_token")
    @classmethod
    def _check_metrics_token(
        cls, token: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        length = len(token.get_secret_value()) if token else 0
        if (token or info.data.get("metrics") == "token") and length < MIN_TOKEN_LENGTH:
            reason = (
                f"it has {length} characters of at least {MIN_TOKEN_LENGTH}, which "
                "BALLROOM_METRICS=token needs; openssl rand -hex 16 prints such a secret"
            )
            raise ValueError(reason)
        return token
