"""The packages of the extra `azure`, which a registry on one machine does not need.

They are pinned in infra/requirements.txt. The wheel and the image have them where the extra is
asked for, the package for Azure always.
"""

from importlib.metadata import PackageNotFoundError, version

from shared.telemetry.log import log

# Distributions of the extra that the registry imports, and none of what these require.
STORES = ("azure-cosmos", "azure-storage-blob")
TELEMETRY = ("azure-monitor-opentelemetry-exporter", "opentelemetry-sdk")

# The file of the wheel is named, because anybody may register the name itself in a package index.
AZURE_EXTRA = (
    "Install the extra: `pip install './ballroom-VERSION-py3-none-any.whl[azure]'` with the file "
    "of your wheel, or in a clone "
    "`.ci/environment infra/requirements.txt .venv`; the image that has it is the one whose tag "
    "ends in -azure."
)


class AzureExtraMissing(Exception):
    """The stores of the cloud are configured, and their clients are not installed."""

    def __init__(self, trouble: str) -> None:
        """Say what is missing, and how it is installed."""
        super().__init__(f"{trouble} {AZURE_EXTRA}")


def missing_telemetry() -> str:
    """Return why nothing can be sent to Application Insights, or an empty text."""
    for distribution in TELEMETRY:
        if not _is_installed(distribution):
            return (
                f"APPLICATIONINSIGHTS_CONNECTION_STRING is set, and {distribution} is not "
                "installed here, so no metrics and no traces are exported."
            )
    return ""


def telemetry_is_installed() -> bool:
    """Tell whether something can be sent to Application Insights; log an error where it cannot."""
    missing = missing_telemetry()
    if missing:
        log.error("telemetry.unavailable", reason=missing)
    return not missing


def missing_stores() -> str:
    """Return why the stores of the cloud cannot be opened, or an empty text."""
    for distribution in STORES:
        if not _is_installed(distribution):
            return f"BALLROOM_COSMOS_ENDPOINT is set, and {distribution} is not installed here."
    return ""


def _is_installed(distribution: str) -> bool:
    """Look at what is installed: to look for a module imports the packages that it is in, and the
    start of an app would wait for them."""
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
