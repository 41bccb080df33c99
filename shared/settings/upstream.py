"""The upstream registries and bundles, whose packages are served here, too."""

import re

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from shared.auth.secrets import Secret
from shared.domain.mirror_rules import MAX_AGE_DAYS, UpstreamAddress, parse_upstreams
from shared.domain.upstream_withdrawals import parse_followed
from shared.domain.withdrawal_reasons import WithdrawalReason
from shared.settings.values import TopicSettings, split_list

# The host of an upstream, and a token as the header Authorization takes it.
_NAMED_TOKEN = re.compile(r"(?:(?P<name>[A-Za-z0-9._\[\]:-]+)=)?(?P<token>[A-Za-z0-9._~+/-]+=*)")


class UpstreamSettings(TopicSettings):
    """Which registries are mirrored, how much of them is kept, and which bundle is served."""

    upstream: str = Field(
        default="",
        description="Registries whose public packages are mirrored, in order, separated by commas: "
        "central (Ballerina Central), or the address of another one, which is then allowed as if "
        "it were in BALLROOM_INSIDE_HOSTS; empty for none. Operators change the list and its "
        "rules while the registry runs.",
    )
    upstream_token: SecretStr | None = Field(
        default=None,
        description="Token by which callers with credentials get what the registry of "
        "BALLROOM_UPSTREAM gives nobody else; for several ones host=token of each, separated by "
        "commas. A token is sent only to its own host, and never for anonymous callers.",
    )
    upstream_fresh_seconds: int = Field(
        default=300,
        ge=1,
        le=86_400,
        description="Seconds for which answers of the upstream registry, such as lists of "
        "versions, are used before it is asked again.",
    )
    upstream_minimum_age: int = Field(
        default=0,
        ge=0,
        le=MAX_AGE_DAYS,
        description="Days after the publication of a release before it is served from an upstream "
        "registry, unless a minimum age that operators set says otherwise; 0 for none.",
    )

    upstream_withdrawals: str = Field(
        default=WithdrawalReason.MALWARE.value,
        description="For which public reasons a release that an upstream Ballroom withdraws is "
        "quarantined here as well, separated by commas, such as malware,vulnerability; `unstated` "
        "for withdrawals without one, `all` or `none`. Other releases stay, and administrators "
        "decide on /manage/mirror.",
    )

    @field_validator("upstream_withdrawals")
    @classmethod
    def _check_withdrawals(cls, text: str) -> str:
        parse_followed(text)
        return text

    @field_validator("upstream_token")
    @classmethod
    def _check_token(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if token is not None and "upstream" in info.data:
            _tokens(token, str(info.data["upstream"]))
        return token

    @field_validator("upstream")
    @classmethod
    def _check_upstream(cls, text: str) -> str:
        parse_upstreams(split_list(text))
        return text

    @property
    def upstreams(self) -> tuple[UpstreamAddress, ...]:
        """The registries that are mirrored unless operators changed the list."""
        return parse_upstreams(split_list(self.upstream))

    def token_of(self, upstream: UpstreamAddress) -> Secret | None:
        """Return the token that is bound to the host of the upstream; None if there is none."""
        if self.upstream_token is None:
            return None
        found = _tokens(self.upstream_token, self.upstream).get(upstream.name.lower())
        return Secret(found) if found else None


def _tokens(token: SecretStr, upstream: str) -> dict[str, str]:
    """Return the token of each upstream, by its name, from texts such as `host=token`; a token
    without a name is of the only upstream.

    Raises `ValueError`, whose text is a part of a sentence and has nothing of a token.
    """
    upstreams = parse_upstreams(split_list(upstream))
    found = dict[str, str]()
    for text in split_list(token.get_secret_value()):
        parts = _NAMED_TOKEN.fullmatch(text)
        if parts is None:
            reason = "it is not a token, or host=token for each registry, separated by commas"
            raise ValueError(reason)
        name = (parts["name"] or "").lower()
        if not name and len(upstreams) != 1:
            reason = (
                "it does not say which registry it is for, and BALLROOM_UPSTREAM does not name "
                "exactly one. Write host=token"
            )
            raise ValueError(reason)
        name = name or upstreams[0].name.lower()
        if name in found:
            reason = f"it has two tokens for {name}. Give one"
            raise ValueError(reason)
        found[name] = parts["token"]
    return found
