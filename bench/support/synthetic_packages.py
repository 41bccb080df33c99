"""Generated packages: any number, the same ones each time."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from shared.domain.listings import Listing
from shared.domain.packages import Head, ModuleText, Origin, Release, Texts
from shared.domain.visibility import Visibility

MAX_PACKAGES = 1_000_000  # One file is not meant for more packages.
WORDS = 20_000  # About what the readmes of a large registry hold.
README_WORDS = 180  # About 1,500 characters, which is what the index reads.
YEAR_MS = 365 * 24 * 3600 * 1000
START_MS = 1_600_000_000_000  # September 2020.

_SYLLABLES = ["ba", "co", "da", "en", "fi", "gra", "hol", "in", "ka", "lo", "mer", "ni", "or"]
_COMMON = ["client", "connector", "service", "api", "data", "module", "library", "function", "type"]
_PLATFORMS = ["any"] * 7 + ["java17", "java21", "java11"]
_LANGUAGES = ["2201.12.0", "2201.10.3", "2201.8.4", "2201.4.1", "2201.2.1", "slbeta6", "slalpha5"]
_DIGEST = "0" * 64


@dataclass
class Synthetic:
    """A source of packages; the seed decides all of them."""

    seed: int = 1
    words: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        """Coin the words, the commonest first."""
        self._random = random.Random(self.seed)  # noqa: S311 - the point is to repeat it.
        coined = {self._coin() for _ in range(2 * WORDS)}
        rare = sorted(coined)
        self._random.shuffle(rare)
        self.words = [*_COMMON, *rare][:WORDS]
        self._weights = list(accumulate(1 / (rank + 8) for rank in range(len(self.words))))

    def listings(self, count: int) -> Iterator[Listing]:
        """Yield that many packages."""
        for number in range(min(count, MAX_PACKAGES)):
            yield self._listing(number)

    def _coin(self) -> str:
        return "".join(self._random.choices(_SYLLABLES, k=self._random.randint(3, 5)))

    def _draw(self, count: int) -> list[str]:
        return self._random.choices(self.words, cum_weights=self._weights, k=count)

    def _listing(self, number: int) -> Listing:
        org = f"{self.words[int(self._random.paretovariate(1.0) * 11) % len(self.words)]}org"
        name = ".".join([*self._draw(self._random.randint(1, 2)), f"{self._coin()}{number % 97}"])
        summary = " ".join(self._draw(self._random.randint(6, 14)))
        created_ms = START_MS + self._random.randrange(6 * YEAR_MS)
        head = Head(
            org=org,
            name=name,
            visibility=Visibility.PRIVATE if self._random.random() < 0.03 else Visibility.PUBLIC,
            created_ms=created_ms,
            pulls=int(self._random.paretovariate(0.5)) - 1,
        )
        return Listing(head, self._release(head, summary), self._texts(name, summary))

    def _release(self, head: Head, summary: str) -> Release:
        chance = self._random
        return Release(
            org=head.org,
            name=head.name,
            version=f"{chance.randrange(4)}.{chance.randrange(12)}.{chance.randrange(9)}",
            digest=_DIGEST,
            size_bytes=chance.randrange(10_000, 1_000_000),
            platform=chance.choice(_PLATFORMS),
            ballerina_version=chance.choice(_LANGUAGES),
            summary=summary,
            keywords=tuple(self._draw(chance.randint(2, 5))),
            modules=(head.name,),
            tools=("tool",) if chance.random() < 0.01 else (),
            created_ms=head.created_ms,
            origin=Origin(principal="nobody"),
            deprecation="Use another." if chance.random() < 0.02 else None,
        )

    def _texts(self, name: str, summary: str) -> Texts:
        readme = " ".join(self._draw(README_WORDS))
        return Texts(readme=readme, modules=(ModuleText(name=name, summary=summary),))
