"""The sample app where the worker looks for an app."""

from tests.support.sample_app import build_app

app = build_app()
