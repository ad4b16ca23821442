"""Makes the page of the HTML report: one file, everything in it.

    build.py OUTPUT [UPLOT]

The lines "@include NAME" of page.html are replaced by the file NAME of this directory, or, for uplot.*,
by what npm put into the directory UPLOT. Without UPLOT the report has no charts.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
UPLOT_FILES = {
    "uplot.css": "dist/uPlot.min.css",
    "uplot.js": "dist/uPlot.iife.min.js",
    "uplot.license": "LICENSE",
}
MARKS = ('"@templateArgs@"', '"@theme@"')  # src/report/html.c puts the data there


def included(name, uplot):
    """The text of an included file."""
    if name not in UPLOT_FILES:
        return (HERE / name).read_text("utf-8")
    return (uplot / UPLOT_FILES[name]).read_text("utf-8") if uplot else ""


def check(page):
    """Ends the build if the page could not work."""
    places = [page.find(mark) for mark in MARKS]
    if any(page.count(mark) != 1 for mark in MARKS) or places != sorted(places):
        sys.exit(f"build.py: each of {' '.join(MARKS)} must be in the page once, in this order")
    for script in re.findall(r"<script>(.*?)</script>", page, re.S):
        if "<!--" in script or "<script" in script:
            sys.exit("build.py: a script contains <!-- or <script")
    if page.count("<script>") != page.count("</script>"):
        sys.exit("build.py: a script contains </script>")


def main():
    output, uplot = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None
    page = re.sub(
        r"^@include (\S+)\n",
        lambda match: included(match[1], uplot).strip() + "\n",
        (HERE / "page.html").read_text("utf-8"),
        flags=re.M,
    )
    check(page)
    output.write_text(page, "utf-8")


main()
