"""The line that runs an operator's command on a registry, as messages and the first start quote it.

Without click, which no start of a registry needs.
"""

import shlex

from shared.program import launcher
from shared.settings import Settings


def operator_command(settings: Settings, *arguments: str) -> str:
    """Return a line that runs an operator's command on this registry, from any folder and in any
    shell; without secrets, so the stores of a registry in the cloud are left out."""
    if settings.command:
        return f"{settings.operator_program} {shlex.join(arguments)}"
    variables = {} if settings.is_in_the_cloud else {"BALLROOM_DATA": str(settings.data.absolute())}
    if settings.config is not None:
        variables["BALLROOM_CONFIG"] = str(settings.config.absolute())
    if settings.base_url != Settings().base_url:
        variables["BALLROOM_URL"] = settings.base_url
    assignments = "".join(f"{name}={shlex.quote(value)} " for name, value in variables.items())
    program = settings.launcher or launcher()
    return f"{assignments}{program} {shlex.join(arguments)}"
