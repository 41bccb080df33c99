"""Typosquats: names that somebody types by mistake in place of a popular one.

A coordinate is typed whole, so what is imitated is above all the name of an organization. The name
of a package alone is typed by nobody outside of its organization, whose owners choose the names in
it: it counts only where it reads as the coordinate of another organization's package.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import cached_property
from itertools import permutations

from shared.domain.coordinates import Package
from shared.domain.lookalike_names import folded_of, shape_of, spelling_of
from shared.domain.names import is_one_edit_apart

LEAST_PLAIN = 4  # Letters and digits: shorter names have neighbours that are names of their own.
# In shorter names only typing slips count: `acme` and `acne` are both words.
LEAST_FOR_ANY_EDIT = 6
LEAST_COORDINATE = 6  # Characters of organization and package name together.
MOST_PARTS = 4  # Parts of a name whose orders are compared; four parts have 24 orders.

# Words and endings that are added to a known name, or that replace other ones, and seem to belong
# to it. They are taken from known squats on npm, PyPI, crates.io and RubyGems.
_AFFIXES = """
api app apps bal ballerina bin cli client cloud code community core corp dev devs dll dev2 ed er
extra foundation get go group hq inc io js kit labs lib libs my net node npm official org package
packages pkg pkgs plus pro project py python real rs rst rust s sdk sdks team the tool tools ts
util utils web x
"""
AFFIXES = frozenset(_AFFIXES.split())

_KEYBOARDS = (
    ("qwertyuiop", "asdfghjkl", "zxcvbnm"),  # QWERTY
    ("qwertzuiop", "asdfghjkl", "yxcvbnm"),  # QWERTZ
    ("azertyuiop", "qsdfghjklm", "wxcvbn"),  # AZERTY
)
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_LAST_DIGITS = re.compile(r"[\d_.]+$")


def _neighbours() -> Iterator[tuple[str, str]]:
    for rows in _KEYBOARDS:
        for number, row in enumerate(rows):
            next_row = "".join(rows[number + 1 : number + 2])
            for at, key in enumerate(row):
                beside = row[at + 1 : at + 2]
                below = next_row[max(at - 1, 0) : at + 1]
                for other in beside + below:
                    yield key, other
                    yield other, key


NEIGHBOURING_KEYS = frozenset(_neighbours())


class Resemblance(Enum):
    """How a name resembles a popular one, as the end of a sentence."""

    DRAWN = "is drawn or spelled almost as"
    TYPED = "is a slip of the keyboard away from"
    REORDERED = "has the same parts in another order as"
    EXTENDED = "differs in a usual beginning or ending from"


class _Forms:
    """A name as it is compared."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.plain = folded_of(name)
        self.shape = shape_of(self.plain)
        self.spelling = spelling_of(self.plain)
        self.stem = folded_of(_LAST_DIGITS.sub("", name))

    @cached_property
    def parts(self) -> tuple[str, ...]:
        return tuple(filter(None, map(folded_of, _SEPARATORS.split(self.name))))

    @cached_property
    def orders(self) -> frozenset[str]:
        """The name with its parts in other orders, without separators."""
        if not 1 < len(self.parts) <= MOST_PARTS:
            return frozenset()
        return frozenset(map("".join, permutations(self.parts)))

    @cached_property
    def bases(self) -> frozenset[str]:
        """The name, and what is left of it without one usual beginning or ending, as they are
        spelled."""
        plain = self.plain
        left = {plain[len(each) :] for each in AFFIXES if plain.startswith(each)}
        left |= {plain[: -len(each)] for each in AFFIXES if plain.endswith(each)}
        for at, part in enumerate(self.parts):
            left |= {self._without_ending(at, part, each) for each in ("er", "ed", "s")}
        left = {each for each in left if len(each) >= LEAST_PLAIN}
        return frozenset(map(spelling_of, {plain, *left}))

    def _without_ending(self, at: int, part: str, ending: str) -> str:
        if not part.endswith(ending):
            return self.plain
        return "".join((*self.parts[:at], part.removesuffix(ending), *self.parts[at + 1 :]))


def _resemblance(new: _Forms, known: _Forms) -> Resemblance | None:
    """Return how `new` resembles the popular name; None if it does not, or is the same name."""
    if new.name.lower() == known.name.lower() or len(known.plain) < LEAST_PLAIN:
        return None
    if new.shape == known.shape or new.spelling == known.spelling:
        return Resemblance.DRAWN
    if _are_siblings(new, known):
        return None
    if _is_slip(new.plain, known.plain):
        return Resemblance.TYPED
    if new.plain in known.orders or known.plain in new.orders:
        return Resemblance.REORDERED
    return Resemblance.EXTENDED if new.bases & known.bases else None


def _are_siblings(new: _Forms, known: _Forms) -> bool:
    """Check whether the names are those of a series: team1 and team2, part_a and part_b."""
    if new.stem == known.stem:
        return True
    if len(new.parts) != len(known.parts) or len(new.parts) == 1:
        return False
    pairs = zip(new.parts, known.parts, strict=True)
    return all(one == other or len(one) == len(other) == 1 for one, other in pairs)


def _is_slip(new: str, known: str) -> bool:
    if not is_one_edit_apart(new, known):
        return False
    shortest = min(len(new), len(known))
    if shortest >= LEAST_FOR_ANY_EDIT:
        return True
    at = next(
        (at for at, pair in enumerate(zip(new, known, strict=False)) if len({*pair}) > 1), shortest
    )
    if len(new) < len(known):
        return shortest >= LEAST_PLAIN  # A letter was left out.
    if len(new) > len(known):  # A letter was struck twice, or its neighbour with it.
        beside = (new[at - 1 : at], new[at + 1 : at + 2])
        return any(each == new[at] or (each, new[at]) in NEIGHBOURING_KEYS for each in beside)
    return (new[at], known[at]) in NEIGHBOURING_KEYS or new[at + 1 :] != known[at + 1 :]


class PopularNames:
    """The packages that most people pull or build on, with their organizations."""

    def __init__(self, packages: Iterable[Package] = ()) -> None:
        self._packages = tuple(packages)
        orgs = {each.org.lower(): each.org for each in self._packages}
        self._organizations: Mapping[str, _Forms] = {key: _Forms(org) for key, org in orgs.items()}
        self._joined = {_joined(each): each for each in reversed(self._packages)}
        self._swapped = {
            (folded_of(each.name), folded_of(each.org)): each for each in reversed(self._packages)
        }

    def has(self, org: str) -> bool:
        """Check whether it is the name of a popular organization."""
        return org.lower() in self._organizations

    def organizations_like(self, org: str) -> Iterator[tuple[str, Resemblance]]:
        """Yield the popular organizations that the name of a new one resembles, most popular
        first. The cost grows with their number, which the caller bounds."""
        if self.has(org):
            return
        new = _Forms(org)
        for known in self._organizations.values():
            if found := _resemblance(new, known):
                yield known.name, found

    def package_like(self, package: Package) -> Package | None:
        """Return the popular package of another organization whose coordinate a new package has
        with the boundary elsewhere, with its parts exchanged, or as its name."""
        org = package.org.lower()
        if self.has(org):
            return None
        plain = (folded_of(package.org), folded_of(package.name))
        for found in (
            self._joined.get("".join(plain)),
            self._joined.get(plain[1]),
            self._swapped.get(plain),
        ):
            if found and found.org.lower() != org and len(_joined(found)) >= LEAST_COORDINATE:
                return found
        return None


def _joined(package: Package) -> str:
    return folded_of(package.org) + folded_of(package.name)
