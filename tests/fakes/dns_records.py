"""TXT records in a dictionary."""

from dataclasses import dataclass, field
from datetime import timedelta

from shared.domain.errors.base import Unavailable


@dataclass
class FakeDomainRecords:
    """Answers as the owners of domains would, or not at all."""

    by_name: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    is_silent: bool = False
    asked: list[str] = field(default_factory=list[str])

    async def texts(self, name: str) -> list[str]:
        self.asked.append(name)
        if self.is_silent:
            raise Unavailable("domain-silent", f"{name} did not answer.", timedelta(minutes=1))
        return self.by_name.get(name, [])
