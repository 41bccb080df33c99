"""upkeep …: maintenance tasks."""

from collections.abc import Awaitable, Callable

import click

from shared.commands.base import Rows, format_time, in_registry, sentence_of
from shared.domain.errors.base import InvalidRequest
from shared.domain.tasks import TaskReport, TaskRun, TaskState
from shared.registry import Registry
from shared.services.maintenance.tasks import require_task
from shared.telemetry.log import log


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

    A task that fails does not stop the others. The command then ends with exit code 1.

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
        try:
            reports = await _whole(run_once, task)
        except Exception as failure:
            if name is not None:
                raise
            click.echo(f"{task}: {_sentence(failure, task)}")
            has_problems = True
            continue
        for report in reports:
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


def _sentence(failure: Exception, task: str) -> str:
    sentence = sentence_of(failure)
    if sentence is None:
        log.exception("upkeep.failed", task=task)
        sentence = f"unexpected failure ({type(failure).__name__}); the log has it."
    return sentence


def _row(state: TaskState, now_ms: int) -> dict[str, object]:
    last = state.last_run
    return {
        "task": state.task,
        "last": format_time(last.started_ms) if last else None,
        "seconds": (last.ended_ms - last.started_ms) / 1000 if last else None,
        "result": _result(last) if last else None,
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
