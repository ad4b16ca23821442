"""The HTML report in a real browser: what it shows, asks for, and looks like on a phone and on paper."""

import json
import time

import browser
import pytest
from reports import HOSTILE, add_history, environment, log

from locust.argument_parser import get_parser
from locust.html import get_html_report

pytestmark = [
    pytest.mark.skipif(browser.MISSING is not None, reason=str(browser.MISSING)),
    pytest.mark.plain("a browser reads the report; how it is written is tested by test_html.py"),
]

DRAWN = """
return [...document.querySelectorAll("canvas")].map((canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] > 200) {
      colours.add(data[i] + "," + data[i + 1] + "," + data[i + 2]);
    }
  }
  return colours.size;
});
"""


@pytest.fixture(scope="module")
def chromium():
    with browser.Browser() as started:
        yield started


@pytest.fixture
def page(chromium, tmp_path):
    """Opens the report of an environment; at the end the browser must have had nothing to complain about."""
    opened = []

    def show(made, theme="", width=1280, system="light", **kwargs):
        path = tmp_path / f"report-{len(opened)}.html"
        path.write_text(get_html_report(made, theme=theme, **kwargs), "utf-8")
        chromium.size(width, 844, mobile=width < 600)
        chromium.prefer(system)
        chromium.requests()
        chromium.open(path.as_uri())
        opened.append(path.as_uri())
        return chromium

    chromium.console()
    yield show
    assert chromium.console() == []
    assert [url for url in chromium.requests() if not url.startswith("data:")] == opened[-1:]
    chromium.open("about:blank")


def small(**kwargs):
    """A test with a bit of everything."""
    made = environment(**kwargs)
    log(made, ["/", "/login", "/slow"], [("/login", "HTTPError('503')"), ("/slow", "TimeoutError()")] * 2, requests=40)
    add_history(made, 120, peak=60)
    made.stats.total.start_time = 1_700_000_000
    made.stats.total.last_request_timestamp = 1_700_000_600
    made.runner.exceptions["x"] = {"count": 2, "msg": "KeyError", "traceback": "Traceback\n  File", "nodes": {"local"}}
    return made


def texts(chromium, selector):
    return chromium.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", selector)


def names(chromium, table):
    return texts(chromium, f"#{table} tbody .request > .text:last-child")


# --- Content.


def test_sections_and_figures(page):
    b = page(small(profile="nightly", parsed_options=get_parser().parse_args(["-u", "50"])))
    assert b.run("return document.title") == "Locust - nightly"
    assert [t.split(" by")[0] for t in texts(b, "h2")] == [
        "Slowest,", "Most failures", "Over time", "All response times", "Requests", "Percentiles", "Failures",
        "Exceptions in the users' code", "Task ratio", "Options",
    ]  # fmt: skip
    assert texts(b, "h1") == ["https://shop.example.com"]
    figures = dict(zip(texts(b, ".figure .what"), texts(b, ".figure .value"), strict=True))
    assert (figures["Requests"], figures["Failures"], figures["Users"]) == ("120", "3.33%", "50")
    assert names(b, "requests") == ["/", "/login", "/slow"]
    assert texts(b, "#requests tfoot .text") == ["Aggregated"]
    assert texts(b, "#options dt") == ["--users"]
    assert "Traceback\n  File" in texts(b, "#exceptions pre")


def test_thresholds(page):
    made = small()
    made.thresholds = ["max<10s", "fail_ratio<1%", "GET </script><b>:p99<5", "what is <img src=x onerror=harm>?"]
    b = page(made)
    assert texts(b, "#thresholds .mark") == ["passed", "failed", "failed", "failed"]
    assert texts(b, "#thresholds .name") == made.thresholds
    measured = texts(b, "#thresholds .num")
    assert measured[1:3] == ["3.33%", "no such request"] and "position 1: expected" in measured[3]
    assert texts(b, "#thresholds .pill") == ["3 not kept"]
    made.thresholds = ["failures==4"]
    assert texts(page(made), "#thresholds .pill") == ["All kept"]


def test_times_below_a_millisecond_are_shown(page):
    made = environment()
    for n in range(100):
        made.stats.log_request("GET", "/", 0.2 + n / 1000, 1)
    b = page(made)
    figures = dict(zip(texts(b, ".figure .what"), texts(b, ".figure .value"), strict=True))
    assert figures["Slowest"] == "0.299ms"
    assert figures["Median"] in ("0.249ms", "0.250ms", "0.251ms")
    assert texts(b, "#requests tbody td")[6] == "0.200"
    assert min(b.run(DRAWN)) > 2


def test_an_empty_test_has_a_report(page):
    b = page(environment())
    assert texts(b, ".pill") == ["No requests"]
    assert "too short" in texts(b, "#charts .empty")[0]
    assert texts(b, "canvas") == []


def test_a_test_without_failures_says_so(page):
    made = environment()
    log(made, ["/a", "/b"])
    b = page(made)
    assert texts(b, ".pill") == ["No failures"]
    assert texts(b, "#failing .empty") == ["No request failed."]
    assert texts(b, "#failures") == []


def test_one_sample_is_drawn(page):
    made = environment()
    log(made, ["/a"])
    add_history(made, 1)
    made.stats.total.last_request_timestamp = 1_700_000_000
    assert min(page(made).run(DRAWN)) > 2


# --- Charts.


def test_charts_are_drawn_in_both_themes(page):
    b = page(small())
    light = b.run(DRAWN)
    assert len(light) == 4
    assert all(colours > 5 for colours in light)
    b.run("document.getElementById('theme').click()")
    assert b.run("return document.documentElement.dataset.theme") == "dark"
    assert all(colours > 5 for colours in b.run(DRAWN))


def drag(b, left, right, finger=False):
    """Draws a range on the first chart: parts of its width."""
    b.run("document.querySelector('.u-over').scrollIntoView({block: 'center', behavior: 'instant'})")
    box = b.run("const r = document.querySelector('.u-over').getBoundingClientRect(); return [r.x, r.y, r.width, r.height]")
    y = box[1] + box[3] / 2
    from_, to = (round(box[0] + part * box[2]) for part in (left, right))
    pointer = {"pointerType": "touch" if finger else "mouse"}
    move = {"type": "pointerMove", "y": round(y), "origin": "viewport"}
    steps = [
        {**move, "x": from_, "duration": 0},
        {"type": "pointerDown", "button": 0},
        *({**move, "x": from_ + (to - from_) * i // 5, "duration": 20} for i in range(1, 6)),
        {"type": "pointerUp", "button": 0},
    ]
    b.actions([{"type": "pointer", "id": pointer["pointerType"], "parameters": pointer, "actions": steps}])


SHOWN_RESET = "return !document.querySelector('#charts .head .button').hidden"


@pytest.mark.parametrize("finger", [False, True], ids=["mouse", "finger"])
def test_zoom(page, finger):
    b = page(small(), width=390 if finger else 1280)
    before = b.run("return [...document.querySelectorAll('#charts canvas')].map((c) => c.toDataURL())")
    assert not b.run(SHOWN_RESET)
    drag(b, 0.25, 0.5, finger)
    b.wait(SHOWN_RESET)
    after = b.run("return [...document.querySelectorAll('#charts canvas')].map((c) => c.toDataURL())")
    assert all(one != other for one, other in zip(before, after, strict=True))
    b.run("document.querySelector('#charts .head .button').click()")
    b.wait(f"return !(() => {{ {SHOWN_RESET} }})()")
    assert b.run("return [...document.querySelectorAll('#charts canvas')].map((c) => c.toDataURL())") == before


def test_time_of_day(page):
    b = page(small())
    before = b.run("return document.querySelector('#charts canvas').toDataURL()")
    b.run("document.querySelectorAll('.switch button')[1].click()")
    assert b.run("return document.querySelector('#charts canvas').toDataURL()") != before
    assert min(b.run(DRAWN)) > 5


# --- Tables.


def test_sorting(page):
    b = page(small())
    click = "document.querySelectorAll('#requests thead button')[arguments[0]].click()"
    b.run(click, 0)
    assert names(b, "requests") == ["/", "/login", "/slow"]
    b.run(click, 0)
    assert names(b, "requests") == ["/slow", "/login", "/"]
    b.run(click, 2)
    assert names(b, "requests")[-1] == "/"
    assert texts(b, "#requests [aria-sort]") == ["Failures"]
    assert b.run("return document.querySelector('#requests [aria-sort]').getAttribute('aria-sort')") == "descending"
    assert texts(b, "#requests tfoot .text") == ["Aggregated"]


def filter_by(b, table, text):
    b.run(
        "const box = document.querySelector(arguments[0]); box.value = arguments[1]; box.dispatchEvent(new Event('input'))",
        f"#{table} .filter", text,
    )  # fmt: skip


def test_filter(page):
    b = page(small())
    filter_by(b, "requests", "LOG")
    assert names(b, "requests") == ["/login"]
    assert texts(b, "#requests .count") == ["1 of 3"]
    filter_by(b, "requests", "nothing like it")
    assert names(b, "requests") == []
    filter_by(b, "requests", "")
    assert len(names(b, "requests")) == 3
    filter_by(b, "failures", "timeout")
    assert texts(b, "#failures .message") == ["TimeoutError()"]


# --- What could do harm.


def plain(text):
    """As the report shows it: what cannot be seen by its code."""
    hidden = [*range(9), *range(11, 32), *range(127, 160), 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF]
    return "".join(f"\\u{ord(c):04x}" if ord(c) in hidden else c for c in text)


def test_hostile_text_is_shown_as_text(page):
    made = environment(profile=HOSTILE[0], host=HOSTILE[1], parsed_options=get_parser().parse_args(["-H", HOSTILE[0]]))
    made.locustfile = HOSTILE[2]
    log(made, HOSTILE, [(bad, bad) for bad in HOSTILE])
    for i, bad in enumerate(HOSTILE):
        made.stats.log_request(bad[:50], "method", 1, 1)
        made.runner.exceptions[i] = {"count": 1, "msg": bad, "traceback": bad, "nodes": {bad}}
    add_history(made, 10)
    b = page(made)
    b.run("document.querySelectorAll('details').forEach((d) => d.open = true)")
    for _ in range(20):
        b.run("document.querySelectorAll('.more-text').forEach((button) => button.click())")
    expected = {plain(bad) for bad in HOSTILE}
    assert expected <= set(names(b, "requests"))
    assert expected <= set(texts(b, "#failures .message"))
    assert expected <= set(texts(b, "#exceptions pre"))
    assert texts(b, "h1") == [plain(HOSTILE[1])]
    assert b.run("return window.harmed === undefined")
    assert b.run("return document.querySelectorAll('#report script, #report img, #report style').length") == 0
    assert b.run("return document.title") == "Locust - " + HOSTILE[0]
    assert b.run("return Object.prototype.name") is None
    args = b.run("return JSON.stringify(window.templateArgs)")
    assert {row["name"] for row in json.loads(args)["failures_statistics"]} == set(HOSTILE)


def test_long_text_is_shown_when_asked_for(page):
    made = environment()
    log(made, ["x" * 10_000])
    b = page(made)
    assert len(names(b, "requests")[0]) < 400
    b.run("document.querySelector('#requests .more-text').click()")
    assert names(b, "requests") == ["x" * 10_000]


# --- Themes, phone, paper.


@pytest.mark.parametrize(
    ("theme", "system", "expected"),
    [("", "dark", "dark"), ("", "light", "light"), ("dark", "light", "dark"), ("light", "dark", "light")],
)
def test_theme(page, theme, system, expected):
    b = page(small(), theme=theme, system=system)
    assert b.run("return document.documentElement.dataset.theme") == expected
    red, green, blue = b.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (red + green + blue > 380) == (expected == "light")


def test_the_theme_follows_the_system(page):
    b = page(small())
    b.prefer("dark")
    b.wait("return document.documentElement.dataset.theme === 'dark'")
    assert min(b.run(DRAWN)) > 5


def test_download_link(page):
    b = page(small(), theme="dark")
    link = "return document.getElementById('download') && document.getElementById('download').getAttribute('href')"
    assert b.run(link) == "?download=1&theme=dark"
    b.run("document.getElementById('theme').click()")
    assert b.run(link) == "?download=1&theme=light"
    assert page(small(), show_download_link=False).run(link) is None


WIDER = """
return [...document.querySelectorAll("body *")].filter((e) => !e.closest(".scroll, nav") &&
  e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map((e) => e.tagName + "." + e.className);
"""


@pytest.mark.parametrize("width", [320, 390, 700, 1024, 2000])
def test_nothing_is_wider_than_the_window(page, width):
    made = small(host="https://" + "long" * 100, profile="profile" * 50)
    log(made, HOSTILE, [(bad, bad) for bad in HOSTILE])
    b = page(made, width=width)
    assert b.run("return document.documentElement.scrollWidth") <= width
    assert b.run(WIDER) == []


def test_charts_follow_the_window(page):
    b = page(small())
    b.size(600)
    b.wait("return [...document.querySelectorAll('.uplot')].every((e) => e.clientWidth < 600)")
    b.wait("return document.documentElement.scrollWidth <= 600")


def test_paper(page):
    made = small()
    log(made, [f"/{i}" for i in range(200)])
    b = page(made, system="dark")
    b.run("window.addEventListener('beforeprint', () => setTimeout(() => 0)); window.seen = null;"
          "window.addEventListener('beforeprint', () => { window.seen = [document.documentElement.dataset.theme,"
          "document.querySelectorAll('#requests tbody tr').length] })")  # fmt: skip
    assert b.pdf().startswith(b"%PDF")
    assert b.run("return window.seen") == ["light", 203]
    b.wait("return document.documentElement.dataset.theme === 'dark'")


# --- Size and speed.


def test_a_thousand_names_and_a_day_open_quickly(page):
    made = environment()
    log(made, [f"/section/{i % 10}/item/{i}/[placeholder]" for i in range(1000)])
    add_history(made, 17_280, peak=5000)
    assert len(get_html_report(made)) < 5_000_000
    started = time.monotonic()
    b = page(made)
    took = b.run("const t = performance.getEntriesByType('navigation')[0]; return t.loadEventEnd - t.startTime")
    assert time.monotonic() - started < 20
    assert took < 2000
    assert min(b.run(DRAWN)) > 5
    drawn = "return document.querySelectorAll('#requests tbody tr').length"
    assert b.run(drawn) < 1000
    for _ in range(60):
        b.run("document.querySelector('#requests').scrollIntoView({block: 'end', behavior: 'instant'})")
        if b.run(drawn) == 1000:
            break
        time.sleep(0.05)
    assert b.run(drawn) == 1000
