"""Never lost, never half: processes die, stores fail, disks fill up, many push at once."""

import pytest

pytest.register_assert_rewrite("tests.crash.recovery")
