"""The page that says where the two differ, and why: docs/adapter-compatibility.md, between its marks."""

import os
import re

from support import ROOT

from .row import differences

PAGE = ROOT / "docs/adapter-compatibility.md"
MARKS = re.compile(r"(<!-- differences: begin -->\n\n).*?(<!-- differences: end -->)", re.DOTALL)
# What an observation calls its parts, where the page has better words.
WORDS = {"outcome": "", "then": "then "}


def current():
    return MARKS.search(PAGE.read_text())[0]


def written(results):
    """The part between the marks as it has to be; with UPDATE_DOCS it is written, too."""
    rows = sum(len(rows) for rows in results.values())
    same = sum(1 for rows in results.values() for row, *_ in rows if not row.why)
    lines = [f"Of {rows} cases, {same} are the same on both sides. These are not:", ""]
    for group, rows in results.items():
        if not any(row.why for row, *_ in rows):
            continue
        lines += [f"## {group}", "", "| case | AWS's adapter | here | why |", "| --- | --- | --- | --- |"]
        lines += [line(row, differences(ours, theirs)) for row, ours, theirs in rows if row.why]
        lines.append("")
    # A function, since what is written is no template.
    text = MARKS.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], PAGE.read_text())
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(text)
    return MARKS.search(text)[0]


def line(row, found):
    ours = told({name: here for name, (here, _) in found.items()})
    theirs = row.instead or told({name: there for name, (_, there) in found.items()})
    return f"| {safe(row.name)} | {theirs} | {ours} | {safe(row.why)} |"


def told(values):
    return "; ".join(WORDS.get(name, f"{name}: ") + shown(name, value) for name, value in values.items())


def shown(name, value):
    if value is None:
        return "none"
    if value == "":
        return "empty"
    if name in ("outcome", "then") and not value.isdigit():
        return safe(value)
    text = value if len(value) <= 160 else value[:159] + "…"
    text = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)
    quote = "``" if "`" in text else "`"
    return safe(f"{quote}{text}{quote}")


def safe(text):
    return text.replace("|", "\\|")
