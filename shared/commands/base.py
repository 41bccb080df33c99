"""The common parts of all commands: opening the registry, errors in one line, printing lists."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from enum import Enum
from functools import wraps
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO, TypeVar, get_type_hints

import click
import orjson
from pydantic import ValidationError

from shared.bootstrap.build import START_ERRORS, existing_registry
from shared.bootstrap.data_folder import sentence_of_file
from shared.bootstrap.serving import at_running_address
from shared.domain.errors.base import Refusal
from shared.program import NAME, respelled
from shared.registry import Registry
from shared.runtime.private_files import new_private_file
from shared.settings import Settings
from shared.settings.problems import setting_problem, unknown_settings

_WARNED = f"{__name__}.warned"  # A key of the state that a command shares with its groups.

Result = TypeVar("Result")
TableRow = Mapping[str, object]
Rows = Sequence[TableRow]


class OutputFormat(Enum):
    TABLE = "table"
    JSON = "json"


as_json = click.option(
    "--json",
    "output",
    flag_value=OutputFormat.JSON,
    type=click.UNPROCESSED,
    default=OutputFormat.TABLE,
    help="Print JSON instead of a table.",
)


class CommandGroup(click.Group):
    """A group whose commands fail with one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; warn about unknown settings, and print a refusal as one sentence."""
        if _WARNED not in ctx.meta:
            ctx.meta[_WARNED] = True
            for sentence in unknown_settings():
                click.echo(f"Warning: {sentence}", err=True)
        try:
            return super().invoke(ctx)
        except Exception as failure:
            sentence = sentence_of(failure)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from None


def sentence_of(failure: Exception) -> str | None:
    """Return what a command prints of a failure; None if it is a defect."""
    if isinstance(failure, ValidationError):
        # A failure about stored data is a defect, not a wrong setting.
        return setting_problem(failure) if failure.title == Settings.__name__ else None
    if isinstance(failure, (Refusal, *START_ERRORS)):
        return spelled(str(failure))
    if isinstance(failure, OSError):
        return sentence_of_file(failure)
    return None


def spelled(text: str) -> str:
    """Write the words that started this program into the commands of a text."""
    started = click.get_current_context().find_root().info_name
    return respelled(text, started or NAME)


def with_registry(work: Callable[[Registry], Awaitable[Result]]) -> Result:
    """Do the work on the registry that the settings name; it may be running."""

    async def run() -> Result:
        registry = existing_registry(at_running_address(Settings.load()))
        try:
            return await work(registry)
        finally:
            await registry.close()

    return asyncio.run(run())


def in_registry(
    work: Callable[..., Awaitable[str | TableRow | Rows | None]],
) -> Callable[..., None]:
    """Make the work of a command run on the registry that the settings name, and print its result.

    A sentence is printed as it is, a row as facts and rows as a table, both with the option
    `--json`. Work that prints its result itself takes that option as `output`.
    """
    hints = get_type_hints(work)

    @wraps(work)
    def run(*, output: OutputFormat = OutputFormat.TABLE, **arguments: Any) -> None:
        if "output" in hints:
            arguments["output"] = output
        result = with_registry(lambda registry: work(registry, **arguments))
        if isinstance(result, str):
            click.echo(spelled(result))
        elif isinstance(result, Mapping):
            print_facts(result, output)
        elif result is not None:
            print_rows(result, output)

    is_text = hints["return"] in (str, NoneType) and "output" not in hints
    return run if is_text else as_json(run)


def print_rows(rows: Sequence[TableRow], output: OutputFormat) -> None:
    """Print a list as JSON, or as a table whose header is the keys of the first row."""
    if output is OutputFormat.JSON:
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    elif rows:
        click.echo(_table(rows))
    else:
        click.echo("There is nothing to list.")


def print_facts(row: TableRow, output: OutputFormat) -> None:
    """Print one row as JSON, or with one key and value on each line."""
    if output is OutputFormat.JSON:
        click.echo(orjson.dumps(row, option=orjson.OPT_INDENT_2))
    else:
        click.echo(facts_text(row))


def facts_text(row: TableRow) -> str:
    width = max(map(len, row))
    return "\n".join(
        f"{key.ljust(width)}  {'' if value is None else value}".rstrip()
        for key, value in row.items()
    )


def require_new_file(file: Path) -> None:
    """Refuse a file that is there already, or that cannot be made, for commands that change
    something before they write."""
    with new_file(file):
        pass
    file.unlink()


@contextmanager
def new_file(file: Path) -> Generator[BinaryIO]:
    """Open a new file that only its owner can read; refuse one that is there already. If it cannot
    be written whole, there is none, so the command can be repeated."""
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(new_private_file(file))
        except FileExistsError:
            raise _file_exists(file) from None
        except PermissionError:
            raise
        except OSError as failure:  # There is no such folder, or the disk is full or read-only.
            raise _not_written(file, failure) from None
        try:
            yield stream
            stream.flush()
        except OSError as failure:
            if failure.errno is None:  # Not of the system.
                raise
            raise _not_written(file, failure) from None


def _not_written(file: Path, failure: OSError) -> click.ClickException:
    return click.ClickException(
        f"{file} cannot be written: {failure.strerror}. Name a file in another folder."
    )


def _file_exists(file: Path) -> click.ClickException:
    return click.ClickException(f"{file} exists already. Name another file.")


def write_new_file(file: Path, text: str) -> None:
    """Write a new file that only its owner can read; refuse one that is there already."""
    with new_file(file) as stream:
        stream.write(text.encode())


def format_time(at_ms: int | None) -> str | None:
    """Return a time in milliseconds as text: UTC, to the minute."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%MZ")


def _table(rows: Sequence[TableRow]) -> str:
    lines = [[key.replace("_", " ") for key in rows[0]]]
    lines += [["" if value is None else str(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
