"""The results as an SVG bar chart: a panel for each row that has something to compare."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .contenders import ALL
from .measures import OURS, Row, Table

_COLOURS = {"none": "#b8bec8", OURS: "#d9480f", "ssh": "#4c6ef5", "stunnel": "#2b8a3e"}
_OTHER_COLOUR = "#e8a07c"  # socket-warp with other settings
_COLUMNS, _COLUMN_WIDTH, _MARGIN = 2, 520, 24
_LABEL_WIDTH, _VALUE_WIDTH, _BAR, _GAP = 120, 80, 13, 4
_PANEL_HEAD, _PANEL_FOOT, _SECTION_HEAD = 20, 14, 34


def svg(tables: Sequence[Table], caption: str) -> str:
    """All tables, from top to bottom."""
    width = 2 * _MARGIN + _COLUMNS * _COLUMN_WIDTH
    parts: list[str] = []
    y = 60
    for table in tables:
        rows = [row for row in table.rows if _is_worth_a_panel(row)]
        if not rows:
            continue
        parts.append(_text(_MARGIN, y + 20, table.title, "section"))
        y += _SECTION_HEAD
        for index in range(0, len(rows), _COLUMNS):
            line = rows[index : index + _COLUMNS]
            for column, row in enumerate(line):
                parts += _panel(_MARGIN + column * _COLUMN_WIDTH, y, row)
            y += max(_panel_height(row) for row in line)
    height = y + _MARGIN
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        "<style>text{font:12px system-ui,sans-serif;fill:#212529}.title{font-size:11.5px;font-weight:600}"
        ".small{fill:#868e96}"
        ".section{font-size:17px;font-weight:700}.head{font-size:20px;font-weight:700}.value{font-size:11px}</style>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(_MARGIN, 32, "socket-warp and the alternatives", "head"),
        _text(_MARGIN, 50, caption, "small"),
    ]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


def _is_worth_a_panel(row: Row) -> bool:
    """Something to compare, and no variation on another panel: those are in the table only."""
    name = row.measure.name
    is_variation = name.startswith(("idle relays", "of it")) or (name.startswith("CPU") and name.endswith("streams"))
    return len(_bars(row)) > 1 and not is_variation


def _bars(row: Row) -> list[tuple[str, str, float]]:
    """Key, title and median of each contender that has one."""
    known = {contender.key: contender.title for contender in ALL}
    keys = [key for key in known if key in row.values] + sorted(row.values.keys() - known.keys())
    return [(key, known.get(key, key), value) for key in keys if (value := row.median(key)) is not None]


def _panel_height(row: Row) -> int:
    return _PANEL_HEAD + len(_bars(row)) * (_BAR + _GAP) + _PANEL_FOOT


def _panel(x: int, y: int, row: Row) -> list[str]:
    measure = row.measure
    title = f"{row.placement}: {measure.name}"
    better = "more is better" if measure.higher_is_better else "less is better"
    parts = [
        f'<text x="{x}" y="{y + 12}" class="title">{escape(title)}'
        f'<tspan dx="6" class="small" font-weight="400">{escape(measure.unit)}, {better}</tspan></text>'
    ]
    bars = _bars(row)
    room = _COLUMN_WIDTH - _LABEL_WIDTH - _VALUE_WIDTH
    longest = max(max(value for _, _, value in bars), 1e-9)
    for index, (key, name, value) in enumerate(bars):
        top = y + _PANEL_HEAD + index * (_BAR + _GAP)
        length = max(1.0, room * max(value, 0) / longest)
        colour = _COLOURS.get(key, _OTHER_COLOUR)
        parts.append(_text(x, top + 11, name, "value"))
        parts.append(
            f'<rect x="{x + _LABEL_WIDTH}" y="{top}" width="{length:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>'
        )
        number = f"{value:,.{measure.digits}f}"
        parts.append(_text(x + _LABEL_WIDTH + length + 5, top + 11, number, "value"))
    return parts


def _text(x: float, y: float, content: str, kind: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}">{escape(content)}</text>'
