"""The fields of forms about rules: for each input of a change of rules, how a page asks for it."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, cast, get_args

from msgspec import Struct

from functions.http.body_parsing import Form
from shared.domain.publishing_rules import VersionRuleChoice
from shared.use_cases.inputs import Inputs, shown_fields

FINDINGS_SHOWN = 100  # Releases of a dry run, the newest ones.

# What the choices of a rule are called.
CHOICES: dict[type[Enum], Sequence[tuple[str, str]]] = {
    VersionRuleChoice: (
        (VersionRuleChoice.REGISTRY.value, "As the registry"),
        (VersionRuleChoice.WARN.value, "Publish them with a warning"),
        (VersionRuleChoice.HOLD.value, "Hold them until they are approved"),
        (VersionRuleChoice.REFUSE.value, "Refuse them"),
    ),
}


class RuleField(Struct, frozen=True):
    """A field of a form as its template shows it; `kind` is checkbox, select, lines or line."""

    name: str
    label: str
    hint: str
    kind: str
    # What was typed, or otherwise what is stored; for a checkbox, whether it is checked.
    value: str
    options: Sequence[tuple[str, str]] = ()


def rule_fields(
    model: type[Inputs], stored: object, typed: Form, *, of_registry: bool = False
) -> list[RuleField]:
    """Return the fields of a form that changes stored rules, with what was typed into it."""
    return [
        _field(name, model, getattr(stored, name), typed, of_registry=of_registry)
        for name in shown_fields(model)
    ]


def _field(
    name: str, model: type[Inputs], stored: Any, typed: Form, *, of_registry: bool
) -> RuleField:
    shown = shown_fields(model)[name]
    # The types of a field that may be left out.
    kinds = get_args(model.model_fields[name].annotation)

    def field(kind: str, value: str, options: Sequence[tuple[str, str]] = ()) -> RuleField:
        return RuleField(shown.name, shown.label, shown.hint, kind, value, options)

    choice = next((each for each in kinds if each in CHOICES), None)
    if choice is not None:
        [inherited, *own] = CHOICES[choice]
        value = typed.text(shown.name, stored.value if stored else inherited[0])
        return field("select", value, own if of_registry else (inherited, *own))
    if bool in kinds:
        is_checked = bool(typed.text(shown.name)) if typed.values else stored
        return field("checkbox", "yes" if is_checked else "")
    if isinstance(stored, tuple):
        lines = "\n".join(map(str, cast("tuple[object, ...]", stored)))
        return field("lines", typed.text(shown.name, lines))
    return field("line", typed.text(shown.name, str(stored)))
