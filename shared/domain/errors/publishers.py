"""Refusals about trusted publishers, and every reason not to let a CI job publish.

NotFound · Conflict · Forbidden
└── PublisherNotFound · PublisherExists · PublishersAlone
Untrusted
├── ClaimUnusable     the token lacks a claim that its provider always sends
├── RunNotTrusted     strangers may have started the run, or changed what it does
├── WorkloadUnknown   no package has a publisher that is this job
└── WorkloadDiffers   a publisher is this repository, but not this run of it

A sentence tells about publishers only to a job of the repository that they name.
"""

from typing import TYPE_CHECKING, ClassVar

from shared.domain.errors.base import Conflict, Declared, Forbidden, NotFound

if TYPE_CHECKING:
    from shared.domain.names import Package


class Untrusted(Forbidden):
    """A job may not publish; `reason` is why, for the owners' log."""

    reason: ClassVar[str]


class ClaimUnusable(Declared, Untrusted):
    reason = "claim-unusable"
    provider: str
    claim: str
    sentence = (
        "The id token does not say {claim} as {provider} does. Ask the provider for the token "
        "inside the job, and send it as it is."
    )


class RunNotTrusted(Declared, Untrusted):
    reason = "run-not-trusted"
    why: str
    instead: str
    sentence = (
        "This run may not publish: {why}, so it may do what strangers want. Publish from {instead}."
    )


class WorkloadUnknown(Declared, Untrusted):
    reason = "workload-unknown"
    workload: str
    sentence = (
        "No package here is published by {workload}. An owner of the organization adds it as a "
        "trusted publisher; names are not enough, the ids have to be the same."
    )


class WorkloadDiffers(Declared, Untrusted):
    reason = "workload-differs"
    package: object
    differences: str
    sentence = (
        "The trusted publisher of {package} does not take this run: {differences}. Publish from a "
        "run as it asks for, or ask an owner to change it."
    )


class PublisherNotFound(Declared, NotFound):
    publisher_id: str
    sentence = (
        "trusted publisher not found: {publisher_id}. List the organization's to see their ids."
    )


class PublisherExists(Declared, Conflict):
    package: "Package"
    publisher_id: str
    sentence = (
        "{package} has this trusted publisher already, as {publisher_id}. Remove that one first, "
        "or set other restrictions."
    )


class PublishersAlone(Declared, Forbidden):
    package: "Package"
    sentence = (
        "{package} is published by its trusted publishers alone, so no stored token can push to "
        "it. Publish from the workflow, or ask an owner to open it for members."
    )
