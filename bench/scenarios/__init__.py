"""The scenarios of the bench: one module each, whose SCENARIO is found by its being here."""

from importlib import import_module
from pkgutil import iter_modules

from bench.scenario import Scenario


def all_scenarios() -> tuple[Scenario, ...]:
    """Return the scenario of every module of this folder, by its order."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return tuple(sorted((module.SCENARIO for module in modules), key=lambda one: one.order))
