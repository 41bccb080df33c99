"""The app that the Functions host loads."""

import gc

# Everything that is imported and built here lives until the process ends. Collections during the
# import find nothing, and take a seventh of its time.
gc.disable()

from pydantic import ValidationError  # noqa: E402 - as above.

from functions.faces import build_app, invalid_settings_app  # noqa: E402
from shared.bootstrap import build_registry  # noqa: E402
from shared.log import log  # noqa: E402
from shared.settings import Settings  # noqa: E402
from shared.settings.problems import refused_setting, setting_problem, unknown_settings  # noqa: E402

for sentence in unknown_settings():  # They may be those of code that is deployed next.
    log.error("settings.unknown", reason=sentence)
try:
    registry = build_registry(Settings.load())
    registry.api_docs.queue.enable()
    app = build_app(registry)
except ValidationError as invalid:
    log.error("settings.refused", reason=setting_problem(invalid))
    app = invalid_settings_app(refused_setting(invalid))
finally:
    gc.freeze()  # Later collections do not look through it.
    gc.enable()
