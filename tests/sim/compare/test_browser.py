from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.compare.comparison import compare, pictures
from sim.compare.page import write_page
from sim.kernel.runner import BUILD
from tests.sim.compare.chromium import PROGRAM, Browser, chromium
from tests.sim.compare.reports import estimate, record, report, write_report

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no browser: `apt install chromium`")
SHOWN = "[...document.querySelectorAll('[role=tabpanel]')].filter(p => !p.hidden).map(p => p.id).join()"
FOCUSED = "document.activeElement.id"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a row, pictures and plots."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.kernel.baseline.LOCAL", folder)
        patch.setattr("sim.compare.costs.ESTIMATES", folder)
        estimate(folder)
        record(folder, "splat")
        found = compare([write_report(folder, "splat-x", report())])
    write_page(folder / "index.html", found, pictures(folder))
    return folder / "index.html"


@pytest.fixture
def page(path: Path, browser: Browser) -> Path:
    """The page, open at its beginning."""
    browser.errors.clear()
    browser.size(1280, 900)
    browser.open(path)
    return path


def show(browser: Browser, panel: str) -> None:
    browser.run(f"document.getElementById('tab-{panel}').click()")


def test_it_renders_without_a_complaint(page: Path, browser: Browser) -> None:
    """Every panel is opened, its plots are drawn, the console stays empty; a picture is kept in build/."""
    for tab in browser.run("[...document.querySelectorAll('[role=tab]')].map(t => t.id)"):
        browser.run(f"document.getElementById('{tab}').click()")
        assert browser.run(SHOWN) == tab.removeprefix("tab-")
        drawn = "[...document.querySelectorAll('section:not([hidden]) .canvas')].every(c => c.querySelector('svg'))"
        assert browser.run(drawn), tab
    assert browser.run("document.querySelectorAll('.canvas').length") >= 8
    browser.run("document.getElementById('tab-overview').click()")
    browser.picture(BUILD / "compare" / "test.png")
    assert (BUILD / "compare" / "test.png").stat().st_size > 20_000
    assert browser.errors == []


def test_tabs_go_by_keyboard(page: Path, browser: Browser) -> None:
    """Arrows, Home and End, round about; the tab that is open has the focus, and the only place in the tab order."""
    browser.run("document.querySelector('[role=tab]').focus()")
    for key, panel in (
        ("ArrowRight", "splat"), ("ArrowRight", "kv"), ("ArrowLeft", "splat"), ("End", "sources"),
        ("ArrowRight", "overview"), ("ArrowLeft", "sources"), ("Home", "overview"),
    ):  # fmt: skip
        browser.press(key)
        assert browser.run(SHOWN) == panel
        assert browser.run(FOCUSED) == f"tab-{panel}"
    assert browser.run("document.querySelectorAll('[role=tab][tabindex=\"0\"][aria-selected=true]').length") == 1
    assert browser.errors == []


def test_the_slider_goes_by_keyboard(page: Path, browser: Browser) -> None:
    """Each arrow moves the border between the two pictures."""
    show(browser, "splat")
    part = "getComputedStyle(document.querySelector('.stack')).getPropertyValue('--part')"
    assert browser.run(part) == "50%"
    browser.run("document.querySelector('.slider').focus()")
    for _ in range(3):
        browser.press("ArrowRight")
    assert browser.run(part) == "53%"
    clip = browser.run("getComputedStyle(document.querySelector('.top')).clipPath")
    assert clip == "inset(0px 0px 0px 47%)"
    browser.press("Home")
    assert browser.run(part) == "0%"


def test_a_number_says_and_shows_its_source(page: Path, browser: Browser) -> None:
    """On focus its provenance appears, Escape hides it, Enter goes to the source, which is then in sight."""
    number = "document.querySelector('#overview a.n[data-path=\"rows.0.values.cycles\"]')"
    browser.run(f"{number}.focus()")
    told = browser.run("document.getElementById('tip').hidden ? null : document.getElementById('tip').textContent")
    assert told.startswith("measured in simulation.")
    assert "report-splat-x.json" in told
    assert browser.run(f"{number}.getAttribute('aria-describedby')") == "tip"
    browser.press("Escape")
    assert browser.run("document.getElementById('tip').hidden")
    browser.press("Enter")
    browser.run("new Promise(done => setTimeout(done, 200))")  # the browser tells of a new fragment by and by
    assert browser.run(SHOWN) == "sources"
    assert "report-splat-x.json" in browser.run("document.activeElement.textContent")
    assert browser.errors == []


def test_it_fits_a_phone_and_paper(page: Path, browser: Browser) -> None:
    """Nothing is wider than a phone; on paper every panel is there, with its plots; in the dark the paper is dark."""
    browser.size(390, 800)
    for panel in ("overview", "splat", "sweeps", "gpus", "sources"):
        show(browser, panel)
        assert browser.run("document.documentElement.scrollWidth") <= 390, panel
    browser.size(760, 1000, media="print")
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.run(SHOWN).split(",")[0] == "overview"
    assert len(browser.run(SHOWN).split(",")) == browser.run("document.querySelectorAll('[role=tab]').length")
    assert browser.run("[...document.querySelectorAll('.canvas')].every(c => c.querySelector('svg'))")
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    assert browser.run(SHOWN).count(",") == 0
    browser.size(800, 600, dark=True)
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 28)"
    browser.run("document.getElementById('theme').click()")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(252, 252, 250)"
    assert browser.errors == []
