import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browsing
import pytest
from stored_campaigns import NAMES, RESULTS

from clipkit.report.pages.report import write_report

# Half of what the report on the quick wins was when charts were outlines and were shown twice.
LARGEST_BYTES, LONGEST_PX = 4_179_608 / 2, 24_667 / 2
PAPER_PX = 703
"""Of an A4 sheet between its margins."""


@pytest.fixture(scope="module", params=NAMES)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored") / request.param
    shutil.copytree(RESULTS / request.param, folder)
    return write_report(folder)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    with browsing.browser(tmp_path / "seen.png") as page:
        yield page


def opened(page: Any, report: Path, width_px: int) -> None:
    page.set_viewport_size({"width": width_px, "height": 800})
    page.goto(f"file://{report}")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def beyond(page: Any) -> list[str]:
    """What reaches beyond the right edge and cannot be scrolled to by itself."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("body *")]
        .filter((one) => !one.closest(".clipkit-table")
          || getComputedStyle(one.closest(".clipkit-table")).overflowX === "visible")
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => one.outerHTML.slice(0, 200))"""
    )
    return found


def test_a_page_holds_on_a_screen_a_phone_and_paper(browser: Any, written: Path):
    for width_px in (1280, 390):
        opened(browser, written, width_px)
        assert beyond(browser) == [], width_px
    browser.emulate_media(media="print")
    opened(browser, written, PAPER_PX)
    assert beyond(browser) == []


def test_a_page_is_small_and_short(browser: Any, written: Path):
    browser.set_viewport_size({"width": 1280, "height": 800})
    browser.goto(f"file://{written}")
    assert written.stat().st_size < LARGEST_BYTES
    assert browser.evaluate("document.documentElement.scrollHeight") < LONGEST_PX


def test_a_phone_gets_the_charts_that_are_drawn_for_it(browser: Any, written: Path):
    sources = "[...document.querySelectorAll('main picture img')].map((one) => one.currentSrc)"
    opened(browser, written, 1280)
    wide = browser.evaluate(sources)
    opened(browser, written, 390)
    narrow = browser.evaluate(sources)
    assert wide
    assert not set(wide) & set(narrow)
    assert browser.evaluate("[...document.images].every((one) => one.naturalWidth <= 360)")


def test_a_dark_page_has_light_letters(browser: Any, written: Path):
    browser.emulate_media(color_scheme="dark")
    opened(browser, written, 1280)
    ink, paper = browser.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert brightness(ink) > 200
    assert brightness(paper) < 60


def brightness(color: str) -> float:
    """Of `rgb(1, 2, 3)`."""
    parts = [float(part) for part in color[4:-1].split(",")[:3]]
    return sum(parts) / len(parts)


def test_tables_are_sorted_by_their_heads_with_mouse_and_keyboard(browser: Any, written: Path):
    opened(browser, written, 1280)
    heads = browser.locator("main th", has_text="peak").filter(has=browser.locator("button"))
    head = heads.first
    table = head.locator("xpath=ancestor::table")
    column = head.evaluate("(one) => one.cellIndex")
    cells = f"(one) => [...one.tBodies[0].rows].map((row) => row.cells[{column}].textContent)"
    before = sizes(table.evaluate(cells))
    head.locator("button").click()
    assert sizes(table.evaluate(cells)) == sorted(before)
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").focus()
    browser.keyboard.press("Enter")
    assert sizes(table.evaluate(cells)) == sorted(before, reverse=True)


def sizes(cells: list[str]) -> list[float]:
    """Those that are known: the others come last."""
    known = [cell for cell in cells if cell != "unknown"]
    return [float(cell.removesuffix(" MB")) for cell in known]
