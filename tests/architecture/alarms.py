"""Why a place is as large or as small as it is: kind of alarm -> place -> reason. Read at review.

`make alarms` prints them with their figures. A reason whose alarm is gone goes with it.
"""

from __future__ import annotations

from typing import Final

_REASONS: Final = {
    "many parameters": {
        "asgi.py asgi_app": "Those of start_server that have a meaning under ASGI.",
        "security/headers/cors.py AccessPolicy.of": "A policy, all but its origin by keyword.",
        "server/rooms.py _make_engine": "What both engines need, two of it by keyword.",
        "testing/client.py Client.request": "The parts of a request, all but two by keyword.",
        "testing/client.py Client.sse": "As Client.request, and how long to wait.",
        "testing/conversation.py converse": "What is sent and how to read the answer, in one call.",
        "testing/conversation.py fetch": "As converse.",
    },
    "long file": {
        "engine/h11/pusher.py": "One noun: the thread that owns streams, in one turn.",
        "engine/h11/engine.py": "One noun: the life of the engine, and which thread does what.",
        "push/connections/hub.py": "One noun: opening, sending, closing, for every kind.",
        "push/connections/broadcast.py": "One order: that in which events and ends were noted.",
        "push/backplane/replicated_history.py": "One invariant: what was delivered, and to whom.",
        "observability/logs/logs.py": "One noun: what is enabled, and where each line goes.",
        "web/pipeline.py": "One noun: a request from first step to last, and its error policy.",
        "exchange/outbox.py": "One noun: all that happens under the outbox's lock.",
        "server/processes/parent.py": "One noun: the parent, one thread with one loop.",
    },
    "short module": {
        "exchange/batch.py": "A value that outbox, batches and dispatcher share.",
        "web/static/mime_functions.py": "One public function, of no other facade's kind.",
        "web/routing/binder.py": "A port that a higher floor fills.",
        "web/routing/guards.py": "A port that a higher floor fills.",
        "background/primary.py": "A room of its own; a backplane replaces its check.",
        "background/schedules/process.py": "A value that users see.",
        "core/runtime.py": "A value that every room gets.",
        "engine/options.py": "A value that both engines get.",
        "http/forms.py": "One format.",
        "http/statuses.py": "A table, and how to look into it.",
        "monitoring/metrics/sse_functions.py": "The functions of one part of Pode's Metrics area.",
        "observability/logs/methods/custom.py": "A log method; each has a file of its own.",
        "observability/metrics/metric.py": "A value that every room that counts makes.",
        "observability/metrics/uptime.py": "How a duration reads; pure.",
        "push/backplane/lease.py": "One decision, tested alone.",
        "push/connections/identify.py": "A step along a request; it alone knows event and hub.",
        "server/launch.py": "The one place that knows both kinds of lives of a server.",
        "testing/fixtures.py": "pytest loads it by its name.",
        "web/errors/page_functions.py": "A facade of its own: functions.py is that of handlers.",
        "web/strict.py": "Cookies need it as headers do.",
    },
    "tiny and used once": {
        "background/schedules/cron.py Cron._catches_up": "The condition needs a name.",
        "core/loop.py EventLoop._discard": "The loop knows in which of its sets it is.",
        "core/handlers.py _is_generator_function": "The condition needs a name.",
        "observability/logs/functions.py _version": "functions.py has one thought in a line.",
        "push/backplane/node.py Node._locate": "Says what the lock is held for.",
        "push/backplane/redis/sender.py Sender._is_silence": "The condition needs a name.",
        "push/backplane/local_delivery.py LocalDelivery._is_held": "The condition needs a name.",
        "push/backplane/local_delivery.py _folded": "A condition less in a call of many arguments.",
        "web/views/pode_expressions.py _python_of": "A command of Pode has a name of its own here.",
        "server/processes/child.py _number_metric": "A metric reads as one value.",
        "testing/client.py _path_of": "Keeps the arithmetic of redirects readable.",
    },
}
#: As `long file: exchange/outbox.py`.
ALARMS: Final = {
    f"{kind}: {place}": reason
    for kind, places in _REASONS.items()
    for place, reason in places.items()
}
