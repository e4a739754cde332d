"""Settings of all tests."""

from hypothesis import settings

# Deadlines measure how busy the machine is. What must be fast has a benchmark; what must end has
# pytest-timeout.
settings.register_profile("pode_py", deadline=None)
settings.load_profile("pode_py")
