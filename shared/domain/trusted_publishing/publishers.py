"""Trusted publishers: which jobs of CI systems may publish a package, without a stored secret.

`publisher_rules.py` compares a run with what they ask for.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.names import Package
from shared.domain.records import Entity, Place
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, CiJob, Provider, job_subject
from shared.domain.trusted_publishing.publisher_rules import PublisherRules

MAX_REPOSITORY_LENGTH = 255  # Characters.


class Publisher(Entity):
    """A CI job that may publish one package, and the rules for its runs.

    Until `pending_until_ms` its package need not exist: its first push creates it.
    """

    kind: ClassVar[str] = "publisher"

    id: str
    org: str
    package: str
    provider: Provider
    server: str
    ids: dict[str, str]
    repository: str = ""
    rules: PublisherRules = PublisherRules()
    created_ms: int
    by: str = ""
    pending_until_ms: int | None = None

    @property
    def place(self) -> Place:
        return Place(self.org.lower(), self.id)

    @property
    def subject(self) -> str:
        """The key by which its jobs find it."""
        return job_subject(self.provider, self.ids)

    @property
    def ends_ms(self) -> int | None:
        """When it expires, while its package does not exist."""
        return self.pending_until_ms

    @property
    def target(self) -> Package:
        return Package.parse(self.org, self.package)

    def is_pending_for(self, package: Package) -> bool:
        """Check whether its first push creates the package."""
        return self.pending_until_ms is not None and self.target.key == package.key


def is_same_job(publisher: Publisher, job: CiJob) -> bool:
    """Compare a publisher with a job by its ids only; names do not count."""
    known = (publisher.provider, publisher.server, publisher.ids)
    return known == (job.provider, job.server, job.ids)


def parse_repository(repository: str) -> str:
    """Return the display name of a repository, or raise `InvalidRequest`."""
    if not repository.isprintable() or len(repository) > MAX_REPOSITORY_LENGTH:
        message = (
            f"The name of a repository is a line of {MAX_REPOSITORY_LENGTH} characters at most, "
            "such as octo/greet. It decides nothing, and may be left out."
        )
        with about_field("repository"):
            raise InvalidRequest(message)
    return repository


def parse_job_ids(provider: Provider, ids: Mapping[str, str]) -> dict[str, str]:
    """Return the ids of a job, which must be complete, or raise `InvalidRequest`."""
    wanted = ID_CLAIMS[provider]
    lowered = {claim: value.strip().lower() for claim, value in ids.items()}
    fit = [claim for claim, form in wanted.items() if re.fullmatch(form, lowered.get(claim, ""))]
    wrong = sorted((lowered.keys() | wanted.keys()) - set(fit))
    if wrong:
        message = (
            f"A publisher of {provider.title} is known by {' and '.join(wanted)}, which never "
            f"change. {' and '.join(wrong)}: copy each id from the provider, and no name."
        )
        with about_field(wrong[0]):
            raise InvalidRequest(message)
    return {claim: lowered[claim] for claim in wanted}
