"""The issuers of tokens of CI jobs, on an internet of their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.fakes.identity_provider import FakeInternet, Issuer, rsa_key
from tests.fakes.system import FakeClock

Claims = Mapping[str, object]
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Job:
    """A job: who signs for it, and what; some changes of claims change other ones."""

    issuer: str
    claims: Callable[..., Claims]
    audience: str = ""  # The registry, unless the issuer has one of its own.
    lifetime_s: int = 3600
    # Without ids two tokens of the same second are the same.
    has_token_ids: bool = False


class JobIssuers(Generic[Kind]):
    """Signs the tokens of jobs, for the registry at `audience` and by its clock."""

    def __init__(
        self, clock: FakeClock, audience: str, jobs: Mapping[Kind, Job], *, first_key: int
    ) -> None:
        self._audience = audience
        self._jobs = jobs
        self._now_s = lambda: clock.now_ms() // 1000
        self._signed = 0
        # Keys of the same name, so that nothing but the signature tells them apart.
        self.issuers = {
            kind: Issuer(job.issuer, now_s=self._now_s, keys={"key-1": rsa_key(first_key + number)})
            for number, (kind, job) in enumerate(jobs.items())
        }
        self.internet = FakeInternet(list(self.issuers.values()))

    def token(self, kind: Kind, **changes: object) -> str:
        """Return a token of a job with some claims changed; None takes one out."""
        job = self._jobs[kind]
        base: dict[str, object] = {
            "aud": job.audience or self._audience,
            "exp": self._now_s() + job.lifetime_s,
        }
        if job.has_token_ids:
            self._signed += 1
            base["jti"] = f"token-{self._signed}"
        return self.issuers[kind].sign({**job.claims(**changes), **base, **changes})
