"""The registry on one machine: `python -m shared.localhost`, which `make run` calls.

The parent process binds the address, prepares the data folder and prints the start message before
clients can connect: to itself, or to workers that share its socket.
"""

import gc

# Everything that is imported here lives until the process ends. Collections during the import find
# nothing, and take a fifth of its time.
_is_collecting = gc.isenabled()
gc.disable()

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from threading import Thread

from pydantic import ValidationError

from functions.api.dry_runs import DRY_RUN
from functions.archives import archive_caller, archive_to_send, link_of
from functions.central.central_face import failure_answer, refusal_answer
from functions.faces import build_app, build_models, operations, warm_up
from functions.http.answer_caching import hit_recorder, recognizer
from functions.http.calls import Exchange
from functions.http.rerouting import Rerouting
from functions.metrics import METRICS
from shared.auth.authentication import RequestClient
from shared.bootstrap.backups import refuse_half_restored
from shared.bootstrap.build import START_ERRORS, build_registry
from shared.bootstrap.data_folder import sentence_of_file, settings_file
from shared.bootstrap.migration import prepared_stores
from shared.bootstrap.serving import (
    is_readable_without_room,
    prepare_search,
    require_no_other_start,
    require_prepared_folder,
    require_whole_folder,
    serving_as_application,
    serving_as_worker,
    starting,
)
from shared.commands.first_start import ReadOnlyWelcome, Welcome, first_start
from shared.domain.body_sizes import MAX_BODY_BYTES, MAX_MULTIPART_OVERHEAD_BYTES
from shared.domain.client_addresses import caller_network, is_shared
from shared.domain.errors.base import Refusal, Unauthenticated
from shared.domain.errors.packages import ArchiveLost
from shared.domain.errors.requests import StorageFull, TooManyRequests
from shared.hosting.file_responses import FileRefusal, FileResolver, FileResponse, FollowedRedirects
from shared.hosting.host import AnswerCacheOptions, Host, LifespanHook, TimerOptions
from shared.hosting.http_server.processes import ServerOptions, serve, serve_as_worker
from shared.hosting.http_server.server import Certificate, ConnectionLimits
from shared.hosting.request_bodies import BodySender, HostLimits, IdentifySender
from shared.hosting.responses import configured_headers
from shared.hosting.triggers import StartRefused
from shared.program import respelled, typed_spelling
from shared.registry import Registry
from shared.runtime.answers import REQUEST_ID_HEADER, Answer, AnswerCachePolicy
from shared.runtime.background_tasks import BackgroundTasks
from shared.settings import Settings
from shared.settings.problems import setting_problem, unknown_settings
from shared.telemetry.log import log
from shared.telemetry.metrics import BROKEN, STREAMED, set_backend

if _is_collecting:
    gc.freeze()  # Later garbage collections skip these objects.
    gc.enable()

# Only redirects of Maven are followed here: clients of Central read the headers of the redirect.
MAVEN_PATHS = "/2.0/maven/"
WORKER = "--worker"


def main(arguments: Sequence[str]) -> int:
    """Serve until a signal; return the exit code."""
    try:
        _serve(_settings_of_start(), arguments)
    except (StartRefused, Refusal, *START_ERRORS) as obstacle:
        print(respelled(str(obstacle), typed_spelling()), file=sys.stderr)
        return 1
    except OSError as failure:
        sentence = sentence_of_file(failure)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 1
    return 0


def _settings_of_start() -> Settings:
    """Return the settings; raise `StartRefused` for values that cannot be used, and for unknown
    settings, of which one may be meant to close the registry."""
    if unknown := unknown_settings():
        raise StartRefused("\n".join(unknown))
    try:
        return Settings.load()
    except ValidationError as invalid:
        raise StartRefused(setting_problem(invalid)) from None


def _serve(settings: Settings, arguments: Sequence[str]) -> None:
    plan = server_options(settings)
    if settings.is_address_unknown:
        scheme = "https" if settings.tls_cert else "http"
        example = f"{scheme}://registry.example.com:{settings.port}"
        message = (
            f"BALLROOM_HOST={settings.host} listens on every address of this machine, and links to "
            "the registry need the one that its clients use. "
            f"Set it too, for example BALLROOM_URL={example}."
        )
        raise StartRefused(message)
    match arguments:
        case [flag, descriptor] if flag == WORKER:
            with serving_as_worker(settings):
                serve_as_worker(plan, int(descriptor))
        case _:
            _start(settings, plan)


def _start(settings: Settings, plan: ServerOptions) -> None:
    # Before anything is written to the folder: the restore is repeated to an empty one.
    refuse_half_restored(settings)
    # Before the address is bound: a second start over the folder names the process of the first,
    # also if both have one port.
    require_no_other_start(settings)
    welcomes: list[Welcome | ReadOnlyWelcome] = []
    with ExitStack() as served:

        def begin() -> None:
            served.enter_context(starting(settings))
            welcomes.append(prepare_data_folder(settings))

        serve(plan, prepare=begin, announce=lambda: print(*welcomes, flush=True))


def server_options(settings: Settings) -> ServerOptions:
    certificate = Certificate(settings.tls_cert, settings.tls_key) if settings.tls_cert else None
    return ServerOptions(
        host=settings.host,
        port=settings.port,
        data=settings.data,
        build=lambda: build_host(settings),
        worker_command=_worker_command,
        workers=settings.workers,
        certificate=certificate,
        limits=ConnectionLimits(
            connections=settings.max_connections,
            connections_of_address=settings.max_connections_of_address,
            proxies=settings.proxies,
        ),
    )


def _print_progress(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def prepare_data_folder(settings: Settings) -> Welcome | ReadOnlyWelcome:
    """Migrate the data folder and return the start message; runs once, before any worker.

    On a full disk nothing is prepared, and the registry is read-only until there is room.

    Raises `DatabaseLost` over a folder that has archives, keys or copies, and not their database.
    """
    require_whole_folder(settings)
    # Counters of processes of an earlier start.
    for file in metrics_folder(settings).glob("*.json"):
        # If a file cannot be deleted, its counters continue from its values.
        with suppress(OSError):
            file.unlink()
    try:
        with prepared_stores(settings, _print_progress):
            return asyncio.run(_first_start(settings))
    except StorageFull:
        if not is_readable_without_room(settings):
            message = (
                f"The disk of the data folder {settings.data} is full, and nothing can be served "
                "from it without some room. Make room there, and start again."
            )
            raise StartRefused(message) from None
        return ReadOnlyWelcome(settings.base_url, settings.data)


async def _first_start(settings: Settings) -> Welcome:
    registry = build_registry(settings)
    try:
        return await first_start(registry, settings_file(settings))
    finally:
        await registry.close()


def application() -> Host:
    """Return the application over a prepared data folder, for any server of ASGI applications.

    docs/run/self-hosting.md says how, and what is lost.
    """
    settings = _settings_of_start()
    require_prepared_folder(settings)
    served = ExitStack()
    served.enter_context(serving_as_application(settings))
    return build_host(settings, served)


def build_host(settings: Settings, served: ExitStack | None = None) -> Host:
    """Return the application; `served` is closed when it has stopped."""
    warming_up = BackgroundTasks()

    async def start_warming_up() -> None:
        warming_up.start(_warm_up(settings))

    on_stop: list[LifespanHook] = [warming_up.cancel]
    if settings.metrics != "off":
        on_stop.append(_collect_metrics(settings))
    released = [] if served is None else [partial(asyncio.to_thread, served.close)]
    registry = build_registry(settings)
    registry.api_docs.queue.enable()
    answer_cache = AnswerCacheOptions(registry.edition, recognizer(registry))
    return Host(
        build_app(registry),
        headers=configured_headers(settings.base_url),
        archives=archive_resolver(registry),
        redirects=FollowedRedirects(MAVEN_PATHS, settings.base_url),
        timers=TimerOptions(settings.data / "timers", registry.clock),
        answer_cache=answer_cache if settings.answer_memory else None,
        limits=HostLimits(
            body_bytes=settings.max_archive_bytes + MAX_MULTIPART_OVERHEAD_BYTES,
            large_bodies=settings.max_archives_in_hand,
            anonymous_bytes=settings.max_anonymous_bytes,
        ),
        identify=sender_identifier(registry),
        on_start=[start_warming_up],
        on_stop=[*on_stop, registry.close, *released],
        closed_to_pages=[f"/{METRICS}"],
    )


async def _warm_up(settings: Settings) -> None:
    """Load what the first requests need, while others are answered."""

    def warm_up_in_thread() -> None:
        try:
            prepare_search()
            warm_up(settings)
        except Exception:  # The first request that needs what could not be made gets the error.
            log.exception("start.unprepared")

    try:
        await build_models()
    except Exception:  # The first request that needs it gets the error.
        log.exception("start.unprepared")
    # A process that stops meanwhile does not wait for it.
    Thread(target=warm_up_in_thread, name="warm-up", daemon=True).start()


def _collect_metrics(settings: Settings) -> LifespanHook:
    """Collect metrics in this process; return what writes the last ones."""
    from shared.telemetry.prometheus import PrometheusBackend  # noqa: PLC0415 - takes 30 ms.

    backend = PrometheusBackend(metrics_folder(settings))
    set_backend(backend)
    return partial(asyncio.to_thread, backend.write)


def metrics_folder(settings: Settings) -> Path:
    """Return the folder in which the processes of the registry write their metrics."""
    return settings.data / "metrics"


def sender_identifier(registry: Registry) -> IdentifySender:
    """Return a function that identifies the sender of a request, and whether they may send an
    archive: to publish it, or to check it."""
    larger = [each for each in operations(registry.settings) if each.most_bytes > MAX_BODY_BYTES]
    taking_more = Rerouting(larger)
    proxies = registry.settings.proxies
    authenticate = registry.identity.authentication.authenticate

    async def identify(headers: Mapping[str, str], path: str) -> BodySender:
        client = RequestClient.of(headers, proxies)
        address = "" if is_shared(client.address, proxies) else caller_network(client.address)
        most_bytes = max((each.most_bytes for each in taking_more.operations(path)), default=0)
        stranger = BodySender(address, most_bytes=most_bytes)
        try:
            # Checked here, because a request whose body never arrives reaches no Function.
            registry.limits.rate_limiter.require_below_limit(client.address)
            caller = await authenticate(headers, client)
            if path.strip("/") == DRY_RUN:
                may_send = await registry.publishing.dry_runs.may_check(caller)
            else:
                may_send = await registry.publishing.rights.may_publish(caller)
        except Unauthenticated:
            with suppress(TooManyRequests):
                registry.limits.rate_limiter.count_unverified(client.address)
            return stranger
        except Refusal:  # The Function refuses the request itself.
            return stranger
        return BodySender(address, caller.id) if may_send else stranger

    return identify


def archive_resolver(registry: Registry) -> FileResolver | None:
    """Return a function that finds archives to stream, if archives are files of this machine."""
    path_of = registry.adapters.archive_path
    edition = registry.adapters.edition
    if path_of is None:
        return None

    async def resolve(
        parts: Sequence[str], params: Mapping[str, str], headers: Mapping[str, str]
    ) -> FileResponse | FileRefusal:
        exchange = Exchange.begin("archive_stream", headers.get("traceparent", ""))
        try:
            edition_number = edition.number
            link = link_of(parts, params)
            caller = await archive_caller(registry, link, headers)
            exchange.principal = caller.id
            registry.limits.rate_limiter.count_read(caller)
            found = await archive_to_send(registry, link, caller, exchange)
        except Refusal as refusal:
            return _refused(exchange, refusal)
        except Exception:
            return _failed(exchange)

        def answered(status: int) -> AnswerCachePolicy | None:
            exchange.end(status, STREAMED)
            if found.depends_on is None:
                return None
            record = hit_recorder(registry, exchange.operation, status=status)
            return AnswerCachePolicy(record, edition_number, found.depends_on.packages)

        return FileResponse(
            path=path_of(found.name),
            size=found.size,
            etag=found.etag,
            headers={**found.headers, REQUEST_ID_HEADER: exchange.request_id},
            answered=answered,
            refuse_damaged=lambda: _refused(exchange, ArchiveLost(found.name.coordinate)),
            refuse_failed=lambda: _failed(exchange),
        )

    return resolve


def _refused(exchange: Exchange, refusal: Refusal) -> FileRefusal:
    return _ended(exchange, refusal_answer(refusal), refusal.outcome)


def _failed(exchange: Exchange) -> FileRefusal:
    """Log the exception that is being handled, and return the answer to a call that failed."""
    exchange.note_failure()
    return _ended(exchange, failure_answer(exchange.request_id), BROKEN)


def _ended(exchange: Exchange, answer: Answer, outcome: str) -> FileRefusal:
    exchange.end(answer.status, outcome)
    added = {REQUEST_ID_HEADER: exchange.request_id, "Content-Type": answer.content_type}
    return FileRefusal(answer.status, {**answer.headers, **added}, answer.body)


def _worker_command(descriptor: int) -> list[str]:
    return [sys.executable, "-m", "shared.localhost", WORKER, str(descriptor)]


if __name__ == "__main__":
    os.umask(0o077)  # Files are for their owner only, even in a folder that others may enter.
    sys.exit(main(sys.argv[1:]))
