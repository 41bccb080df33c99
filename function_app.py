"""The app that the Functions host loads."""

from pydantic import ValidationError

from functions.faces import build_app, invalid_settings_app
from shared.bootstrap import build_registry
from shared.log import log
from shared.settings import Settings, refused_setting, setting_problem

try:
    registry = build_registry(Settings.load())
    registry.api_docs_queue.enable()
    app = build_app(registry)
except ValidationError as invalid:
    log.error("settings.refused", reason=setting_problem(invalid))
    app = invalid_settings_app(refused_setting(invalid))
