"""JinjaEngine: templates of Jinja2, which is imported with the first one.

The environment is a user's, or ours. Templates that others extend or include are found below the
folders of views; an environment's own loader is asked for those that are not there.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from pode_py.core.errors import PodeError
from pode_py.core.jsons import to_json
from pode_py.web.views.engines import Render, escapes
from pode_py.web.views.files import Template, signature_of

# The text of a template, its path, and whether it is still the same.
Found = tuple[str, str, Callable[[], bool]]


class JinjaEngine:
    """Compiles templates. `find` gets the name of one; `names` are known in all of them."""

    def __init__(
        self,
        extension: str,
        find: Callable[[str], tuple[Template, str] | None],
        names: Mapping[str, Any],
        environment: Any = None,
    ) -> None:
        self.extension = extension
        self._find = find
        self._names = names
        self._lock = threading.Lock()
        self._environment = None if environment is None else self._furnished(environment)

    def compile(self, template: Template) -> Render:
        """Raises jinja2.TemplateSyntaxError."""
        from jinja2 import Template as JinjaTemplate

        environment = self._environment or self._make_ready()
        code = environment.compile(template.text, template.name, template.path)
        made = JinjaTemplate.from_code(environment, code, environment.make_globals(None))

        def render(data: dict[str, Any]) -> str:
            return made.render(data, data=data)

        return render

    def _make_ready(self) -> Any:
        with self._lock:
            if self._environment is None:
                self._environment = self._furnished(lambda _: None)
            return self._environment

    def _furnished(self, given: Any) -> Any:
        """The environment of a user, or a function of theirs that changes ours, made ready."""
        from jinja2 import ChoiceLoader, Environment, FunctionLoader

        if not isinstance(given, Environment):
            if not callable(given):
                raise TypeError(
                    "environment takes a jinja2.Environment, or a function that gets ours and "
                    f"changes it, not {given!r}."
                )
            # A page ends as its file does.
            made = Environment(
                autoescape=self._escapes,  # noqa: S701 - off where markup is not
                keep_trailing_newline=True,
            )
            made.policies["json.dumps_function"] = _json_of
            given(made)
            given = made
        if given.is_async:
            raise PodeError(
                "The environment has enable_async=True, and a view is rendered where its handler "
                "runs, without waiting. Make it without enable_async, and get what a view needs "
                "in the handler: an async def one can wait."
            )
        ours = FunctionLoader(self._load)
        loader = ours if given.loader is None else ChoiceLoader([ours, given.loader])
        # A user's own environment stays as it is. Filters, globals and tests are the same objects.
        ready = given.overlay(loader=loader, autoescape=given.autoescape or self._escapes)
        ready.context_class = _context_class(given.context_class, self._names)
        return ready

    def _load(self, name: str) -> Found | None:
        found = self._find(name)
        if found is None:
            return None
        template, place = found

        def is_same() -> bool:
            return not template.may_change_unseen and signature_of(place) == template.signature

        return template.text, template.path, is_same

    def _escapes(self, name: str | None) -> bool:
        return name is None or escapes(name, self.extension)


def _json_of(value: Any, **options: Any) -> str:
    """For `tojson`: what handlers can answer can stand in a page, too."""
    return json.dumps(json.loads(to_json(value)), **options)


def _context_class(base: Any, names: Mapping[str, Any]) -> Any:
    """A context that knows `names`, without the copy of them that globals cost each rendering."""
    from jinja2.runtime import Context
    from jinja2.utils import missing

    def resolve(context: Any, key: str) -> Any:
        if key in context.vars:
            return context.vars[key]
        if key in context.parent:
            return context.parent[key]
        return names.get(key, missing)

    def resolve_theirs(context: Any, key: str) -> Any:
        value = base.resolve_or_missing(context, key)
        return names.get(key, missing) if value is missing else value

    own = base.resolve_or_missing is not Context.resolve_or_missing
    resolve_or_missing = resolve_theirs if own else resolve

    return type("ViewContext", (base,), {"resolve_or_missing": resolve_or_missing})
