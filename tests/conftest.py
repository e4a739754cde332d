"""Settings of all tests."""

from hypothesis import settings

# Where pode_py is installed, pytest finds them by itself; the tests run without that, too.
from pode_py.testing.fixtures import live_server, pode_client  # noqa: F401

# Deadlines measure how busy the machine is. What must be fast has a benchmark; what must end has
# pytest-timeout.
settings.register_profile("pode_py", deadline=None)
settings.load_profile("pode_py")
