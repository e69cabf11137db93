"""What a phone on 3G waits for when somebody opens the web page for the first time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, CDPSession, sync_playwright

from benchmarks.app import fill_catalogue
from benchmarks.figures import KILOBYTES, Figure
from tests.browser.conftest import ARGUMENTS
from tests.browser.test_web import FIRST_VIEW_BYTES
from tests.system import System, running_system

VIEWS, QUICK_VIEWS = 5, 2
QUIET_MS = 2000  # after the load event, for what comes late
CPU_SLOWDOWN = 4
# As Lighthouse has them for its DevTools throttling, core/config/constants.js at 7ac9485: the round
# trip times 3.75, which an HTTP request is late by, and nine tenths of the throughput.
PHONE: dict[str, Any] = {
    "viewport": {"width": 412, "height": 823},
    "device_scale_factor": 1.75,
    "is_mobile": True,
    "has_touch": True,
    "locale": "sw-TZ",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A connection: its round trip, and kilobits a second down and up."""

    name: str
    round_trip_ms: int
    down: float
    up: float

    @property
    def conditions(self) -> dict[str, Any]:
        return {
            "offline": False,
            "latency": self.round_trip_ms * 3.75,
            "downloadThroughput": self.down * 1024 / 8 * 0.9,
            "uploadThroughput": self.up * 1024 / 8 * 0.9,
        }


LINES = [
    Line("mobileRegular3G, slow", 300, 700, 700),
    Line("mobileSlow4G, which was called fast 3G", 150, 1.6 * 1024, 750),
]
MOMENTS = {
    "time to first byte": "TTFB",
    "first contentful paint": "FCP",
    "largest contentful paint": "LCP",
    "DOMContentLoaded": "DCL",
    "load": "load",
    "total blocking time": "TBT",
}
WATCH = """
window.seen = { LCP: 0, CLS: 0, tasks: [] };
const watch = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take))
  .observe({ type, buffered: true });
watch("largest-contentful-paint", (entry) => { seen.LCP = entry.startTime; });
watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.CLS += entry.value; });
watch("longtask", (entry) => seen.tasks.push([entry.startTime, entry.duration]));
"""
READ = """() => {
  const [way] = performance.getEntriesByType("navigation");
  const FCP = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  const blocking = seen.tasks.filter(([start]) => start >= FCP).map(([, took]) => took - 50);
  return {
    TTFB: way.responseStart, FCP, LCP: seen.LCP, DCL: way.domContentLoadedEventEnd,
    load: way.loadEventEnd, TBT: blocking.reduce((sum, each) => sum + each, 0), CLS: seen.CLS,
  };
}"""


@dataclass(frozen=True, slots=True)
class View:
    """One first visit: milliseconds by moment (and CLS), and bytes over the line by resource."""

    moments: dict[str, float]
    transferred: dict[str, int]


def measure(*, is_quick: bool) -> list[Figure]:
    """Each visit by a profile of its own, that has nothing kept."""
    views = QUICK_VIEWS if is_quick else VIEWS
    with running_system() as system:
        fill_catalogue(system)
        with _chromium() as browser:
            seen = {line: [_view(browser, system, line) for _ in range(views)] for line in LINES}
        system.flush_redis()
    for line, visits in seen.items():
        _tell(line, visits)
    sizes = [sum(visit.transferred.values()) for visits in seen.values() for visit in visits]
    return [
        Figure(
            "first view, transferred",
            sizes,
            [FIRST_VIEW_BYTES],
            unit=KILOBYTES,
            at_most=1,
        )
    ]


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", headless=True, args=ARGUMENTS
        )
        yield browser
        browser.close()


def _view(browser: Browser, system: System, line: Line) -> View:
    context = browser.new_context(**PHONE)
    page = context.new_page()
    page.add_init_script(WATCH)
    devtools = context.new_cdp_session(page)
    transferred = _listen(devtools)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    devtools.send("Network.emulateNetworkConditions", line.conditions)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    page.goto(f"{system.url}/", wait_until="load")
    page.wait_for_timeout(QUIET_MS)
    moments: dict[str, float] = page.evaluate(READ)
    context.close()
    return View(moments, transferred)


def _listen(devtools: CDPSession) -> dict[str, int]:
    """Bytes as they come over the line, heads and compressed bodies, by path; filled meanwhile."""
    paths: dict[str, str] = {}
    transferred: dict[str, int] = {}

    def answered(event: Any) -> None:
        paths[event["requestId"]] = urlsplit(event["response"]["url"]).path

    def finished(event: Any) -> None:
        path = paths.get(event["requestId"], "?")
        transferred[path] = transferred.get(path, 0) + int(event["encodedDataLength"])

    devtools.on("Network.responseReceived", answered)
    devtools.on("Network.loadingFinished", finished)
    return transferred


def _tell(line: Line, visits: list[View]) -> None:
    print(
        f"First view by {line.name}: {line.round_trip_ms} ms, {line.down:.0f} kbit/s down, "
        f"{line.up:.0f} up, a processor {CPU_SLOWDOWN} times as slow; medians of {len(visits)}"
    )
    for name, key in MOMENTS.items():
        print(f"  {name:<26} {median(visit.moments[key] for visit in visits):7.0f} ms")
    shift = median(visit.moments["CLS"] for visit in visits)
    print(f"  {'cumulative layout shift':<26} {shift:7.3f}")
    for path, size in visits[-1].transferred.items():
        print(f"  {path:<50} {size:7,} bytes")
    print(f"  {len(visits[-1].transferred)} requests", flush=True)
