"""Pipeline: one request from its arrival to its answer, and the only error policy of the web.

An engine calls `handle` on a worker thread, inside a copy of the server's context. The order is
Pode's: files of public/, route, global middleware, the route's middleware, handler, endware; then
the response leaves. Whatever happens, `handle` does not raise: the worker has other requests.

- StatusError: the error page of its status.
- Anything else: logged once with its traceback, 500.
- Once the head has gone out nothing can be said to the client any more: logged, and that is all.
- A client that went away while it was answered is nobody's error.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from pode_py.core import ambient
from pode_py.core.calls import is_coroutine
from pode_py.core.errors import PodeError, ServerStopping, StatusError
from pode_py.core.handlers import Handler
from pode_py.exchange.exchange import Exchange
from pode_py.http.fields import Fields
from pode_py.http.request import Request
from pode_py.observability.logs.records import RequestFacts
from pode_py.observability.metrics.requests import RequestCounts
from pode_py.web.event import WebEvent
from pode_py.web.request_facts import facts_of
from pode_py.web.responses.returned import StreamedBody, write_value
from pode_py.web.rooms import WebRooms
from pode_py.web.routing.route import Route

Hook = Callable[[WebEvent], object]


class Logs(Protocol):
    """What the pipeline needs of the server's logs."""

    @property
    def wants_requests(self) -> bool: ...

    def write_request(self, facts: RequestFacts) -> object: ...

    def write_exception(
        self, error: BaseException, *, where: str, context_id: str | None = None
    ) -> object: ...


class Loop(Protocol):
    """Where coroutines run while their worker waits."""

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any: ...


class Pipeline:
    """Answers exchanges with what is in the rooms of the web.

    `before_route` runs before anything else looks at the request (limits, security headers),
    `before_handler` between middleware and handler. What they raise is treated as a handler's
    exception; a hook of `before_route` that returns False stops like middleware.
    """

    def __init__(self, rooms: WebRooms, logs: Logs, loop: Loop, counts: RequestCounts) -> None:
        self._rooms = rooms
        self._services = rooms.event_services()
        self._logs = logs
        self._loop = loop
        self._counts = counts
        self.before_route: list[Hook] = []
        self.before_handler: list[Hook] = []

    def handle(self, exchange: Exchange) -> None:
        """Answer this exchange. Does not raise."""
        event = WebEvent(exchange, self._services)
        token = ambient.WEB.variable.set(event)
        self._counts.began(event)
        try:
            failure = self._run(event)
            if event.finishers or event.on_end or self._rooms.endwares.current:
                self._finish(event, failure)
            if not exchange.upgraded:
                self._reply(event)
            if self._logs.wants_requests:
                self._logs.write_request(facts_of(event))
        except BaseException as error:  # noqa: BLE001 - a worker must outlive every request
            self._report(event, error)
            exchange.abort()
        finally:
            ambient.WEB.variable.reset(token)
            # A stream has no end that says how fast the server is.
            timed = self._counts.timed and not exchange.upgraded
            seconds = event.elapsed if timed else None
            self._counts.ended(event, event.response.status_code, seconds)

    def route_of(self, request: Request) -> Route | None:
        """The route that a request is for, as far as its method and path say; None if none is."""
        found = self._rooms.router.find(request.http_method.lower(), request.path)
        return None if found is None else found[0]

    def _run(self, event: WebEvent) -> BaseException | None:
        """Fill the response. Gives what ended the handler early, if anything did."""
        try:
            self._answer(event)
        except StatusError as error:
            if event.exchange.upgraded or isinstance(error, ServerStopping):
                self._report(event, error)
            if not event.exchange.upgraded:
                self._show(event, error)
            return error
        except BaseException as error:  # noqa: BLE001 - also SystemExit: a handler ends itself only
            self._fail(event, error)
            return error
        return None

    def _answer(self, event: WebEvent) -> None:
        for hook in self.before_route:
            if hook(event) is False:
                return
        rooms = self._rooms
        name = ""
        if rooms.router.uses_endpoints or rooms.endpoints.matters:
            name = event.endpoint.name
            if rooms.endpoints.redirect(event):
                return
        if rooms.public.active and rooms.public.serve_file(event):
            return
        found = rooms.router.find(event.method, event.path, name)
        if found is None:
            self._answer_without_route(event, name)
            return
        route, parameters = found
        if parameters:
            event.parameters = Fields("path parameter", parameters)
        self._answer_with(event, route)

    def _answer_with(self, event: WebEvent, route: Route) -> None:
        event.route = route
        if route.content_type:
            event.content_type = route.content_type
        if route.transfer_encoding:
            event.transfer_encoding = route.transfer_encoding
        if route.error_content_type:
            event.error_type = route.error_content_type
        common = self._rooms.middlewares.current
        if common or route.middleware:
            for middleware in (*common, *route.middleware):
                if middleware.applies_to(event.path) and self._stops(middleware.handler, event):
                    return
        for hook in self.before_handler:
            hook(event)
        if route.handler is not None:
            value = self._call(route.handler, event)
            if value is not None:
                self._use(event, value)

    def _answer_without_route(self, event: WebEvent, endpoint: str) -> None:
        """A folder of public/; else 404, 405, or the answer to OPTIONS."""
        rooms = self._rooms
        if rooms.public.active and rooms.public.serve_folder(event):
            return
        allowed = rooms.router.methods(event.path, endpoint)
        if rooms.public.active and rooms.public.has(event.path):
            allowed |= {"GET", "HEAD"}
        if not allowed:
            raise StatusError(404)
        allow = ", ".join(sorted(allowed | {"OPTIONS"}))
        if event.method != "options":
            raise StatusError(405, headers={"Allow": allow})
        event.response.status_code = 204
        event.response.headers["Allow"] = allow
        event.response.written = True

    def _stops(self, handler: Handler, event: WebEvent) -> bool:
        return self._call(handler, event) is False

    def _call(self, handler: Handler, event: WebEvent) -> Any:
        value = handler.call(event)
        while is_coroutine(value):
            value = self._loop.run(value)
        return handler.accept(value)

    def _use(self, event: WebEvent, value: Any) -> None:
        """Make the response of what the handler returned."""
        if event.exchange.upgraded or event.response.written:
            raise PodeError(
                f"The handler of {_label(event)} wrote a response and returned a value as well. "
                "Do one of them."
            )
        write_value(event.response, value, self._loop.run)

    def _finish(self, event: WebEvent, failure: BaseException | None) -> None:
        """Finishers, on_end, endware. One that raises is logged and disturbs nobody."""
        for finisher in event.finishers:
            try:
                finisher(failure)
            except BaseException as error:  # noqa: BLE001 - the others still have to run
                self._report(event, error)
        for endware in (*event.on_end, *self._rooms.endwares.current):
            try:
                known = isinstance(endware, Handler)
                self._call(
                    endware if known else Handler(endware, ambient.WEB, what="web_event.on_end"),
                    event,
                )
            except BaseException as error:  # noqa: BLE001 - the others still have to run
                self._report(event, error, "the endware after ")

    def _reply(self, event: WebEvent) -> None:
        exchange, body = event.exchange, event.response.body
        try:
            exchange.reply(event.response)
        except BaseException as error:  # noqa: BLE001 - the client went away, or its body failed
            own = isinstance(body, StreamedBody) and body.error is error
            if own or not isinstance(error, ConnectionError):
                self._report(event, error)
            if not exchange.replied and not isinstance(error, ConnectionError):
                self._rooms.error_pages.write(event, 500)
                exchange.reply(event.response)

    def _show(self, event: WebEvent, error: StatusError) -> None:
        self._rooms.error_pages.write(event, error.status, error.description)
        for name, value in error.headers.items():
            event.response.headers[name] = value

    def _fail(self, event: WebEvent, error: BaseException) -> None:
        self._report(event, error)
        if not event.exchange.upgraded:
            self._rooms.error_pages.write(event, 500, error=error)

    def _report(self, event: WebEvent, error: BaseException, what: str = "") -> None:
        where = f"{what}{_label(event)}"
        self._logs.write_exception(error, where=where, context_id=event.context_id)


def _label(event: WebEvent) -> str:
    return f"{event.request.http_method} {event.path}"
