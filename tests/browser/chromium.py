"""Chromium as Debian has it, driven by its own chromedriver: nothing is downloaded, ever."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.support import need_program

T = TypeVar("T")

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
DEADLINE = 30.0


class Browser:
    """A browser with an empty profile. `with` closes it."""

    def __init__(self, profile: Path, *arguments: str, size: tuple[int, int] = (1280, 800)) -> None:
        options = ChromeOptions()
        options.binary_location = need_program("chromium")
        for argument in (
            *ARGUMENTS,
            *arguments,
            f"--user-data-dir={profile}",
            f"--window-size={size[0]},{size[1]}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = Chrome(options, ChromeService(need_program("chromedriver")))
        self.driver.set_page_load_timeout(DEADLINE)
        self.driver.set_script_timeout(DEADLINE)

    def open(self, url: str) -> None:
        self.driver.get(url)

    def close(self) -> None:
        self.driver.quit()

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page; `return` gives its value."""
        return self.driver.execute_script(script, *arguments)

    def find(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        """The texts of all elements that the selector finds, hidden ones included."""
        script = "return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)"
        return list(self.run(script, css))

    def text(self, css: str) -> str:
        found = self.texts(css)
        assert found, f"There is no {css!r} on {self.driver.current_url}."
        return found[0]

    def wait_for(self, ask: Callable[[], T], what: str, deadline: float = DEADLINE) -> T:
        """Ask until the answer is true; gives it."""
        until = time.monotonic() + deadline
        while not (answer := ask()):
            assert time.monotonic() < until, (
                f"In vain: {what}. The page shows:\n{self.text('body')}"
            )
            time.sleep(0.02)
        return answer

    def wait_for_text(self, css: str, text: str, deadline: float = DEADLINE) -> None:
        """Wait until one of these elements holds the text."""
        self.wait_for(
            lambda: any(text in found for found in self.texts(css)), f"{text!r} in {css}", deadline
        )

    def type(self, css: str, text: str) -> None:
        field = self.find(css)
        field.clear()
        field.send_keys(text)

    def click(self, css: str) -> None:
        self.find(css).click()

    def new_tab(self, url: str) -> str:
        """Open a page in a new tab and go there. Gives the tab's handle."""
        self.driver.switch_to.new_window("tab")
        self.open(url)
        return self.driver.current_window_handle

    def go_to_tab(self, handle: str) -> None:
        self.driver.switch_to.window(handle)

    def complaints(self) -> list[str]:
        """What the page wrote to the console as errors, and what failed to load."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def screenshot(self, name: str, *, size: tuple[int, int] | None = None) -> None:
        """Save the page as <name>.png if PODE_PY_SCREENSHOTS says in which folder."""
        folder = os.environ.get("PODE_PY_SCREENSHOTS")
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        metrics = {"mobile": False, "deviceScaleFactor": 1}
        if size is not None:
            metrics |= {"width": size[0], "height": size[1]}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))
        if size is not None:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def prefer(self, scheme: str) -> None:
        """Pretend that the reader's system is "light" or "dark"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
