"""Open pages in headless Chromium as readers do, and say what is wrong with them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# name, width, color scheme: colors do not depend on the width
WINDOWS = (("desktop", 1280, "light"), ("phone", 390, "dark"))


def problems_of(pages: Iterable[Path]) -> list[str]:
    """What axe-core finds, what is wider than the window and what a page asks of the network.

    Each page is opened on a light desktop and on a dark phone. Skips the test where there is no Chromium.
    """
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    axe, found = Axe(), []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for device, width, scheme in WINDOWS:
            window = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            asked: list[str] = []
            window.on("request", lambda request, asked=asked: asked.append(request.url))
            for page in pages:
                where = f"{page.name}, {device}, {scheme}"
                window.goto(page.absolute().as_uri())
                for violation in axe.run(window).response["violations"]:
                    first = violation["nodes"][0]["html"][:120]
                    found.append(f"{where}: {violation['help']} ({len(violation['nodes'])}): {first}")
                if window.evaluate("document.documentElement.scrollWidth") > width:
                    found.append(f"{where}: wider than the window")
            found += [f"asks for {url}" for url in asked if not url.startswith(("file:", "data:"))]
        chromium.close()
    return found
