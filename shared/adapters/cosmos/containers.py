"""The containers of the database, as the templates make them; a test holds the two together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """A container: its partition key, and whether its items may end by themselves."""

    name: str
    path: str = "/pk"
    ends: bool = False


CONTAINERS = (
    ContainerPlan("packages"),
    ContainerPlan("tools"),
    ContainerPlan("accounts", ends=True),
    ContainerPlan("tokens", ends=True),
    ContainerPlan("events"),
    ContainerPlan("work", ends=True),
    ContainerPlan("stats", ends=True),
    ContainerPlan("leases", "/id"),  # Of the Functions host, which reads the change feed.
)
