"""Id tokens that owners of an organization paste into a page: what a token says, and which of their
trusted publishers accept its job.

Tokens that are exchanged are verified in `shared/auth/json_web_tokens.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from msgspec import Struct

from shared.auth.json_web_tokens import read_unverified
from shared.auth.secrets import Secret
from shared.domain.errors.base import InvalidRequest, Refusal
from shared.domain.errors.identity import SignedTokenRefused, Untrusted
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.trusted_publishing.claims import read_claims
from shared.domain.trusted_publishing.jobs import CiJob
from shared.domain.trusted_publishing.publishers import Publisher, job_differences
from shared.services.tokens.makers import Makers
from shared.services.tokens.trusted_publishers import TrustedPublishers
from shared.services.tokens.trusted_publishing import JobTokenVerifier

MAX_CLAIMS_SHOWN = 100  # Claims of one token; tokens of Entra ID have about 25.
MAX_PUBLISHERS_SHOWN = 20  # The publishers that match the token best.


class PublisherCheck(Struct, frozen=True):
    """A publisher, and why it does not take the job; no reasons if it does."""

    publisher: Publisher
    reasons: Sequence[str]


class CheckedIdToken(Struct, frozen=True):
    """What a token says. Unless it `is_verified`, anybody could have written it.

    `refusal` is why the registry would give no token for it, whatever the publishers say; empty if
    they decide.
    """

    issuer: str
    claims: Mapping[str, str]
    is_verified: bool
    refusal: str
    publishers: Sequence[PublisherCheck]

    @property
    def is_taken(self) -> bool:
        return any(not each.reasons for each in self.publishers)


class PastedIdTokens(Struct, frozen=True):
    """Checks id tokens without exchanging them. Nothing of a token is stored or logged."""

    jobs: JobTokenVerifier
    trusted_publishers: TrustedPublishers
    makers: Makers

    async def check(self, text: Secret, org: OrgName, *, by: Principal) -> CheckedIdToken:
        """Return what the token says, to owners of the organization.

        The token stays good for its one exchange. Raises `InvalidRequest` for a text that is no
        token.
        """
        publishers = await self.trusted_publishers.of_organization(org, by=by)
        try:
            values = read_unverified(text.reveal())
        except SignedTokenRefused:
            raise InvalidRequest(_UNREADABLE) from None
        job, refusal, is_verified = await self._verify(text)
        return CheckedIdToken(
            issuer=str(values.get("iss", "")),
            claims=dict(_shown_claims(values)),
            is_verified=is_verified,
            refusal=refusal,
            publishers=[] if job is None else await self._checked(job, publishers),
        )

    async def _verify(self, text: Secret) -> tuple[CiJob | None, str, bool]:
        """Return the job, why it is refused, and whether its issuer signed the token."""
        try:
            return (await self.jobs.read(text)).job, "", True
        except Untrusted as refusal:  # A run that never publishes; its signature was right.
            return None, str(refusal), True
        except Refusal as refusal:
            return None, str(refusal), False

    async def _checked(self, job: CiJob, publishers: Sequence[Publisher]) -> list[PublisherCheck]:
        reasons = {each.id: list(_reasons(each, job)) for each in publishers}
        same = [each for each in publishers if each.subject == job.subject]
        nearest = sorted(same, key=lambda each: len(reasons[each.id]))[:MAX_PUBLISHERS_SHOWN]
        if not nearest:
            return []
        makers = await self.makers.of(nearest[0].org, [each.by for each in nearest])
        return [
            PublisherCheck(each, [*reasons[each.id], *(_PAUSED if makers[each.by].stop else ())])
            for each in nearest
        ]


_UNREADABLE = (
    "This is no ID token. Paste all of it: three parts with dots between them, and nothing else."
)
_PAUSED = ("it is paused until an owner confirms it",)


def _reasons(publisher: Publisher, job: CiJob) -> Iterator[str]:
    for claim, wanted in publisher.ids.items():
        if job.ids.get(claim) != wanted:
            yield f"its claim {claim} is {job.ids.get(claim, '')!r}, not {wanted}"
    yield from job_differences(publisher, job)


def _shown_claims(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the claims that rules can be about, the issuer and the subject first."""
    claims = read_claims(values)
    audience = values.get("aud")
    if isinstance(audience, list):
        claims["aud"] = " ".join(map(str, cast(list[object], audience)))
    first = ("iss", "aud", "sub")
    ordered = [*(each for each in first if each in claims), *sorted(claims.keys() - set(first))]
    for name in ordered[:MAX_CLAIMS_SHOWN]:
        yield name, claims[name]
