"""Templates of pages, compiled once for all processes of tests: for each it would take seconds."""

from jinja2 import BytecodeCache, Environment, FileSystemBytecodeCache
from jinja2.loaders import BaseLoader

from shared.prose import template_engine
from tests.paths import ROOT

FOLDER = ROOT / ".test-results" / "templates"  # By the hashes of their texts.


def share_compiled_templates() -> None:
    """Let pages keep what they compile, and find what another process has compiled."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    compiled = FileSystemBytecodeCache(str(FOLDER))
    make = template_engine.page_environment

    def page_environment(loader: BaseLoader, _compiled: BytecodeCache | None = None) -> Environment:
        environment = make(loader)
        environment.bytecode_cache = compiled
        return environment

    template_engine.page_environment = page_environment
