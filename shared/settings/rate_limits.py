"""How callers are distinguished, and how many requests each may send."""

from functools import cached_property, partial
from typing import Annotated

from pydantic import Field

from shared.domain.client_addresses import Networks, parse_networks
from shared.domain.rate_limits import RateLimit, RateLimitClass, RateLimitSubject
from shared.settings.values import TopicSettings, checked_by


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
LookUpLimitText = Annotated[str, checked_by(partial(RateLimit.parse, RateLimitClass.LOOK_UP))]
AddressLimitText = Annotated[str, checked_by(_check_address_limit)]


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
        description="Changes a minute, except those with a limit of their own. Pushes that repeat "
        "a release or are refused have a count of their own with this limit, in each process.",
    )
    limit_push: LimitText = Field(
        default="token=120 account=240 address=480",
        description="Pushes a minute; a repeat of the same files is counted as "
        "BALLROOM_LIMIT_WRITE says.",
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
    limit_look_up: LookUpLimitText = Field(
        default="account=20 address=30 all=50",
        description="Repositories whose ids are looked up for trusted publishers, in 60 minutes; "
        "all counts the requests of all callers to one server, of which GitHub takes 60 without "
        "BALLROOM_LOOKUP_TOKEN.",
    )
    limit_dry_run: LimitText = Field(
        default="token=30 account=60 address=120",
        description="Checks of archives that are not published, a minute.",
    )
    limit_report: LimitText = Field(
        default="account=20 address=60", description="Reports about releases in a day."
    )
    limit_advisories: LimitText = Field(
        default="token=1200 account=2400 address=1200",
        description="Questions about advisories, /v1/query and /v1/querybatch, a minute.",
    )
    limit_scim: LimitText = Field(
        default="token=3000 address=6000",
        description="Requests of directories to /scim/v2, a minute.",
    )
    limit_export: LimitText = Field(
        default="token=6 account=12 address=12",
        description="Downloads of all advisories at once, /v1/all.zip, a minute.",
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
        description="Requests of callers without a token for which the upstream registry is asked, "
        "a minute; what is stored is not counted.",
    )

    @cached_property
    def proxies(self) -> Networks:
        """The networks of the proxies whose X-Forwarded-For is trusted."""
        return parse_networks(self.trusted_proxies)

    def limits_of(self, operation: RateLimitClass) -> RateLimit:
        return RateLimit.parse(operation, getattr(self, f"limit_{operation.name.lower()}"))
