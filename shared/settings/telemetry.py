"""What a registry on one machine tells monitoring without Azure: metrics and the access log."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from shared.settings.values import TopicSettings

MIN_TOKEN_LENGTH = 24  # Characters; `openssl rand -hex 16` prints 32.


class MonitoringSettings(TopicSettings):
    """The metrics at /metrics and the access log."""

    metrics: str = Field(
        default="off",
        pattern="^(off|loopback|token)$",
        description="Who reads metrics in the format of Prometheus at /metrics of a registry on "
        "one machine: nobody (off), programs on the same machine (loopback), or who sends "
        "BALLROOM_METRICS_TOKEN (token). They replace an export to Application Insights.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Secret of at least 24 characters that reads /metrics; required for token.",
    )
    access_log: str = Field(
        default="off",
        pattern="^(off|common|combined)$",
        description="Format of an access log on standard output of a registry on one machine: off, "
        "common or combined. Queries are left out, and so are secrets in paths.",
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
