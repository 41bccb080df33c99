"""The rows of the table of rules: for each rule how it is set, what it is about, and what it says.

A new rule adds a row here; test_rule_table.py asks the same of all of them, over every face.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.publishing_rules import RuleEffect
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala
from tests.support.world import World


async def nothing_before(_: World) -> None:
    """Leave the registry as it is."""


@dataclass(frozen=True)
class RuleRow:
    """A rule: what an archive of acme/greet:1.1.0 has to be for it to find something.

    Values are those of the API. `loose` is what an organization sets that wants less than the
    registry; a rule that a registry does not have has no `of_registry`.
    """

    rule: str  # The code of its findings.
    archive: Callable[[], bytes]
    of_organization: Mapping[str, Any]
    effect: RuleEffect
    said: str  # A part of its sentence.
    of_registry: Mapping[str, Any] = field(default_factory=dict[str, Any])
    loose: Mapping[str, Any] = field(default_factory=dict[str, Any])
    before: Callable[[World], Awaitable[None]] = nothing_before
    warns_by_default: bool = False
    is_in_dry_run_of_rules: bool = True  # Whether what is stored of a release tells.

    @property
    def id(self) -> str:
        return "-".join((self.rule, *self.of_organization, self.effect.value))


async def _documented(world: World) -> None:
    await world.push(documented_bala("acme/greet:1.0.0", {"greet.bal": _BEFORE}))
    await world.document()


_BEFORE = "public function hello() {}\npublic function bye() {}\n"
_AFTER = "public function bye() {}\n"


def _breaking() -> bytes:
    return documented_bala("acme/greet:1.1.0", {"greet.bal": _AFTER})


def _plain() -> bytes:
    return bala("acme/greet:1.1.0")


def _gpl() -> bytes:
    return bala("acme/greet:1.1.0", licenses=["GPL-3.0-only"])


ROWS = (
    RuleRow(
        rule="license-refused",
        archive=_gpl,
        of_organization={"licenses": ["MIT", "ISC"]},
        of_registry={"licenses": ["MIT", "ISC"]},
        loose={"licenses": ["GPL-3.0-only"]},
        effect=RuleEffect.REFUSE,
        said="its license is GPL-3.0-only, and they do not allow GPL-3.0-only: they allow MIT, ISC",
    ),
    RuleRow(
        rule="license-refused",
        archive=_gpl,
        of_organization={"refusedLicenses": ["GPL-3.0-only"]},
        of_registry={"refusedLicenses": ["GPL-3.0-only"]},
        loose={"licenses": ["GPL-3.0-only"]},
        effect=RuleEffect.REFUSE,
        said="its license is GPL-3.0-only, and they refuse GPL-3.0-only",
    ),
    RuleRow(
        rule="staged-release",
        archive=_plain,
        of_organization={"staged": True},
        of_registry={"staged": True},
        loose={"staged": False},
        effect=RuleEffect.HOLD,
        said="hold every release until",
    ),
    RuleRow(
        rule="version-too-low",
        archive=_breaking,
        of_organization={"versionRule": "hold"},
        of_registry={"versionRule": "hold"},
        loose={"versionRule": "warn"},
        effect=RuleEffect.HOLD,
        said="removed function hello. 2.0.0 would fit",
        before=_documented,
        warns_by_default=True,
    ),
    RuleRow(
        rule="version-too-low",
        archive=_breaking,
        of_organization={"versionRule": "refuse"},
        of_registry={"versionRule": "refuse"},
        loose={"versionRule": "warn"},
        effect=RuleEffect.REFUSE,
        said="removed function hello. 2.0.0 would fit",
        before=_documented,
        warns_by_default=True,
    ),
)
