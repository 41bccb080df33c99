"""The contract of Functions and the answer cache of a host: a response says how to repeat it.

A host may repeat such a response, without calling the Function, while nothing changed that the
response depends on.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import azure.functions as func

from shared.edition import Edition

REQUEST_ID_HEADER = "X-Request-Id"  # The one header that differs in each repeat.

# Records a request that is answered by a repeat, and returns the headers to add: the request id,
# and others that the first response had not. Returns None where the Function has to be called.
RepeatAnswer = Callable[[func.HttpRequest], Mapping[str, str] | None]


@dataclass(frozen=True, slots=True)
class Repeatable:
    """How to repeat a response that depends on the method, path, query and headers of its request
    and on these packages, and on nothing else."""

    answer: RepeatAnswer
    number: int  # Of the edition, from before anything was read for the response.
    packages: Collection[str]  # By their keys; `EVERYTHING` if it depends on more of the stores.

    def stands(self, edition: Edition) -> bool:
        """Check whether the packages are as they were. The edition is confirmed."""
        return edition.holds(self.number, self.packages)


def mark_cacheable(response: func.HttpResponse, repeat: Repeatable) -> None:
    """Allow repeats of a response."""
    vars(response)["repeat"] = repeat


def repeat_of(response: func.HttpResponse) -> Repeatable | None:
    """Return how to repeat the response, None if it must not be repeated."""
    return vars(response).get("repeat")
