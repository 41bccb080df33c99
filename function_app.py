"""The app that the Functions host loads."""

from functions.faces import build_app
from shared.bootstrap import build_registry
from shared.settings import Settings

app = build_app(build_registry(Settings.load()))
