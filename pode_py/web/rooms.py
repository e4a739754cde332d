"""WebRooms: the rooms of the web that a request passes, together."""

from __future__ import annotations

from dataclasses import dataclass

from pode_py.core.clock import Clock
from pode_py.core.runtime import Runtime
from pode_py.http.mime import MimeTypes
from pode_py.web.bodies.bodies import Bodies
from pode_py.web.cookies.cookies import Cookies
from pode_py.web.endpoints.endpoints import Endpoints
from pode_py.web.endpoints.proxies import Proxies
from pode_py.web.errors.exception_handlers import ExceptionHandlers
from pode_py.web.errors.pages import ErrorPages
from pode_py.web.event import EventServices
from pode_py.web.middleware.middleware import Endwares, Middlewares
from pode_py.web.places import Places
from pode_py.web.responses.text_files import TextFiles
from pode_py.web.routing.router import Router
from pode_py.web.static.public import PublicFolder
from pode_py.web.views.views import Views


@dataclass(frozen=True)
class WebRooms:
    """Each of them is a room of the server."""

    clock: Clock
    endpoints: Endpoints
    proxies: Proxies
    router: Router
    middlewares: Middlewares
    endwares: Endwares
    bodies: Bodies
    public: PublicFolder
    error_pages: ErrorPages
    text_files: TextFiles
    exception_handlers: ExceptionHandlers
    places: Places
    views: Views
    cookies: Cookies
    mime_types: MimeTypes

    @classmethod
    def create(cls, runtime: Runtime, *, show_exceptions: bool = False) -> WebRooms:
        """New rooms. ``public/`` and ``errors/`` are looked up below the server's root, each time:
        they may be links that are swapped."""
        folders, places = runtime.folders, Places()
        views = Views(folders.default("views"), runtime)
        types = MimeTypes()
        public = PublicFolder(folders.default("public"), views, types)
        if public.active:
            places.fill("static_content", public.stand)
        return cls(
            runtime.clock,
            Endpoints(places),
            Proxies(places, runtime),
            Router(),
            Middlewares(),
            Endwares(),
            Bodies(runtime),
            public,
            ErrorPages(
                folders.default("errors"), views, runtime.report, show_exceptions=show_exceptions
            ),
            TextFiles(runtime),
            ExceptionHandlers(),
            places,
            views,
            Cookies(runtime),
            types,
        )

    def event_services(self) -> EventServices:
        """What events are made with."""
        return EventServices(self.clock, self.bodies, self.endpoints)
