"""Settings from a file: TOML, whose keys are the variables in lower case without their prefix.

    url = "https://packages.example.org"
    max_archive_bytes = "64MiB"
    publish_from_github = ["https://token.actions.githubusercontent.com"]

The variable BALLROOM_CONFIG, or the option `--config` of `serve`, names it. Environment
variables override its keys.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from msgspec import Struct
from pydantic import Field, field_validator

from shared.settings.values import TopicSettings

PREFIX = "BALLROOM_"  # The prefix of the environment variables of nearly all settings.
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
_EXAMPLE = "such as /etc/ballroom/ballroom.toml"
_MOST_BYTES = 1024 * 1024


class ConfigFileSettings(TopicSettings):
    """The file that has further settings."""

    config: Path | None = Field(
        default=None,
        description="File with further settings: TOML, whose keys are the variables in lower case "
        "without their prefix, such as max_archive_bytes. An environment variable overrides a key.",
        examples=["/etc/ballroom/ballroom.toml"],
    )

    @field_validator("config", mode="before")
    @classmethod
    def _none_for_empty(cls, config: object) -> object:
        return config or None  # A compose file passes an empty variable on.

    @field_validator("config")
    @classmethod
    def _check_config(cls, config: Path | None) -> Path | None:
        if config is not None:
            read_config(config)
        return config


class ConfigFile(Struct, frozen=True):
    """The values of a file, as the environment would have them."""

    path: Path
    values: Mapping[str, str]  # By key.

    def of_variables(self, variables: Mapping[str, str]) -> Mapping[str, str]:
        """Return the values by the variables of their keys, which are given."""
        found = ((variables.get(key), value) for key, value in self.values.items())
        return {variable: value for variable, value in found if variable}


def read_config(path: Path) -> ConfigFile:
    """Read a file, or raise `ValueError`, whose text is a part of a sentence."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            reason = f"it is larger than a file with settings, {_EXAMPLE}"
            raise ValueError(reason)
        read = tomllib.loads(path.read_text("utf-8"))
    except OSError as failure:
        reason = f"it is not a file that can be read ({failure.strerror}), {_EXAMPLE}"
        raise ValueError(reason) from None
    except UnicodeDecodeError:
        reason = f"it is not a text in UTF-8, {_EXAMPLE}"
        raise ValueError(reason) from None
    except tomllib.TOMLDecodeError as error:
        reason = f"it is not a TOML file: {error}"
        raise ValueError(reason) from None
    return ConfigFile(path, dict(_texts(read)))


def given_config() -> ConfigFile | None:
    """Return the file that the environment names; None without one, or for one that the start
    refuses."""
    given = {variable.upper(): value for variable, value in sorted(os.environ.items())}
    path = given.get(CONFIG_VARIABLE, "")
    try:
        return read_config(Path(path)) if path else None
    except ValueError:
        return None  # The validator of the setting reports why.


def key_of(variable: str) -> str:
    """Return the key of a variable in the file."""
    return variable.upper().removeprefix(PREFIX).lower()


def _texts(read: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in read.items():
        yield key, _text(key, value)


def _text(key: str, value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case list():
            elements = cast(list[object], value)
            if all(isinstance(each, str) and "," not in each for each in elements):
                return ",".join(map(str, elements))
        case _:
            pass
    reason = f"it has {key}, which is no text, number, true, false or list of texts"
    raise ValueError(reason)
