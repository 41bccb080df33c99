"""Every reason not to let a job of a CI system publish, with the sentence that its author reads.

Untrusted
├── ClaimUnusable     its token does not say what its provider always says
├── NotAWorkload      its token is a person's, or one that many programs share
├── RunNotTrusted     strangers may have started it, or changed what it does
├── WorkloadUnknown   no package has a publisher that is this job
└── WorkloadDiffers   a publisher is this repository, but not this run of it

What a sentence says of publishers, it says only to a job of the very repository that they name.
"""

from typing import ClassVar

from shared.domain.errors import Forbidden


class Untrusted(Forbidden):
    """A job may not publish; `reason` is why, for the owners' log."""

    reason: ClassVar[str]


class ClaimUnusable(Untrusted):
    """An id token lacks what its provider puts into every one, or says it in another form."""

    reason = "claim-unusable"

    def __init__(self, provider: str, claim: str) -> None:
        """Name the claim."""
        super().__init__(
            f"The id token does not say {claim} as {provider} does. Ask the provider for the token "
            "inside the job, and send it as it is."
        )


class NotAWorkload(Untrusted):
    """A token of Entra ID is not of one program alone."""

    reason = "not-a-workload"

    def __init__(self) -> None:
        """Say whose token it takes."""
        super().__init__(
            "The token is a person's, or one that several programs share. Send one of a managed "
            "identity or of a service principal."
        )


class RunNotTrusted(Untrusted):
    """Strangers to the repository may have started the run, or changed its code."""

    reason = "run-not-trusted"

    def __init__(self, why: str, instead: str) -> None:
        """Say what is wrong with the run, and what to publish from."""
        super().__init__(
            f"This run may not publish: {why}, so it may do what strangers want. "
            f"Publish from {instead}."
        )


class WorkloadUnknown(Untrusted):
    """No publisher is this job; which ones there are, nobody is told."""

    reason = "workload-unknown"

    def __init__(self, workload: str) -> None:
        """Describe the job by what its own token says."""
        super().__init__(
            f"No package here is published by {workload}. An owner of the organization adds it as "
            "a trusted publisher; names are not enough, the ids have to be the same."
        )


class WorkloadDiffers(Untrusted):
    """A publisher is of this repository and takes other runs of it."""

    reason = "workload-differs"

    def __init__(self, package: object, differences: str) -> None:
        """Name the package and everything that differs."""
        super().__init__(
            f"The trusted publisher of {package} does not take this run: {differences}. "
            "Publish from a run as it asks for, or ask an owner to change it."
        )
