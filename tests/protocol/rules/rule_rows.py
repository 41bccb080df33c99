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


# --- Rules that do not go by what an organization wants more strictly -----------------------------

SECRET = "secret-in-archive"
# Not written whole: scanners of repositories would find it.
_LEAK = {"resources/config.toml": 'token = "ghp' + '_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"\n'}


@dataclass(frozen=True)
class StateRow:
    """A state of the rules of acme, of the registry and of the limits of acme, and whether a
    further archive of acme/greet is refused in it; it has one release."""

    rule: str
    state: str
    refuses: bool
    archive: Callable[[], bytes] = _plain
    organization: Mapping[str, Any] = field(default_factory=dict[str, Any])
    registry: Mapping[str, Any] = field(default_factory=dict[str, Any])
    quota: Mapping[str, Any] = field(default_factory=dict[str, Any])
    whose: str = ""  # What the refusal says of whose rule it is.

    @property
    def id(self) -> str:
        return f"{self.rule}-{self.state}"


def _secret() -> bytes:
    return bala("acme/greet:1.1.0", entries=_LEAK)


_OF_REGISTRY = "rules of the registry"
_OF_LIMITS = "acme has"
STATES = (
    StateRow(SECRET, "unset", True, _secret, whose=_OF_REGISTRY),
    StateRow(
        SECRET,
        "other-file-allowed",
        True,
        _secret,
        organization={"secretsAllowed": ["greet:*.md"]},
        whose=_OF_REGISTRY,
    ),
    StateRow(
        SECRET,
        "file-allowed",
        False,
        _secret,
        organization={"secretsAllowed": ["greet:resources/*"]},
    ),
    StateRow(SECRET, "ended-by-the-registry", False, _secret, registry={"secrets": False}),
    StateRow("quota-reached", "unset", False),
    StateRow("quota-reached", "releases-fit", False, quota={"maxReleases": 2}),
    StateRow("quota-reached", "releases", True, quota={"maxReleases": 1}, whose=_OF_LIMITS),
    StateRow("quota-reached", "bytes", True, quota={"maxBytes": 10}, whose=_OF_LIMITS),
    StateRow(
        "quota-reached",
        "the-stricter-of-both",
        True,
        quota={"maxBytes": 10**9, "maxReleases": 1},
        whose=_OF_LIMITS,
    ),
    # The order of refusals does not depend on who set a rule: of several, the first is named.
    StateRow(
        "quota-reached",
        "beside-a-rule-that-holds",
        True,
        organization={"staged": True},
        quota={"maxReleases": 1},
        whose=_OF_LIMITS,
    ),
)
