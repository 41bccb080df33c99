"""upkeep …, names … and read-only …: administration of the whole registry."""

from collections.abc import Awaitable, Callable
from typing import TextIO

import click

from shared.commands.base import Rows, format_time, in_registry
from shared.composition import Registry
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.requests import TakesNoChanges
from shared.domain.principals import OPERATOR
from shared.domain.status import TaskReport, TaskRun, TaskState
from shared.services.maintenance.tasks import require_task


@click.group()
def upkeep() -> None:
    """List and run maintenance tasks."""


@upkeep.command("list")
@in_registry
async def list_tasks(registry: Registry) -> Rows:
    """List the maintenance tasks: their last run, its result, and the next run.

    \b
    Example:
      ballroom upkeep list
    """
    now_ms = registry.clock.now_ms()
    return [_row(each, now_ms) for each in await registry.maintenance.task_runner.task_states()]


@upkeep.command()
@click.argument("name", required=False)
@click.option(
    "--force", is_flag=True, help="Run NAME even if it would stop because it deletes too much."
)
@in_registry
async def run(registry: Registry, name: str | None, *, force: bool) -> None:
    """Run the maintenance task NAME, or all of them. Each may be repeated.

    With --force, delete-orphaned-archives deletes archives however many they are. Use it only if
    the database is the right one.

    \b
    Examples:
      ballroom upkeep run
      ballroom upkeep run audit-archives
      ballroom upkeep run delete-orphaned-archives --force
    """
    if force and name is None:
        sentence = "--force needs the name of a task."
        raise InvalidRequest(sentence)
    runner = registry.maintenance.task_runner
    run_once = runner.run_forced if force else runner.run
    tasks = registry.maintenance.tasks
    chosen = [require_task(tasks, name).id] if name is not None else list(tasks)
    has_problems = False
    for task in chosen:
        for report in await _whole(run_once, task):
            if report is None:
                click.echo(f"{task}: another process is running it.")
                continue
            click.echo(f"{task}: checked {report.seen}, changed {report.changed}.")
            for problem in report.problems:
                click.echo(f"  {problem}")
            has_problems |= bool(report.problems)
    if has_problems:
        raise click.exceptions.Exit(1)


async def _whole(
    run_once: Callable[[str], Awaitable[TaskReport | None]], task: str
) -> list[TaskReport | None]:
    """Run a task until it is finished, where the schedule would continue with its next run."""
    reports = [await run_once(task)]
    while (last := reports[-1]) is not None and last.unfinished:
        reports.append(await run_once(task))
    return reports


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
    """List, add and remove reserved names, and replace the policy for names.

    Only administrators and the operator can create organizations with these names.
    """


@names.command("list")
@in_registry
async def list_names(registry: Registry) -> Rows:
    """List the reserved names: their patterns, reasons and sources."""
    reserved = await registry.organizations.reserved_names.all(by=OPERATOR)
    rows: list[tuple[object, ...]] = [
        *((each, None, "built in", None) for each in (*reserved.built_in, *reserved.words)),
        *((each, None, "BALLROOM_RESERVED_NAMES", None) for each in reserved.configured),
        *(
            (each.pattern, each.reason, by, format_time(each.since_ms))
            for each, by in reserved.stored
        ),
    ]
    return [dict(zip(("pattern", "reason", "by", "since"), row, strict=True)) for row in rows]


@names.command()
@pattern_argument
@click.option("--reason", required=True, help="The reason; administrators see it.")
@in_registry
async def add(registry: Registry, pattern: str, reason: str) -> str:
    """Reserve the names that match PATTERN. In it, * is any text and ? is any character.

    \b
    Example:
      ballroom names add "wso2*" --reason "Theirs."
    """
    added = await registry.organizations.reserved_names.add(pattern, reason, by=OPERATOR)
    return f"Nobody can create an organization that matches {added.pattern} any more."


@names.command()
@pattern_argument
@in_registry
async def remove(registry: Registry, pattern: str) -> str:
    """Remove the reserved name PATTERN."""
    await registry.organizations.reserved_names.remove(pattern, by=OPERATOR)
    return f"{pattern} is free again."


@names.command("policy")
@click.argument("file", required=False, type=click.File(encoding="utf-8"))
@click.option("--default", "is_default", is_flag=True, help="Go back to the default text.")
@in_registry
async def policy_of_names(registry: Registry, file: TextIO | None, *, is_default: bool) -> str:
    """Replace the policy for names, which /policies/names shows, by the Markdown in FILE.

    - reads standard input. Without FILE this prints the words of the operator, if there are any.

    \b
    Examples:
      ballroom names policy names.md
      ballroom names policy --default
    """
    policies = registry.administration.policies
    if is_default:
        await policies.reset(by=OPERATOR)
        return "The default policy for names is shown again."
    if file is not None:
        await policies.replace(file.read(), by=OPERATOR)
        return "The policy for names was replaced."
    policy = await policies.of_names()
    return policy.text.rstrip() if policy else "The default policy for names is shown."


@click.group("read-only")
def read_only() -> None:
    """Turn read-only mode on and off, for example for a move or a restore."""


@read_only.command()
@click.option(
    "--reason",
    required=True,
    help='Completes the sentence "This registry is in read-only mode: …".',
)
@in_registry
async def on(registry: Registry, reason: str) -> str:
    """Turn read-only mode on. All processes follow within five seconds; clients get the reason.

    \b
    Example:
      ballroom read-only on --reason "moving house until 22:00"
    """
    state = await registry.limits.notices.enter_read_only_mode(reason, by=OPERATOR)
    return (
        f"{TakesNoChanges(state.reason)}\n"
        "Requests in progress are completed: wait ten seconds until nothing more is written."
    )


@read_only.command()
@in_registry
async def off(registry: Registry) -> str:
    """Turn read-only mode off. All processes follow within five seconds."""
    await registry.limits.notices.leave_read_only_mode(by=OPERATOR)
    return "Changes are taken."


@read_only.command()
@in_registry
async def show(registry: Registry) -> str:
    """Say whether read-only mode is on; the exit code is 1 if it is."""
    found = (await registry.limits.notices.current(by=OPERATOR)).read_only
    if found is None:
        return "Changes are taken."
    click.echo(f"No changes are taken since {format_time(found.since_ms)}: {found.reason}.")
    raise click.exceptions.Exit(1)
