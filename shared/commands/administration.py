"""upkeep …, names …, read-only … and rights: administration of the whole registry."""

import click

from shared.commands.base import (
    OutputFormat,
    TableRow,
    as_json,
    format_time,
    print_rows,
    with_registry,
)
from shared.composition import Registry
from shared.domain.errors.requests import TakesNoChanges
from shared.domain.identity import OPERATOR
from shared.domain.notices import ReadOnlyState
from shared.domain.reserved_names import ReservedName
from shared.domain.rights import rights_table
from shared.domain.task_runs import TaskReport, TaskRun, TaskState
from shared.services.maintenance.tasks import require_task
from shared.services.organizations.reserved_names import NameAvailability


@click.group()
def upkeep() -> None:
    """List and run maintenance tasks."""


@upkeep.command("list")
@as_json
def list_(output: OutputFormat) -> None:
    """List the maintenance tasks: their last run, its result, and the next run.

    \b
    Example:
      python -m shared.cli upkeep list
    """

    async def work(registry: Registry) -> list[dict[str, object]]:
        now_ms = registry.clock.now_ms()
        return [_row(each, now_ms) for each in await registry.maintenance.upkeep.task_states()]

    print_rows(with_registry(work), output)


@upkeep.command()
@click.argument("name", required=False)
def run(name: str | None) -> None:
    """Run the maintenance task NAME, or all of them. Each may be repeated.

    \b
    Examples:
      python -m shared.cli upkeep run
      python -m shared.cli upkeep run audit-archives
    """

    async def work(registry: Registry) -> list[tuple[str, TaskReport | None]]:
        tasks = registry.maintenance.tasks
        chosen = [require_task(tasks, name).id] if name is not None else list(tasks)
        return [(task, report) for task in chosen for report in await _whole(registry, task)]

    reports = with_registry(work)
    for task, report in reports:
        _print(task, report)
    if any(report and report.problems for _, report in reports):
        raise SystemExit(1)


async def _whole(registry: Registry, task: str) -> list[TaskReport | None]:
    """Run a task until it is finished, where the schedule would continue with its next run."""
    reports = [await registry.maintenance.upkeep.run(task)]
    while (last := reports[-1]) is not None and last.unfinished:
        reports.append(await registry.maintenance.upkeep.run(task))
    return reports


def _print(task: str, report: TaskReport | None) -> None:
    if report is None:
        click.echo(f"{task}: another process is running it.")
        return
    click.echo(f"{task}: checked {report.seen}, changed {report.changed}.")
    for problem in report.problems:
        click.echo(f"  {problem}")


def _row(state: TaskState, now_ms: int) -> dict[str, object]:
    last = state.last_run
    return {
        "task": state.task,
        "last": format_time(last.started_ms) if last else None,
        "seconds": (last.ended_ms - last.started_ms) / 1000 if last else None,
        "came_of_it": _result(last) if last else None,
        "seen": last.seen if last else None,
        "changed": last.changed if last else None,
        "due": _due(state, now_ms),
    }


def _result(last: TaskRun) -> str:
    word = "unfinished" if last.unfinished and not last.problems else last.result.value
    return f"{word}: {last.problems[0]}" if last.problems else word


def _due(state: TaskState, now_ms: int) -> str:
    if state.due_ms is None:
        return "on request"
    late = "overdue since " if state.is_overdue(now_ms) else ""
    return f"{late}{format_time(state.due_ms)}"


pattern_argument = click.argument("pattern")


@click.group()
def names() -> None:
    """List, add and remove reserved names.

    Only administrators and the operator can create organizations with these names.
    """


@names.command("list")
@as_json
def list_names(output: OutputFormat) -> None:
    """List the reserved names: their patterns, reasons and sources."""

    async def work(registry: Registry) -> list[TableRow]:
        reserved = await registry.organizations.reserved_names.all(by=OPERATOR)
        fixed = [(each, "built in") for each in (*reserved.built_in, *reserved.words)]
        fixed += [(each, "BALLROOM_RESERVED_NAMES") for each in reserved.configured]
        rows: list[TableRow] = [
            {"pattern": pattern, "reason": None, "by": source, "since": None}
            for pattern, source in fixed
        ]
        for each, by in reserved.stored:
            since = format_time(each.since_ms)
            rows.append({"pattern": each.pattern, "reason": each.reason, "by": by, "since": since})
        return rows

    print_rows(with_registry(work), output)


@names.command()
@pattern_argument
@click.option("--reason", required=True, help="The reason; administrators see it.")
def add(pattern: str, reason: str) -> None:
    """Reserve the names that match PATTERN. In it, * is any text and ? is any character.

    \b
    Example:
      python -m shared.cli names add "wso2*" --reason "Theirs."
    """

    async def work(registry: Registry) -> ReservedName:
        return await registry.organizations.reserved_names.add(pattern, reason, by=OPERATOR)

    reserved = with_registry(work)
    click.echo(f"Nobody can create an organization that matches {reserved.pattern} any more.")


@names.command()
@pattern_argument
def remove(pattern: str) -> None:
    """Remove the reserved name PATTERN."""

    async def work(registry: Registry) -> None:
        await registry.organizations.reserved_names.remove(pattern, by=OPERATOR)

    with_registry(work)
    click.echo(f"{pattern} is free again.")


@names.command()
@click.argument("name")
def check(name: str) -> None:
    """Check whether an organization can be called NAME, and say why not."""

    async def work(registry: Registry) -> NameAvailability:
        return await registry.organizations.reserved_names.look_up(name, by=OPERATOR)

    availability = with_registry(work)
    click.echo(f"{name} is free." if availability.is_free else f"{name} is not free:")
    for reason in availability.organization:
        click.echo(f"- {reason}")


@click.group("read-only")
def read_only() -> None:
    """Turn read-only mode on and off, for example for a move or a restore."""


@read_only.command()
@click.option(
    "--reason",
    required=True,
    help='Completes the sentence "This registry is in read-only mode: …".',
)
def on(reason: str) -> None:
    """Turn read-only mode on. All processes follow within five seconds; clients get the reason.

    \b
    Example:
      python -m shared.cli read-only on --reason "moving house until 22:00"
    """

    async def work(registry: Registry) -> ReadOnlyState:
        return await registry.limits.notices.enter_read_only_mode(reason, by=OPERATOR)

    click.echo(TakesNoChanges(with_registry(work).reason))
    click.echo(
        "Requests in progress are completed: wait ten seconds until nothing more is written."
    )


@read_only.command()
def off() -> None:
    """Turn read-only mode off. All processes follow within five seconds."""

    async def work(registry: Registry) -> None:
        await registry.limits.notices.leave_read_only_mode(by=OPERATOR)

    with_registry(work)
    click.echo("Changes are taken.")


@read_only.command()
def show() -> None:
    """Say whether read-only mode is on; the exit code is 1 if it is."""

    async def work(registry: Registry) -> ReadOnlyState | None:
        return (await registry.limits.notices.current(by=OPERATOR)).read_only

    found = with_registry(work)
    if found is None:
        click.echo("Changes are taken.")
        return
    click.echo(f"No changes are taken since {format_time(found.since_ms)}: {found.reason}.")
    raise SystemExit(1)


@click.command()
def rights() -> None:
    """Print the table of rights, as in docs/reference/rights.md."""
    click.echo(rights_table())
