"""How long access tokens are valid by default, and the scanner that may report leaked ones."""

from pydantic import Field

from shared.settings.values import SecureAddress, TopicSettings


class TokenSettings(TopicSettings):
    """Access tokens, and the scanner that may report leaked ones."""

    token_days: int = Field(
        default=90, ge=1, le=365, description="Days until a new token expires, by default."
    )
    report_keys_url: SecureAddress = Field(
        default="",
        description="Address where a scanner publishes the keys that sign its reports of leaked "
        "tokens; for GitHub https://api.github.com/meta/public_keys/secret_scanning.",
    )
