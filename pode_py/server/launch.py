"""life_of: one start_server call, in this process or with several worker processes."""

from __future__ import annotations

from pode_py.core.errors import StartError
from pode_py.server.configuration.arguments import StartArguments
from pode_py.server.console.screen import hold_standard_descriptors
from pode_py.server.lifecycle import Lifecycle
from pode_py.server.processes.parent import Parent
from pode_py.server.shutdown import exit_of
from pode_py.server.startup import SetUp


def life_of(arguments: StartArguments, set_up: SetUp) -> Lifecycle | Parent:
    """What runs until the server has stopped. Raises SystemExit for a configuration that can't be
    read."""
    hold_standard_descriptors()  # else a file that is read gets the number of one
    try:
        options = arguments.read()
    except StartError as error:
        raise exit_of(error) from error
    kind = Lifecycle if options.workers == 1 else Parent
    return kind(options, set_up, arguments.read)
