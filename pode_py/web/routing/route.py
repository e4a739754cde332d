"""Route: a method and a path, and what answers them. And the group that routes are added in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pode_py.core.handlers import Handler
from pode_py.http.patterns import Pattern, route_path
from pode_py.web.errors.exception_handlers import ExceptionHandlers
from pode_py.web.middleware.middleware import Middleware
from pode_py.web.routing.binder import Binder
from pode_py.web.routing.guards import Guard

IfExists = Literal["default", "error", "overwrite", "skip"]


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One way to be asked. `method` is in lower case, or ``*``; `endpoint_name` "" is any."""

    method: str
    path: str
    handler: Handler | None
    middleware: tuple[Middleware, ...] = ()
    endpoint_name: str = ""
    content_type: str = ""
    transfer_encoding: str = ""
    error_content_type: str = ""
    is_static: bool = False
    exception_handlers: ExceptionHandlers | None = None
    timeout: float | None = None
    guards: tuple[Guard, ...] = ()
    binder: Binder | None = None
    pattern: Pattern = field(init=False, repr=False)
    #: Whether there is anything to say to `content_type` and its like: few routes have one.
    says_types: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        types = (self.content_type, self.transfer_encoding, self.error_content_type)
        object.__setattr__(self, "pattern", Pattern(self.path))
        object.__setattr__(self, "says_types", any(types))

    @property
    def logic(self) -> Callable[..., Any] | None:
        """The user's function."""
        return None if self.handler is None else self.handler.function


@dataclass(frozen=True, slots=True)
class RouteGroup:
    """What the routes of a group have in common. `folder_if_exists` is that of `use_routes`."""

    path: str = ""
    middleware: tuple[Middleware, ...] = ()
    endpoint_name: tuple[str, ...] = ()
    content_type: str = ""
    transfer_encoding: str = ""
    error_content_type: str = ""
    if_exists: str = "default"
    folder_if_exists: str = "default"
    exception_handlers: ExceptionHandlers | None = None
    timeout: float | None = None

    def within(self, outer: RouteGroup) -> RouteGroup:
        """This group as part of `outer`: paths and middleware add up, the rest it may override."""
        return replace(
            self,
            path=outer.full_path(self.path),
            middleware=outer.middleware + self.middleware,
            endpoint_name=self.endpoint_name or outer.endpoint_name,
            content_type=self.content_type or outer.content_type,
            transfer_encoding=self.transfer_encoding or outer.transfer_encoding,
            error_content_type=self.error_content_type or outer.error_content_type,
            if_exists=_decided(self.if_exists, outer.if_exists),
            folder_if_exists=_decided(self.folder_if_exists, outer.folder_if_exists),
            exception_handlers=self.exception_handlers or outer.exception_handlers,
            timeout=outer.timeout if self.timeout is None else self.timeout,
        )

    def full_path(self, path: str) -> str:
        """Where a route with this path is: one slash is put between."""
        if not path or not self.path.strip("/"):
            return path or self.path
        return f"{self.path.rstrip('/')}/{path.lstrip('/')}"

    def routes(
        self, methods: Iterable[str], handler: Handler, binder: Binder | None = None
    ) -> list[Route]:
        """The routes at this path: one for each method and endpoint."""
        return [
            Route(
                method,
                route_path(self.path),
                handler,
                self.middleware,
                endpoint,
                self.content_type,
                self.transfer_encoding,
                self.error_content_type,
                exception_handlers=self.exception_handlers,
                binder=binder,
                timeout=self.timeout,
            )
            for method in methods
            for endpoint in self.endpoint_name or ("",)
        ]

    def deciding(self, if_exists: str) -> RouteGroup:
        """This group with its own word on routes that exist, if it has one."""
        return self if if_exists == "default" else replace(self, if_exists=if_exists)


def _decided(*choices: str) -> str:
    return next((choice for choice in choices if choice != "default"), "default")
