"""Keys: every setting that a configuration can make of the server, and what becomes of it.

When a room begins to honour a setting, its LATER goes, and rooms.py gives the value to the room.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from pode_py.core.arguments import MOST_THREADS
from pode_py.server.configuration.kinds import (
    ANYTHING,
    PAIRS,
    SWITCH,
    TEXT,
    SettingKind,
    choice,
    number,
    texts,
    whole,
)

#: Honoured; known, and not honoured yet; known, and without a meaning here.
Use = Literal["now", "later", "never"]
LATER: Final = "later"

MOST_WORKERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Key:
    """`path` as Pode writes it. `reason`: why it has no meaning; `sockets`: it is of a server that
    listens itself, and so of none under asgi_app."""

    path: str
    kind: SettingKind
    use: Use = "now"
    reason: str = ""
    sockets: bool = False


_COLORS: Final = (
    "Header EndpointsHeader Endpoints EndpointsProtocol EndpointsFlag EndpointsName OpenApiUrls "
    "OpenApiHeaders OpenApiTitles OpenApiSubtitles HelpHeader HelpKey HelpDescription HelpDivider "
    "Divider MetricsHeader MetricsLabel MetricsValue"
)
_BINDINGS: Final = (
    "Browser Help OpenAPI Endpoints Clear Quiet Terminate Restart Disable Suspend Metrics"
)
_FILES: Final = texts('["*.py"]')

KEYS: Final = (
    Key("Server.Root", TEXT),
    Key("Server.Name", TEXT),
    Key("Server.AppName", TEXT),
    Key("Server.Threads", whole(1, MOST_THREADS, "16")),
    Key("Server.Workers", whole(1, MOST_WORKERS, "4"), sockets=True),
    Key("Server.Grace", number(0, example="10")),
    Key("Server.HandlerTimeout", number(0)),
    Key("Server.KeepAliveTimeout", number(0.1, example="75"), sockets=True),
    Key("Server.DeadClientTimeout", number(1)),
    Key("Server.ShutdownDelay", number(0, example="5"), LATER),
    Key("Server.Engine", choice("h11", "uvicorn"), sockets=True),
    Key("Server.Request.Timeout", number(0.1)),
    Key("Server.Request.BodySize", whole(1, example="104857600")),
    Key("Server.Ssl.Protocols", texts('["tls13"]', "tls12", "tls13"), sockets=True),
    Key("Server.DefaultFolders.Public", TEXT),
    Key("Server.DefaultFolders.Views", TEXT),
    Key("Server.DefaultFolders.Errors", TEXT),
    Key("Server.Restart.Period", number(0, "minutes", "180")),
    Key("Server.Restart.Times", texts('["09:00"]')),
    Key("Server.Restart.Crons", texts('["0 3 * * SUN"]')),
    Key("Server.Logging.Enable", SWITCH),
    Key("Server.Logging.Masking.Patterns", texts('["Password=\\\\w+"]')),
    Key("Server.Logging.Masking.Mask", TEXT),
    Key("Server.Logging.Formatting.Log", TEXT, LATER),
    Key("Server.Logging.Formatting.Syslog", TEXT, LATER),
    Key("Server.Logging.Formatting.Serialise", TEXT, LATER),
    Key("Server.AllowedActions.Restart", SWITCH),
    Key("Server.AllowedActions.Suspend", SWITCH, LATER),
    Key("Server.AllowedActions.Disable", SWITCH, LATER),
    Key("Server.AllowedActions.Timeout.Suspend", number(0), LATER),
    Key("Server.AllowedActions.Timeout.Resume", number(0), LATER),
    Key("Server.AllowedActions.DisableSettings.RetryAfter", whole(0, example="3600"), LATER),
    Key(
        "Server.AllowedActions.DisableSettings.LimitRuleName",
        TEXT,
        "never",
        "disabling the server is no rule of its rate limits",
    ),
    Key("Server.Console.DisableTermination", SWITCH, sockets=True),
    Key("Server.Console.Quiet", SWITCH, sockets=True),
    Key("Server.Console.ShowEndpoints", SWITCH, sockets=True),
    Key("Server.Console.DisableConsoleInput", SWITCH, LATER),
    Key("Server.Console.ClearHost", SWITCH, LATER),
    Key("Server.Console.ShowOpenAPI", SWITCH, LATER),
    Key("Server.Console.ShowHelp", SWITCH, LATER),
    Key("Server.Console.ShowDivider", SWITCH, LATER),
    Key("Server.Console.ShowTimeStamp", SWITCH, LATER),
    Key("Server.Console.DividerLength", whole(1, example="75"), LATER),
    *(Key(f"Server.Console.Colors.{name}", TEXT, LATER) for name in _COLORS.split()),
    *(Key(f"Server.Console.KeyBindings.{name}", TEXT, LATER) for name in _BINDINGS.split()),
    Key("Server.FileMonitor.Enable", SWITCH, LATER),
    Key("Server.FileMonitor.ShowFiles", SWITCH, LATER),
    Key("Server.FileMonitor.Include", _FILES, LATER),
    Key("Server.FileMonitor.Exclude", _FILES, LATER),
    Key("Server.Debug.Breakpoints.Enable", SWITCH, LATER),
    Key(
        "Server.AutoImport",
        ANYTHING,
        "never",
        "Python's threads share every module that the script imports",
    ),
    Key("Server.ReceiveTimeout", ANYTHING, "never", "no thread waits in a Receive method here"),
    Key("Web.Static.Defaults", texts('["index.html"]'), LATER),
    Key("Web.Static.RedirectToDefault", SWITCH, LATER),
    Key("Web.Static.ValidateLast", SWITCH, LATER),
    Key("Web.Static.Cache.Enable", SWITCH, LATER),
    Key("Web.Static.Cache.MaxAge", whole(0, example="3600"), LATER),
    Key("Web.Static.Cache.Include", texts('["*.jpg"]'), LATER),
    Key("Web.Static.Cache.Exclude", texts('["*.jpg"]'), LATER),
    Key("Web.ErrorPages.ShowExceptions", SWITCH),
    Key("Web.ErrorPages.StrictContentTyping", SWITCH),
    Key("Web.ErrorPages.Default", TEXT),
    Key("Web.ErrorPages.Routes", PAIRS),
    Key("Web.ContentType.Default", TEXT),
    Key("Web.ContentType.Routes", PAIRS),
    Key("Web.TransferEncoding.Default", TEXT, LATER),
    Key("Web.TransferEncoding.Routes", PAIRS, LATER),
    Key("Web.Compression.Enable", SWITCH, LATER),
    Key("Web.OpenApi.DefaultDefinitionTag", TEXT, LATER),
    Key("Web.OpenApi.UsePodeYamlInternal", SWITCH, "never", "YAML is always written by PyYAML"),
)


def folded(part: str) -> str:
    """A part of a path as it is compared: any case, with or without underscores."""
    return part.replace("_", "").casefold()


BY_PATH: Final = {folded(key.path): key for key in KEYS}
#: Every table on the way to a key, in Pode's spelling.
TABLES: Final = {
    folded(".".join(parts[:length])): ".".join(parts[:length])
    for key in KEYS
    for parts in [key.path.split(".")]
    for length in range(1, len(parts))
}


def spelled(path: str) -> str | None:
    """The last part of a known path in Pode's spelling; None for another path."""
    key = BY_PATH.get(folded(path))
    whole_path = key.path if key is not None else TABLES.get(folded(path))
    return None if whole_path is None else whole_path.rpartition(".")[2]


def nearest(path: str) -> str | None:
    """The known path that was most likely meant: in the same table, of the same name, or alike."""
    wanted = folded(path)
    table, _, name = wanted.rpartition(".")
    beside = [one for one in BY_PATH if one.rpartition(".")[0] == table]
    same = [one for one in BY_PATH if one.rpartition(".")[2] == name]
    for among, alike in ((beside, 0.85), (same, 0.0), (list(BY_PATH), 0.6)):
        near = get_close_matches(wanted, among, 1, alike)
        if near:
            return BY_PATH[near[0]].path
    return None
