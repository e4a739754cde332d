"""Settings: the configuration's settings as typed values, a place for those of each room.

rooms.py hands them to the rooms that honour them. What keys.py marks as LATER stands here too: so a
room that begins to honour it finds it checked and typed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pode_py.server.configuration.configuration import Configuration

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartConfig:
    """When the server restarts. `period` in minutes, 0 for never."""

    period: float = 0.0
    times: tuple[str, ...] = ()
    crons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingConfig:
    """`mask` is None where Pode's own stays."""

    enable: bool = True
    patterns: tuple[str, ...] = ()
    mask: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldersConfig:
    """Relative to the root."""

    public: str = "public"
    views: str = "views"
    errors: str = "errors"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticCacheConfig:
    """`max_age` in seconds. `include` and `exclude` are patterns of paths."""

    enable: bool = False
    max_age: int = 3600
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticConfig:
    """`defaults` is None where the built-in list stays."""

    defaults: tuple[str, ...] | None = None
    redirect_to_default: bool = False
    validate_last: bool = False
    cache: StaticCacheConfig = field(default_factory=StaticCacheConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPagesConfig:
    """`routes` are pairs of a pattern of paths and a content type, in the file's order."""

    strict_content_typing: bool = False
    default: str | None = None
    routes: Pairs = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRouteConfig:
    """A content type or transfer encoding of bodies: for all, and by patterns of paths."""

    default: str | None = None
    routes: Pairs = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """What stands below `Web`."""

    static: StaticConfig = field(default_factory=StaticConfig)
    error_pages: ErrorPagesConfig = field(default_factory=ErrorPagesConfig)
    content_type: ByRouteConfig = field(default_factory=ByRouteConfig)
    transfer_encoding: ByRouteConfig = field(default_factory=ByRouteConfig)
    compression: bool = False
    openapi_tag: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the file alone decides; what start_server has an argument for is in ServerOptions."""

    restart: RestartConfig = field(default_factory=RestartConfig)
    logging: LoggingConfig = field(default_factory=LoggingConfig)
    folders: FoldersConfig = field(default_factory=FoldersConfig)
    web: WebConfig = field(default_factory=WebConfig)
    allow_restart: bool = True
    ssl_protocols: tuple[str, ...] = ()

    @classmethod
    def of(cls, configuration: Configuration) -> Settings:
        """The settings that the configuration makes, with the defaults of the others."""

        def get(prefix: str, **paths: str) -> dict[str, Any]:
            found = {name: configuration.get(f"{prefix}.{path}") for name, path in paths.items()}
            return {name: value for name, value in found.items() if value is not None}

        return cls(
            restart=RestartConfig(
                **get("Server.Restart", period="Period", times="Times", crons="Crons")
            ),
            logging=LoggingConfig(
                **get(
                    "Server.Logging",
                    enable="Enable",
                    patterns="Masking.Patterns",
                    mask="Masking.Mask",
                )
            ),
            folders=FoldersConfig(
                **get("Server.DefaultFolders", public="Public", views="Views", errors="Errors")
            ),
            web=_web(get),
            **get("Server", allow_restart="AllowedActions.Restart", ssl_protocols="Ssl.Protocols"),
        )


def _web(get: Any) -> WebConfig:
    by_route = {"default": "Default", "routes": "Routes"}
    cache = StaticCacheConfig(
        **get(
            "Web.Static.Cache",
            enable="Enable",
            max_age="MaxAge",
            include="Include",
            exclude="Exclude",
        )
    )
    return WebConfig(
        static=StaticConfig(
            cache=cache,
            **get(
                "Web.Static",
                defaults="Defaults",
                redirect_to_default="RedirectToDefault",
                validate_last="ValidateLast",
            ),
        ),
        error_pages=ErrorPagesConfig(
            **get("Web.ErrorPages", strict_content_typing="StrictContentTyping", **by_route)
        ),
        content_type=ByRouteConfig(**get("Web.ContentType", **by_route)),
        transfer_encoding=ByRouteConfig(**get("Web.TransferEncoding", **by_route)),
        **get("Web", compression="Compression.Enable", openapi_tag="OpenApi.DefaultDefinitionTag"),
    )
