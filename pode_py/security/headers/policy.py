"""SecurityHeaders: the fields that every response of a server gets, and the answer to preflights.

Theory: what is set is set once and sent a million times. So each change makes one immutable state
with the fields as a shared tuple, and a request does no more than add that tuple to its response,
before anything else happens to it: so errors and refusals carry the fields, and a handler can set
others. HTML gets some fields without being asked; those are added where heads are made
(http/response.py), so that no other response pays for them.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pode_py.core.errors import PodeError, StatusError
from pode_py.core.runtime import Report
from pode_py.http.headers import SharedFields, checked_field
from pode_py.http.response import HeadDefaults
from pode_py.security.headers import permissions
from pode_py.security.headers.cors import AccessPolicy
from pode_py.security.headers.csp import NONCE, ContentPolicy
from pode_py.security.headers.permissions import Allowed
from pode_py.web.event import WebEvent
from pode_py.web.places import Places
from pode_py.web.routing.router import Router

Field = tuple[str, str]
# What there was before, the policy, the origin that it allows, the methods of the path.
_Key = tuple[SharedFields, AccessPolicy, str | None, tuple[str, ...]]

#: What every page gets until it is replaced or removed.
PAGES: Final[tuple[Field, ...]] = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
_HSTS: Final = "strict-transport-security"
_CSP: Final = ("content-security-policy", "content-security-policy-report-only")
_XSS: Final = "X-XSS-Protection"
_PERMISSIONS: Final = "Permissions-Policy"
# Of that many origins it is remembered that they were logged; then none is any more.
_MOST_ORIGINS: Final = 1000


_NOTHING: Final = SharedFields(())


@dataclass(frozen=True, slots=True)
class _State:
    """What requests read. `nonced` is the policy in which each response has a nonce of its own.

    `known` has what was put together for policies and origins.
    """

    plain: SharedFields = _NOTHING
    secure: SharedFields = _NOTHING
    nonced: Field | None = None
    policies: tuple[AccessPolicy, ...] = ()
    known: dict[_Key, SharedFields] = field(default_factory=dict)


class SecurityHeaders:
    """Stands at the places `security` and `preflight` once there is something to do there.

    Any thread may change it while the server runs; what is changed holds for the next requests.
    """

    def __init__(
        self, places: Places, router: Router, defaults: HeadDefaults, warn: Report
    ) -> None:
        self._lock = threading.RLock()
        self._places = places
        self._router = router
        self._defaults = defaults
        self._warn = warn
        self._values: dict[str, Field] = {}
        self._pages = {name.lower(): (name, value) for name, value in PAGES}
        self._content: ContentPolicy | None = None
        self._permissions: Mapping[str, Allowed] = {}
        self._policies: dict[str | None, AccessPolicy] = {}
        self._hides_server = False
        self._stands = False
        self._guards_origins = False
        self._logged: set[str] = set()
        self._state = _State()
        self._change_heads()
        places.on_preflight = self._miss

    # What is set.

    def put(self, fields: Mapping[str, str], *, append: bool = False) -> None:
        """Send these fields with every response. Blank values do nothing.

        `append`: behind the value that is sent so far, once.
        """
        with self._lock:
            for name, value in fields.items():
                if not value.strip():
                    continue
                made = checked_field(name, value)
                before = self._values.get(name.lower())
                if append and before is not None:
                    known = [one.strip().lower() for one in before[1].split(",")]
                    more = "" if made[1].lower() in known else f", {made[1]}"
                    made = (before[0], before[1] + more)
                self._values[name.lower()] = made
            self._changed()

    def remove(self, *names: str) -> None:
        """Send them no more, not with pages either."""
        with self._lock:
            for name in names:
                self._values.pop(name.lower(), None)
                self._pages.pop(name.lower(), None)
                if name.lower() in _CSP:
                    self._content = None
                elif name.lower() == _PERMISSIONS.lower():
                    self._permissions = {}
            self._changed()

    def clear(self) -> None:
        """Send none of all that, and answer no preflights."""
        with self._lock:
            self._values, self._pages, self._policies = {}, {}, {}
            self._content, self._permissions = None, {}
            self._hides_server = False
            self._changed()

    def hide_server(self, hidden: bool) -> None:
        """Whether responses name the server."""
        with self._lock:
            self._hides_server = hidden
            self._changed()

    def set_content(self, policy: ContentPolicy, *, add: bool = False) -> None:
        """Set the content security policy, or add to the one there is."""
        with self._lock:
            if add and self._content is not None:
                policy = self._content.added(policy)
            if not policy.text:
                raise ValueError('This policy is empty. Name a source, as in default="self".')
            for name in _CSP:
                self._values.pop(name, None)
            self._content = policy
            block = "1; mode=block" if policy.xss_block else "0"
            self.put({policy.header: policy.text, _XSS: block})

    def remove_content(self) -> None:
        """Send no content security policy."""
        self.remove(*_CSP, _XSS)

    def set_permissions(self, policy: Mapping[str, Allowed], *, add: bool = False) -> None:
        """Set the permissions policy, or add to the one there is."""
        with self._lock:
            if add:
                known = dict(self._permissions)
                for name, words in policy.items():
                    both = dict.fromkeys((*known.get(name, ()), *words)) if words else ()
                    known[name] = tuple(both)
                policy = known
            if not policy:
                raise ValueError('This policy is empty. Name a feature, as in camera="none".')
            self._permissions = policy
            self.put({_PERMISSIONS: permissions.text_of(policy)})

    def remove_permissions(self) -> None:
        """Send no permissions policy."""
        self.remove(_PERMISSIONS)

    def set_access(self, route: str | None, policy: AccessPolicy) -> None:
        """Let other origins read answers. One policy for each route, and one for all others."""
        with self._lock:
            self._policies[route] = policy
            if not self._guards_origins:
                self._guards_origins = True
                self._places.fill("preflight", self.answer_preflight)
            self._changed()

    def remove_access(self) -> None:
        """Take all policies of other origins away."""
        with self._lock:
            self._policies = {}
            self._changed()

    # What requests get.

    def stand(self, event: WebEvent) -> bool:
        """Put the fields into the response."""
        state, headers = self._state, event.response.headers
        secure = state.secure is not state.plain and event.request.client_scheme == "https"
        fields = state.secure if secure else state.plain
        policy = _policy_for(event.path, state.policies) if state.policies else None
        if policy is not None:
            fields = self._answer_origin(event, policy, state, fields)
        headers.share(fields)
        if state.nonced is not None:
            nonce = event.security_nonce = secrets.token_urlsafe(16)
            name, value = state.nonced
            headers.set_first((name, value.replace(NONCE, f"'nonce-{nonce}'")))
        return True

    def answer_preflight(self, event: WebEvent) -> bool:
        """Answer what a browser asks before a request of another origin. True if it is not that.

        No handler runs, no middleware, and nothing asks who the client is: browsers send neither
        cookies nor Authorization here.
        """
        if event.method != "options":
            return True
        origin = event.headers.get("origin")
        if origin is None or "access-control-request-method" not in event.headers:
            return True
        policy = _policy_for(event.path, self._state.policies)
        if policy is None:
            return True
        if not policy.allows(origin):
            self._log(event, origin)
            raise StatusError(403, "This origin is not allowed.")
        event.response.status_code = 204
        event.response.written = True
        return False

    def nonce_of(self, event: WebEvent) -> str:
        """The nonce of this response. "" if no policy is sent; PodeError for one without."""
        nonce = event.known("security_nonce")
        if nonce is not None:
            return str(nonce)
        if self._content is None or self._state.nonced is not None:
            return ""
        raise PodeError(
            "The content security policy has no nonce, so the browser would not run what has one. "
            'Add it: set_security_content_security_policy(scripts=["self", "nonce"]).'
        )

    def _answer_origin(
        self, event: WebEvent, policy: AccessPolicy, state: _State, fields: SharedFields
    ) -> SharedFields:
        """The fields, and those for the request's origin behind them."""
        event.access_policy = policy
        if not policy.any_origin:
            event.before_head = (*event.before_head, _vary_by_origin)
        methods: tuple[str, ...] = ()
        if policy.auto_methods:
            endpoint = event.endpoint.name if self._router.uses_endpoints else ""
            methods = tuple(sorted(self._router.methods(event.path, endpoint)))
        origin = event.headers.get("origin")
        if policy.any_origin or (origin is not None and not policy.allows(origin)):
            origin = None  # whatever it is, the fields are the same
        key = (fields, policy, origin, methods)
        made = state.known.get(key)
        if made is None:
            made = SharedFields([*fields.fields, *policy.answer(origin, methods)])
            if len(state.known) < _MOST_ORIGINS:
                state.known[key] = made
        return made

    def _miss(self, event: WebEvent) -> None:
        """Nothing is set for a preflight that came. Browsers say only that it failed."""
        origin = event.headers.get("origin")
        if origin is not None and "access-control-request-method" in event.headers:
            self._log(event, origin)

    def _log(self, event: WebEvent, origin: str) -> None:
        with self._lock:
            if origin in self._logged or len(self._logged) >= _MOST_ORIGINS:
                return
            self._logged.add(origin)
        method = event.headers.get("access-control-request-method")
        self._warn(
            f"A page of {origin!r} wanted to send {method!r} to {event.path!r}, and its browser "
            "does not, because no policy allows it. To allow it, call "
            f"set_security_access_control({origin!r}, methods=[{method!r}], auto_headers=True).",
            "CORS",
        )

    # How it is kept.

    def _changed(self) -> None:
        nonced = next((one for one in self._values.values() if NONCE in one[1]), None)
        secure = [one for one in self._values.values() if one is not nonced]
        plain = [one for one in secure if one[0].lower() != _HSTS]
        shared = SharedFields(plain)
        # The policies of routes come before the one for all others, the first that fits decides.
        policies = [one for route, one in self._policies.items() if route is not None]
        rest = self._policies.get(None)
        self._state = _State(
            shared,
            shared if len(plain) == len(secure) else SharedFields(secure),
            nonced,
            tuple(policies if rest is None else [*policies, rest]),
        )
        self._change_heads()
        if not self._stands and (self._values or self._policies):
            self._stands = True
            self._places.fill("security", self.stand)

    def _change_heads(self) -> None:
        self._defaults.set(
            pages=tuple(self._pages.values()),
            hides_server=self._hides_server,
            repeated=len(self._values) + (6 if self._policies else 0),
        )


def _policy_for(path: str, policies: tuple[AccessPolicy, ...]) -> AccessPolicy | None:
    return next((policy for policy in policies if policy.covers(path)), None)


def _vary_by_origin(event: WebEvent) -> None:
    """A handler that sets Vary does not mean that caches may mix up origins."""
    headers = event.response.headers
    if "origin" not in headers.get("Vary", "").lower():
        headers.add_known(("Vary", "Origin"))
