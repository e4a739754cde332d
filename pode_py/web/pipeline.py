"""Pipeline: one request from its arrival to its answer, and the only error policy of the web.

It is a generator (core/calls.py): one piece of code, which yields what has to be awaited. So the
same lines serve handlers that block and `async def` ones, and while something is awaited no thread
is held (exchange/runner.py). All of it runs in one context, a copy of the server's.

The order is Pode's: files of public/, route, global middleware, the route's middleware, handler,
endware; then the response leaves. Nothing is raised:

- An exception that a user's function answers (errors/exception_handlers.py): its answer.
- StatusError: the error page of its status.
- ClientDisconnected: the handler was ended because nobody waits for its answer. Not logged.
- Anything else: logged once with its traceback, 500.
- Once the head has gone out nothing can be said to the client any more: logged, and that is all.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pode_py.core import ambient
from pode_py.core.calls import PLAIN, Steps, begin, is_coroutine, rest, steps
from pode_py.core.errors import ClientDisconnected, Interrupted, PodeError, StatusError
from pode_py.core.handlers import Handler
from pode_py.core.loop import EventLoop
from pode_py.exchange.deadline import Deadline
from pode_py.exchange.exchange import Exchange
from pode_py.http.cookies import Cookie
from pode_py.http.fields import AnyCaseFields
from pode_py.http.request import Request
from pode_py.http.statuses import reason
from pode_py.http.strictness import ProtocolError
from pode_py.observability.metrics.requests import RequestCounts
from pode_py.web.deadlines import AnswerDeadlines
from pode_py.web.errors.exception_handlers import chain
from pode_py.web.event import WebEvent
from pode_py.web.middleware.middleware import Middleware, check_end
from pode_py.web.places import Step
from pode_py.web.request_record import CLIENT_LEFT, RequestLog, log_client_error, record_of
from pode_py.web.responses.returned import AsyncBody, StreamedBody, put_body, write_value
from pode_py.web.responses.written import keep_prefix
from pode_py.web.rooms import WebRooms
from pode_py.web.routing.guards import let_in
from pode_py.web.routing.route import Route


class Pipeline:
    """Answers exchanges with what is in the rooms of the web.

    What stands along the way is said in places.py.
    """

    def __init__(
        self,
        rooms: WebRooms,
        logs: RequestLog,
        loop: EventLoop,
        counts: RequestCounts,
        deadlines: AnswerDeadlines,
    ) -> None:
        self._rooms = rooms
        self._services = rooms.event_services()
        self._logs = logs
        self._loop = loop
        self._counts = counts
        self._places = rooms.places
        self._deadlines = deadlines

    def serve(self, exchange: Exchange) -> Steps:
        """The steps that answer this exchange. They do not raise."""
        event = WebEvent(exchange, self._services)
        ambient.WEB.variable.set(event)
        self._counts.began(event)
        failure: BaseException | None = None
        try:
            try:
                if exchange.refusal is not None:
                    self._refuse(event, exchange.refusal)
                yield from self._answer(event)
            except BaseException as error:  # also SystemExit: a handler ends only itself
                if isinstance(error, GeneratorExit):
                    raise
                failure = error
                yield from self._fail(event, error)
            exchange.interruptible = False
            late = exchange.deadline is not None and self._is_late(event, exchange.deadline)
            if event.finishers or event.on_end or self._rooms.endwares.current:
                yield from self._finish(event, failure)
            left = failure is not None and isinstance(failure, ClientDisconnected)
            if not (late or left or exchange.upgraded or exchange.replied):
                if self._places.before_reply or event.before_head:
                    yield from self._make_ready(event)
                self._reply(event)
                if type(event.response.body) is AsyncBody:
                    yield from self._stream(event, event.response.body)
            if self._logs.wants_requests:
                self._logs.write_request(record_of(event))
            if self._logs.wants_client_errors and event.response.status_code >= 400:
                log_client_error(self._logs, event, failure)
        except BaseException as fault:
            exchange.abort()
            if isinstance(fault, GeneratorExit):  # the loop has ended, and nobody goes on
                raise
            self._report(event, fault)
        finally:
            # A stream has no end that says how fast the server is.
            timed = self._counts.timed and not exchange.upgraded
            seconds = event.elapsed if timed else None
            self._counts.ended(event, event.response.status_code, seconds)

    def route_of(self, request: Request) -> Route | None:
        """The route that a request is for, as far as its method and path say; None if none is."""
        found = self._rooms.router.find(request.http_method.swapcase(), request.path)
        return None if found is None else found[0]

    def _answer(self, event: WebEvent) -> Steps:
        """Fill the response."""
        places = self._places
        if places.before_route and not (yield from self._pass(places.before_route, event)):
            return
        route = self._find_route(event)
        if route is None:
            return
        allowed = self._deadlines.default if route.timeout is None else route.timeout
        if allowed:
            self._deadlines.begin(event, allowed)
        common = self._rooms.middlewares.current
        if common and not (yield from self._run_middleware(common, event)):
            return
        if route.guards and not (yield from let_in(route.guards, event)):
            return
        if route.middleware and not (yield from self._run_middleware(route.middleware, event)):
            return
        # Not `_pass`: somebody stands here for every request.
        for step in places.before_handler:
            passed = (
                (yield from self._pass((step,), event))
                if isinstance(step, Handler)
                else step(event)
            )
            if passed is False:
                return
        handler = route.handler
        if handler is None:
            return
        value = begin(handler, event, None if route.binder is None else route.binder.bind(event))
        if type(value) not in PLAIN and is_coroutine(value):
            value = yield from rest(handler, value)
        if value is None:
            return
        self._use(event, value, handler)
        if type(event.response.body) is not bytes:
            yield from self._begin_body(event, event.response.body, handler)

    def _refuse(self, event: WebEvent, refusal: ProtocolError) -> None:
        """Answer what the engine takes for no request. Nobody of those along the way may see it;
        but what its route says of error pages holds."""
        with suppress(StatusError):
            route = self.route_of(event.request)
            if route is not None and route.error_content_type:
                event.error_type = route.error_content_type
        raise StatusError(refusal.status, str(refusal))

    def _begin_body(self, event: WebEvent, body: Any, handler: Handler) -> Steps:
        """Make the first piece of an iterator, which may still decide about the response. One whose
        client leaves before is ended.
        """
        if type(body) is not StreamedBody and type(body) is not AsyncBody:
            return
        response, exchange = event.response, event.exchange
        response.body, response.written = b"", False
        try:
            if type(body) is AsyncBody:
                yield body.begin()
            else:
                body.begin()
        except (ClientDisconnected, Interrupted):
            exchange.interruptible = False
            yield from self._end_body(event, body)
            raise
        if not exchange.upgraded and (not response.written or response.is_page):
            put_body(response, body)
            return
        yield from self._end_body(event, body)
        if not body.is_empty:
            raise PodeError(
                f"{handler}, has made an event stream or written a response, and yields pieces as "
                "well. Do one of them: in an event stream, send_sse_event."
            )

    def _end_body(self, event: WebEvent, body: StreamedBody | AsyncBody) -> Steps:
        """Nothing of it is sent any more."""
        body.close()
        if type(body) is AsyncBody:
            yield from self._clean_up(event, body)

    def _pass(self, standing: tuple[Step | Handler, ...], event: WebEvent) -> Steps:
        """Pass those who stand along the way. False if one of them ends the request."""
        for step in standing:
            if isinstance(step, Handler):  # a user's, in the place of ours
                answer = yield from steps(step, event)
                if answer is not None and answer is not True:
                    check_end(answer, step)
                    return False
            elif step(event) is False:
                return False
        return True

    def _run_middleware(self, middlewares: tuple[Middleware, ...], event: WebEvent) -> Steps:
        """Run what applies to this path. False if one of them ends the request."""
        for middleware in middlewares:
            if not middleware.applies_to(event.path):
                continue
            answer = begin(middleware.handler, event)
            if is_coroutine(answer):
                answer = yield from rest(middleware.handler, answer)
            if answer is not None and answer is not True:
                check_end(answer, middleware.handler)
                return False
        response = event.response
        if response.written and response.status_code < 400 and isinstance(response.body, bytes):
            response.page = response.body  # what the handler returns takes its place
        return True

    def _find_route(self, event: WebEvent) -> Route | None:
        """The event's route, with what it says of its requests; None if the answer is there."""
        rooms = self._rooms
        name = ""
        if rooms.router.uses_endpoints or rooms.endpoints.matters:
            name = event.endpoint.name
        found = rooms.router.find(event.method, event.path, name)
        if found is None:
            self._answer_without_route(event, name)
            return None
        route, parameters = found
        if parameters:
            event.parameters = AnyCaseFields("path parameter", parameters)
        event.route = event.exchange.route = route
        if route.says_types:
            self._take_types(event, route)
        return route

    def _take_types(self, event: WebEvent, route: Route) -> None:
        """What the route says of its requests and error pages comes before what clients say."""
        if route.content_type:
            event.content_type = route.content_type
        if route.transfer_encoding:
            event.transfer_encoding = route.transfer_encoding
        if route.error_content_type:
            event.error_type = route.error_content_type

    def _answer_without_route(self, event: WebEvent, endpoint: str) -> None:
        """A folder of public/; else 404, 405, or the answer to OPTIONS."""
        rooms = self._rooms
        has_files = rooms.public.active and self._places.replacement("static_content") is None
        if has_files and rooms.public.serve_folder(event):
            return
        allowed = rooms.router.methods(event.path, endpoint)
        if has_files and rooms.public.has(event.path):
            allowed |= {"GET", "HEAD"}
        if not allowed:
            raise StatusError(404)
        allow = ", ".join(sorted(allowed | {"OPTIONS"}))
        if event.method != "options":
            raise StatusError(405, headers={"Allow": allow})
        event.response.status_code = 204
        event.response.headers["Allow"] = allow
        event.response.written = True

    def _use(self, event: WebEvent, value: Any, handler: Handler) -> None:
        """Make the response of what the handler returned."""
        response = event.response
        if event.exchange.upgraded and value is event.sse:
            return  # what convert_to_sse_connection returned, in a lambda
        if type(value) is Cookie and event.pending_cookies.get(value.name) is value:
            return  # what set_cookie returned: its value is not for the page
        if event.exchange.upgraded or (response.written and not response.is_page):
            raise PodeError(self._two_answers(event, handler))
        write_value(response, value, self._loop, handler)
        if not response.written:  # a status from 400 on and no value
            self._rooms.error_pages.write(event, response.status_code)

    def _two_answers(self, event: WebEvent, handler: Handler) -> str:
        """For a value that is returned where a response is written already."""
        both = f"{handler}, wrote a response and returned a value as well. Do one of them."
        common = self._rooms.middlewares.current
        ran = [
            one.handler
            for one in (*common, *(event.route.middleware if event.route is not None else ()))
            if one.applies_to(event.path)
        ]
        status = event.response.status_code
        if event.exchange.upgraded or status < 400 or not ran:
            return both
        return (
            f"{handler}, returned a value, and a response with the status {status} was written "
            f"already, by it or before it. It ran after {'; '.join(map(str, ran))}: middleware "
            "that writes an answer ends the request with `return False`. A handler either writes "
            "or returns."
        )

    def _finish(self, event: WebEvent, failure: BaseException | None) -> Steps:
        """Finishers, on_end, endware. If one raises, that is logged and the others still run."""
        for finisher in event.finishers:
            try:
                finisher(failure)
            except BaseException as error:  # noqa: BLE001 - the others still have to run
                self._report(event, error)
        for endware in (*event.on_end, *self._rooms.endwares.current):
            try:
                known = isinstance(endware, Handler)
                handler = (
                    endware if known else Handler(endware, ambient.WEB, what="web_event.on_end")
                )
                yield from steps(handler, event)
            except BaseException as raised:
                if isinstance(raised, GeneratorExit):
                    raise
                self._report(event, raised, "the endware after ")

    def _make_ready(self, event: WebEvent) -> Steps:
        """The last steps before the response leaves. What fails there is answered with an error."""
        try:
            yield from self._pass(self._places.before_reply, event)
            event.make_ready()
        except BaseException as error:
            if isinstance(error, GeneratorExit):
                raise
            self._write_page(event, error)

    def _reply(self, event: WebEvent) -> None:
        exchange, body = event.exchange, event.response.body
        if event.request.prefix:
            keep_prefix(event)
        try:
            exchange.reply(event.response)
        except BaseException as error:  # noqa: BLE001 - the client went away, or its body failed
            own = isinstance(body, StreamedBody) and body.error is error
            if own or not isinstance(error, ConnectionError):
                self._report(event, error)
            if not exchange.replied and not isinstance(error, ConnectionError):
                self._rooms.error_pages.write(event, 500)
                exchange.reply(event.response)

    def _stream(self, event: WebEvent, body: AsyncBody) -> Steps:
        """The head has gone, and pieces follow while the client is there and the iterator is."""
        exchange = event.exchange
        exchange.interruptible = True
        try:
            if exchange.is_cut_short:  # before a client that leaves could end it
                raise ClientDisconnected
            yield body.finished()
        except ClientDisconnected:
            exchange.interruptible = False
            yield from self._end_body(event, body)
        except BaseException as error:
            if isinstance(error, GeneratorExit):
                raise
            self._report(event, error)
            if exchange.is_streaming:  # no status can tell: a body without its end does
                exchange.abort()
        exchange.bytes_sent = body.size

    def _clean_up(self, event: WebEvent, body: AsyncBody) -> Steps:
        """Wait for what the iterator still does once its client has left."""
        try:
            yield body.finished()
        except BaseException as error:
            if isinstance(error, GeneratorExit):
                raise
            if not isinstance(error, ClientDisconnected):
                self._report(event, error)

    def _fail(self, event: WebEvent, error: BaseException) -> Steps:
        """Make the response of what ended the handler early."""
        deadline = event.exchange.deadline
        if deadline is not None and deadline.is_expired:
            if not isinstance(error, ClientDisconnected):
                self._report(event, error)
            return
        if isinstance(error, Interrupted):
            self._report(event, error)
        sent = event.exchange.upgraded or event.exchange.replied
        if not sent and not isinstance(error, ClientDisconnected):
            unanswered = yield from self._handle(event, error)
            if unanswered is None:
                return
            error = unanswered
        self._write_page(event, error)

    def _handle(self, event: WebEvent, error: BaseException) -> Steps:
        """Have a user's function answer it. Returns what is to be answered still, or None."""
        route = event.route
        handlers = None if route is None else route.exception_handlers
        handler = (handlers or self._rooms.exception_handlers).find(error)
        if handler is None:
            return error
        event.response.reset(error.status if isinstance(error, StatusError) else 500)
        event.response.written = False
        if isinstance(error, StatusError) and error.description is None:
            error.description = reason(error.status) or None  # as on its page
        try:
            value = yield from steps(handler, event, [error])
            if value is not None:
                self._use(event, value, handler)
                if type(event.response.body) is not bytes:
                    yield from self._begin_body(event, event.response.body, handler)
        except BaseException as raised:
            if isinstance(raised, GeneratorExit):
                raise
            chain(raised, error)
            return raised
        if not event.response.written and not event.exchange.upgraded:
            return error
        if isinstance(error, PodeError) and not isinstance(error, StatusError):
            self._report(event, error)  # a mistake in the script: somebody has to know of it
        return None

    def _write_page(self, event: WebEvent, error: BaseException) -> None:
        """Answer with the error page of what was raised, and log it if it is a fault."""
        if isinstance(error, ClientDisconnected):
            if not event.exchange.upgraded and not event.exchange.replied:
                event.response.reset(CLIENT_LEFT)
                event.exchange.abort()
            return
        sent = event.exchange.upgraded or event.exchange.replied
        if not isinstance(error, StatusError) or (sent and not isinstance(error, Interrupted)):
            self._report(event, error)
        if sent:
            return
        pages = self._rooms.error_pages
        if isinstance(error, StatusError):
            try:
                pages.write(event, error.status, error.description, data=error.data)
                for name, value in error.headers.items():
                    event.response.headers[name] = value
                return
            except Exception as fault:  # noqa: BLE001 - its data has no JSON, say
                fault.__cause__ = error  # the log says where it was raised
                self._report(event, fault)
                error = fault
        pages.write(event, 500, error=error)

    def _is_late(self, event: WebEvent, deadline: Deadline) -> bool:
        """Whether the event has been answered past its handler. Its response is that one then."""
        if self._deadlines.settle(deadline):
            return False
        event.response.reset(503)  # frees what would have been sent
        if deadline.response is not None:
            event.response = deadline.response
        return True

    def _report(self, event: WebEvent, error: BaseException, what: str = "") -> None:
        where = f"{what}{event.request.http_method} {event.path}"
        self._logs.write_exception(error, where=where, context_id=event.context_id)
