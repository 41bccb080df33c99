"""The app that the Functions host loads.

`start` imports what it needs when it is called, so that an import that fails is an error at start
like any other; functions/failed_start.py says what is served then.
"""

import gc

# Everything that is imported and built here lives until the process ends. Collections during the
# import find nothing, and take a seventh of its time.
gc.disable()

from functools import cache  # noqa: E402 - as above.
from typing import TYPE_CHECKING  # noqa: E402

import azure.functions as func  # noqa: E402

from functions.failed_start import SettingRefused, started_app  # noqa: E402

if TYPE_CHECKING:
    from shared.registry import Registry


def start() -> func.FunctionApp:
    """Return the app of the registry; raise `SettingRefused`, or whatever fails."""
    from functions.faces import build_app

    return build_app(registry())


@cache  # Cached, so that only a later step that fails is repeated.
def registry() -> "Registry":
    """Return the registry, which serves clients."""
    from pydantic import ValidationError

    from shared.bootstrap.build import build_registry
    from shared.bootstrap.data_folder import is_unprepared
    from shared.settings import Settings
    from shared.settings.problems import refused_setting, setting_problem, unknown_settings
    from shared.telemetry.log import log

    for sentence in unknown_settings():  # They may be settings of the code that is deployed next.
        log.error("settings.unknown", reason=sentence)
    try:
        settings = Settings.load()
    except ValidationError as invalid:
        raise SettingRefused(refused_setting(invalid), setting_problem(invalid)) from None
    if is_unprepared(settings):  # As where `func start` serves a new data folder.
        from shared.bootstrap.migration import create_stores

        create_stores(settings)
    built = build_registry(settings)
    built.api_docs.queue.enable()
    return built


try:
    app = started_app(start)
finally:
    gc.freeze()  # Later garbage collections skip these objects.
    gc.enable()
