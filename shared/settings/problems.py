"""Variables that are no setting, and values that cannot be used, each in a sentence."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from shared.domain.errors.base import quoted
from shared.domain.token_redaction import redact_tokens
from shared.settings import PREFIX, Settings
from shared.settings.config_file import given_config, key_of
from shared.settings.earlier import GONE_SETTINGS, is_of_others
from shared.settings.operations import INSIGHTS_VARIABLE
from shared.settings.values import SIZE_EXAMPLE, is_reference

# Settings that are read from variables without our prefix, by the names that errors have for them.
_WITHOUT_PREFIX = {
    "PORT": "PORT",
    "WORKERS": "WORKERS",
    "HTTPS_PROXY": "HTTPS_PROXY",
    "HTTP_PROXY": "HTTP_PROXY",
    "NO_PROXY": "NO_PROXY",
    INSIGHTS_VARIABLE: INSIGHTS_VARIABLE,
    "INSIGHTS_CONNECTION": INSIGHTS_VARIABLE,
}
_PAGE = "docs/reference/configuration.md lists every setting."


def unknown_settings() -> list[str]:
    """Return a sentence for each variable with our prefix, and each key of the file with settings,
    that is no setting of this version."""
    known = {variable.upper() for _, variable in Settings.variables()}
    given = sorted(name for name in os.environ if name.upper().startswith(PREFIX))
    return [
        *(
            f"{name} is {_unknown(name.upper(), known)} {_PAGE}"
            for name in given
            if name.upper() not in known and not is_of_others(name.upper(), os.environ[name])
        ),
        *_unknown_keys(),
    ]


def _unknown_keys() -> Iterator[str]:
    config = given_config()
    known = Settings.keys()
    for key in config.values if config else ():
        if key in known:
            continue
        variable = f"{PREFIX}{key.upper()}"
        if variable in GONE_SETTINGS:
            clause = (
                f"a setting of an earlier version, and has no effect. {GONE_SETTINGS[variable]}"
            )
        else:
            near = get_close_matches(key_of(key), known, 1)
            clause = (
                f"not a setting, and has no effect.{f' Did you mean {near[0]}?' if near else ''}"
            )
        yield f"{key[:80]} in {config.path if config else ''} is {clause} {_PAGE}"


def _unknown(name: str, known: set[str]) -> str:
    if name in GONE_SETTINGS:
        return f"a setting of an earlier version, and has no effect. {GONE_SETTINGS[name]}"
    without = _WITHOUT_PREFIX.get(name.removeprefix(PREFIX))
    near = [without] if without else get_close_matches(name, known, 1)
    suggestion = f" Did you mean {near[0]}?" if near else ""
    return f"not a setting, and has no effect.{suggestion}"


def refused_setting(invalid: ValidationError) -> str:
    """Return the variable of the first invalid setting."""
    name = str(invalid.errors(include_input=False)[0]["loc"][0]).upper()
    return _WITHOUT_PREFIX.get(name, f"{PREFIX}{name}")


def setting_problem(invalid: ValidationError) -> str:
    """Return one line about the first invalid setting: its value unless it may be secret, what it
    should look like, and an example."""
    error = invalid.errors()[0]
    variable = refused_setting(invalid)
    name = str(error["loc"][0]).lower()
    field = Settings.model_fields[_FIELDS.get(variable, name)]
    shown = _shown(field, error["input"])
    if error["type"] == "value_error":
        reason = _SUBJECT.sub(lambda _it: f"{shown} ", error["msg"].removeprefix("Value error, "))
    else:
        reason = f"{shown} is not {_expected(_FIELDS.get(variable, name), field)}"
    return f"{_where(variable)} cannot be used: {reason.rstrip('.')}. {_PAGE}"


def _where(variable: str) -> str:
    """Return the variable, or the key of the file that has its value."""
    config = given_config()
    key = key_of(variable)
    is_given = any(name.upper() == variable for name in os.environ)
    if is_given or config is None or key not in config.values:
        return variable
    return f"{key} in {config.path}"


_FIELDS = {"PORT": "port", "WORKERS": "workers", INSIGHTS_VARIABLE: "insights_connection"}

# A reason about the value begins so: the value takes the place of its first word.
_SUBJECT = re.compile(r"^it (?=(?:is (?!set|empty|a reference)|has|names|does) ?)")

_CREDENTIALS = re.compile(r"(?<=//)[^/\s]*@")
_QUERY = re.compile(r"[?#].*", re.DOTALL)


def _shown(field: FieldInfo, value: object) -> str:
    """Return the value as a message quotes it: nothing of a secret, and no credentials in an
    address."""
    if SecretStr in _types(field.annotation) or is_reference(value):
        return "it"
    text = _QUERY.sub("?****", str(value)) if "://" in str(value) else str(value)
    return quoted(redact_tokens(_CREDENTIALS.sub("****@", text))) if text else "an empty text"


def _types(annotation: object) -> tuple[object, ...]:
    is_union = get_origin(annotation) in (Union, UnionType)
    return get_args(annotation) if is_union else (annotation,)


_UNITS = ("days", "hours", "minutes", "seconds")


def _expected(name: str, field: FieldInfo) -> str:
    """Return what a value of the field looks like, and an example."""
    bounds = _bounds(field)
    kind = _types(field.annotation)[0]
    example = _example(field)
    if kind is bool:
        return "true or false, such as true"
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}, such as {example}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(str(each.value) for each in kind)}, such as {example}"
    if name.endswith("_bytes"):
        return f"a size in bytes or with a unit{_range(bounds)}, such as {SIZE_EXAMPLE}"
    if kind in (int, float):
        unit = next((f" of {each}" for each in _UNITS if each.rstrip("s") in name), "")
        number = "a whole number" if kind is int else "a number"
        return f"{number}{unit}{_range(bounds)}, such as {example}"
    return (
        f"a text of {bounds['min_length']} to {bounds['max_length']} characters, such as {example}"
    )


def _bounds(field: FieldInfo) -> Mapping[str, Any]:
    names = ("ge", "le", "min_length", "max_length")
    return {
        name: getattr(each, name)
        for each in field.metadata
        for name in names
        if getattr(each, name, None) is not None
    }


def _range(bounds: Mapping[str, Any]) -> str:
    if "le" in bounds:
        return f" from {bounds['ge']} to {bounds['le']}"
    return f" of at least {bounds['ge']}" if "ge" in bounds else ""


def _example(field: FieldInfo) -> str:
    given = field.examples[0] if field.examples else field.default
    return str(getattr(given, "value", given))
