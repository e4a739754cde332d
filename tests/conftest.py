"""Settings of all tests."""

import os

from hypothesis import settings

# Where pode_py is installed, pytest finds them by itself; the tests run without that, too.
from pode_py.testing.fixtures import live_server, pode_client  # noqa: F401

# Deadlines measure how busy the machine is. What must be fast has a benchmark; what must end has
# pytest-timeout.
settings.register_profile("pode_py", deadline=None)
# CI tries the same examples each time: what it finds belongs to the change it looks at. New
# examples are for whoever works on the code.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "pode_py")
