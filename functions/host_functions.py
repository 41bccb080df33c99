"""The Functions that the host calls, whether or not the registry was started.

Nothing is imported here: `functions.failed_start` answers although an import fails.
"""

CATCH_ALL = "zz_missing"  # The host takes the first Function by name whose route matches.
EVERY_PATH = "{*path}"
TIMER = "timer_upkeep"
# A few seconds after the task of each minute is due, so that a host whose clock is ahead does not
# skip a minute.
TIMER_SCHEDULE = "20 * * * * *"
