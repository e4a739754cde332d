"""The front door: every name a script needs. No logic here; each function lives in its room."""

import typing as _typing

from pode_py.background.schedules.event import *
from pode_py.background.schedules.functions import *
from pode_py.background.timers.event import *
from pode_py.background.timers.functions import *
from pode_py.core.ambient import front_door as _front_door
from pode_py.core.errors import *
from pode_py.core.names import missing_names as _missing_names
from pode_py.core.registration import public_names as _public_names
from pode_py.monitoring.metrics.functions import *
from pode_py.monitoring.metrics.route_functions import *
from pode_py.monitoring.metrics.sse_functions import *
from pode_py.observability.logs.functions import *
from pode_py.observability.logs.methods.functions import *
from pode_py.push.backplane.functions import *
from pode_py.push.connections.event import *
from pode_py.push.sse.event_functions import *
from pode_py.push.sse.functions import *
from pode_py.push.sse.script_functions import *
from pode_py.push.sse.settings_functions import *
from pode_py.server.configuration.functions import *
from pode_py.server.event_functions import *
from pode_py.server.functions import *
from pode_py.web.bodies.functions import *
from pode_py.web.cookies.functions import *
from pode_py.web.endpoints.functions import *
from pode_py.web.endpoints.proxy_functions import *
from pode_py.web.errors.functions import *
from pode_py.web.errors.page_functions import *
from pode_py.web.event import *
from pode_py.web.headers.functions import *
from pode_py.web.middleware.functions import *
from pode_py.web.responses.data_functions import *
from pode_py.web.responses.functions import *
from pode_py.web.responses.view_functions import *
from pode_py.web.routing.functions import *
from pode_py.web.static.mime_functions import *
from pode_py.web.views.functions import *

# Type checkers and editors follow the lines above, and know nothing of a list put together here.
# They refuse a name that is not there, where the running program says what is planned.
if not _typing.TYPE_CHECKING:
    __all__ = _public_names(globals())
    __getattr__ = _missing_names(__all__, __file__)
    _front_door.update({name: globals()[name] for name in __all__})
