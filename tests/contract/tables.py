"""What differs from Pode's table of names, and why. The tests hold the package to these rows.

`pode-api.json` beside this file lists Pode's public functions with their parameters and our name
for each; it is read, never edited by hand.
"""

from __future__ import annotations

from typing import Final

# --- functions --------------------------------------------------------------------------------

# Pode's own aliases: old names that scripts still use.
ALIASES: Final = {
    "add_logger": "add_log_type",
    "clear_loggers": "clear_log_types",
    "disable_error_logging": "disable_log_error_type",
    "disable_request_logging": "disable_log_request_type",
    "enable_error_logging": "enable_log_error_type",
    "enable_oa": "enable_openapi",
    "enable_openapi_viewer": "enable_oa_viewer",
    "enable_request_logging": "enable_log_request_type",
    "get_openapi_definition": "get_oa_definition",
    "new_oa_schema_property": "new_oa_component_schema_property",
    "remove_logger": "remove_log_type",
}

# Public names that Pode does not have.
OURS: Final = {
    # What Pode gives as automatic variables.
    "schedule_event": "Pode: $ScheduleEvent",
    "timer_event": "Pode: $TimerEvent",
    "triggered_event": "Pode: $TriggeredEvent",
    "web_event": "Pode: $WebEvent",
    # Types, for annotations and comparisons.
    "Cookie": "what get_cookie and set_cookie return",
    "ScheduleEvent": "the type of schedule_event",
    "ServerState": "what get_server_state returns",
    "SseConnection": "the type of web_event.sse",
    "TimerEvent": "the type of timer_event",
    "TriggeredEvent": "the type of triggered_event",
    "WebEvent": "the type of web_event",
    # Errors: Pode has none of its own.
    "ClientDisconnected": "ends a handler whose client has left",
    "PodeError": "what pode_py raises on purpose",
    "StartError": "the server cannot start",
    "StatusError": "ends a request with a status",
    # Answers to exceptions of users' own.
    "add_exception_handler": "Pode has its error pages only",
    "clear_exception_handlers": "undoes add_exception_handler",
    "remove_exception_handler": "undoes add_exception_handler",
    "test_exception_handler": "asks for what add_exception_handler added",
    # Server.
    "get_server_worker_number": "Pode has one process",
    "current_server": "the server that this code belongs to, for threads that users start",
    "set_body_defaults": "Web.ContentType of Pode's server.psd1",
    "set_error_page_defaults": "Web.ErrorPages of Pode's server.psd1",
    "set_allowed_hosts": "Pode answers requests for any host",
    "set_trusted_proxies": "Pode takes a proxy for the client",
    # Negotiation.
    "get_preferred_language": "Pode leaves negotiation to its users",
    "set_mime_type": "Pode's table of content types is fixed",
    "write_negotiated_response": "as get_preferred_language",
    # Metrics.
    "add_metrics_route": "Pode leaves the route for a monitoring system to its users",
    # Server-Sent Events beyond Pode.
    "Delivery": "what send_sse_event returns",
    "SseConnectionFacts": "what get_sse_connection returns",
    "get_sse_connection": "facts about connections",
    "get_sse_cursor": "for pages that render a state and connect from there",
    "join_sse_group": "a connection may have several groups",
    "join_sse_name": "a connection may have several names",
    "leave_sse_group": "undoes join_sse_group",
    "new_sse_ticket": "for clients that can't send headers",
    "set_sse_limits": "how many streams there may be",
    "set_sse_max_age": "connections that move on",
    "set_sse_reconnect_spread": "clients that do not all come back at once",
    "enable_sse_backplane": "several nodes share their streams through Redis",
    "set_sse_history": "what a returning client missed is sent again",
    "set_sse_ping": "Pode's interval is fixed",
    "set_sse_slow_client_policy": "what happens when a client's queue is full",
    "use_sse_shared_script": "tabs of a browser that share one connection",
}

_SCOPED = (
    "Pode rewrites script blocks so that they see variables; Python's functions close over them"
)
_IIS = "IIS is a server of Windows"
_EVENT_VIEWER = "the Event Viewer is a program of Windows"
_SERVERLESS = "the hosts that run PowerShell in Azure Functions and AWS Lambda"
_RUNSPACES = "Pode's runspaces share nothing unless told; Python's threads share every module"

# Functions of Pode that cannot mean anything in Python or on Linux.
NO_MEANING: Final = {
    "add_auth_iis": _IIS,
    "get_iis_application_path": _IIS,
    "test_is_iis": _IIS,
    "add_auth_windows_local": "local users and groups of Windows",
    "new_log_event_viewer_method": _EVENT_VIEWER,
    "new_log_event_viewer_override": _EVENT_VIEWER,
    "export_function": _RUNSPACES,
    "export_module": _RUNSPACES,
    "export_secret_vault": _RUNSPACES,
    "export_snapin": "snap-ins are of Windows PowerShell",
    "import_module": f"{_RUNSPACES}: write import",
    "import_snapin": "snap-ins are of Windows PowerShell",
    "add_scoped_variable": _SCOPED,
    "clear_scoped_variables": _SCOPED,
    "convert_scoped_variable": _SCOPED,
    "convert_scoped_variables": _SCOPED,
    "get_scoped_variable": _SCOPED,
    "remove_scoped_variable": _SCOPED,
    "test_scoped_variable": _SCOPED,
    "use_scoped_variables": _SCOPED,
    "invoke_script_block": "a Python function is called with parentheses",
    "merge_scriptblock_arguments": _SCOPED,
    "out_variable": "sets a variable in the PowerShell session that started the server",
    "show_gui": "opens a WPF window, which only Windows has",
    "test_is_ps_core": "asks which edition of PowerShell runs",
    "wait_debugger": "waits in PowerShell's runspace debugger; Python has breakpoint()",
}

# --- parameters -------------------------------------------------------------------------------

# Functions whose parameters are several of one kind, and nothing else by position.
TAKES_SEVERAL: Final = frozenset({"set_allowed_hosts", "set_trusted_proxies"})

# Parameters that we add: function -> parameter -> what for.
OUR_PARAMETERS: Final[dict[str, dict[str, str]]] = {
    "add_endpoint": {
        "client_certificate_authority": "So that nobody has to check who issued a certificate",
    },
    "add_schedule": {
        "every_process": "Pode has one process",
        "time_zone": "Pode knows the machine's zone only",
    },
    "add_route": {"timeout": "Pode lets a handler hold its client for ever"},
    "add_route_group": {"timeout": "as in add_route"},
    "add_timer": {"every_process": "Pode has one process"},
    "close_sse_connection": {
        "reconnect": "tells a browser to stay away",
        "where": "chooses connections by their session or user",
    },
    "convert_to_sse_connection": {
        "backlog": "past events for a new client",
        "ticket": "for clients that can't send headers",
        "style": "for clients that expect exactly their own events",
    },
    "get_server_default_secret": {"purpose": "a signature of one use is worth nothing for another"},
    "send_sse_event": {"where": "chooses connections by their session or user"},
    "set_cookie": {
        "domain": "Pode sets cookies for the host alone",
        "partitioned": "browsers learnt it after Pode",
        "path": "Pode sets cookies for all paths",
        "readable": "in Pode every cookie is, unless it is HttpOnly",
        "same_site": "Pode leaves it to the browser",
    },
    "set_view_engine": {"environment": "Pode has no Jinja2"},
    "write_xml_response": {"root": "Pode has PowerShell's form only"},
    "start_server": {
        "fast_lane": "a way back to one parser for all requests",
        "dead_client_timeout": "clients that vanish without a word must not stay for ever",
        "engine": "uvicorn may serve instead of our own engine",
        "handler_timeout": "Pode lets a handler hold its client for ever",
        "grace": "how long running handlers get at the stop",
        "keep_alive_timeout": "Pode has it in its configuration file",
        "request_body_size": "Pode has it in its configuration file",
        "request_timeout": "Pode has it in its configuration file",
        "workers": "Pode has one process",
    },
}

# Parameters that mean nothing here, wherever they stand.
NOT_MEANINGFUL: Final = {
    "depth": "Python's JSON has no limit of depth to set",
    "no_escape": "PowerShell reads brackets in a path as wildcards; Python does not",
    "no_enumerate": "PowerShell unrolls lists in its pipeline",
    "certificate_name": "looks in Windows' certificate store",
    "certificate_store_location": "looks in Windows' certificate store",
    "certificate_store_name": "looks in Windows' certificate store",
    "certificate_thumbprint": "looks in Windows' certificate store",
}

# Parameters that one function cannot have: function -> parameter -> why.
NOT_MEANINGFUL_IN: Final[dict[str, dict[str, str]]] = {
    "add_endpoint": {
        "force": "passes over a check for administrators, which only low ports need on Linux",
        "x509_certificate": "a certificate object of .NET: give the file or its bytes",
    },
    "get_cookie": {"raw": "returns the cookie of .NET, which has the same name and value"},
    "new_logging_method": {
        "event_id": _EVENT_VIEWER,
        "event_log_name": _EVENT_VIEWER,
        "event_viewer": _EVENT_VIEWER,
        "source": _EVENT_VIEWER,
    },
    "start_server": {
        "enable_breakpoints": "Python's breakpoint() needs no leave",
        "request": _SERVERLESS,
        "serverless_type": _SERVERLESS,
    },
    "write_error_log": {
        "error_record": "PowerShell's wrapper of an exception: pass the exception",
    },
}

_LOG_FORMATS: Final = dict.fromkeys(
    ("log_format", "log_script_block", "serialise_format", "serialise_script_block", "syslog_info"),
    "formats of log lines",
)
_LOG_OVERRIDES: Final = {"override": "overrides of log methods"}

_WHO_MAY: Final = {
    **dict.fromkeys(("authentication", "allow_anon", "user"), "authentication"),
    **dict.fromkeys(("access", "group", "role", "scope"), "access"),
    "oa_definition_tag": "OpenAPI",
}

# Parameters whose area is not built yet: function -> parameter -> what they wait for. A row goes
# when its parameter comes; a test says so.
LATER: Final[dict[str, dict[str, str]]] = {
    "add_endpoint": {
        "acknowledge": "the TCP and SMTP protocols",
        "crlf_message_end": "the TCP protocol",
        "no_auto_upgrade_web_sockets": "WebSockets",
        "tls_mode": "the TCP and SMTP protocols",
    },
    "add_log_type": {**_LOG_FORMATS, "xml_root_name": "formats of log lines"},
    "add_route": {
        **_WHO_MAY,
        **dict.fromkeys(("login", "logout"), "authentication"),
        **dict.fromkeys(("oa_reference", "oa_responses"), "OpenAPI"),
    },
    "add_route_group": _WHO_MAY,
    "enable_log_error_type": _LOG_FORMATS,
    "enable_log_request_type": {**_LOG_FORMATS, "w3_c_info": "formats of log lines"},
    "get_version": {"no_pre_release": "our versions have no such part yet"},
    "start_server": {
        **dict.fromkeys(
            ("clear_host", "disable_console_input", "show_help"), "keys of the console"
        ),
        "hide_open_api": "OpenAPI",
        "interval": "servers without endpoints that run their script every few seconds",
    },
    "write_error_log": _LOG_OVERRIDES,
    "write_log": _LOG_OVERRIDES,
    "write_view_response": {"flash_messages": "flash messages come with sessions"},
}

# Positional parameters where a reader expects them; functions that are not listed have at most
# three.
POSITIONAL: Final = {
    "add_route": ("method", "path", "handler"),
    "add_schedule": ("name", "cron", "handler"),
    "add_timer": ("name", "interval", "handler"),
    "convert_to_sse_connection": ("name",),
    "new_cron": (),
    "register_sse_event": ("name", "type", "event_name", "handler"),
    "send_sse_event": ("data",),
    "set_sse_broadcast_level": ("type",),
    "start_server": ("handler",),
    "write_json_response": ("value",),
}
