"""The configuration functions of Pode's Utilities area."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pode_py.core.ambient import room
from pode_py.server.configuration.configuration import Configuration

__all__ = [
    "get_config",
    "get_config_path",
    "test_config_enabled",
]


def get_config() -> Mapping[str, Any]:
    """Return what the configuration file says. Pode: Get-PodeConfig.

    A mapping that can't be changed; its keys are found in any case. Environment variables that
    begin with ``PODE_PY__`` are laid over the file. Without a file, and without these, it is empty.
    A missing key is a KeyError that names the file and its keys.

        add_endpoint(port=get_config().get("Port", 8080))
    """
    return room(Configuration).values


def test_config_enabled() -> bool:
    """Return whether there is a configuration file. Pode: Test-PodeConfigEnabled.

    if not test_config_enabled():
        raise StartError("Copy server.example.toml to server.toml, and fill it in.")
    """
    return room(Configuration).enabled


def get_config_path() -> Path | None:
    """Return the path of the configuration file; None without one. Pode: Get-PodeConfigPath.

    print(get_config_path())
    """
    return room(Configuration).path


test_config_enabled.__test__ = False  # type: ignore[attr-defined]  # pytest: this is no test
