"""The results as Markdown for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from .contenders import ALL, NO_TUNNEL, SOCKET_WARP
from .goals import Goal, Verdict
from .measures import OURS, Row, Table
from .scenarios import ALL as SCENARIOS

_GOALS = {scenario.key: scenario.goal for scenario in SCENARIOS}
_MARKS: Mapping[Verdict, str] = {True: "yes", False: "**no**", None: "?"}


def verdict(table: Table, row: Row) -> tuple[Goal | None, Verdict]:
    """The goal of a row, and whether it is met; neither where it has none."""
    goal = _GOALS[table.scenario](row)
    return goal, (goal.judge(table, row) if goal is not None else None)


def misses(tables: Sequence[Table]) -> list[str]:
    """The rows that do not reach their goal, in words."""
    found = []
    for table in tables:
        for row in table.rows:
            goal, met = verdict(table, row)
            if goal is not None and met is not True:
                said = _cell(row, OURS)
                outcome = "not measured" if met is None else "missed"
                name = f"{row.placement}: {row.measure.name}"
                found.append(f"{name}: {said} {row.measure.unit}, goal {goal.text}: {outcome}")
    return found


def markdown(facts: Mapping[str, str], tables: Sequence[Table], remarks: Sequence[str], chart: str) -> str:
    lines = ["# Benchmark results", "", *(f"> {remark}\n" for remark in remarks)]
    lines += [f"![bars of the medians]({chart})", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in facts.items()]
    lines += [
        "",
        "Medians over the rounds; in each round the contenders took turns. “Against the best” is the median of the "
        "ratios, socket-warp ÷ the better one of ssh and stunnel, within each round. Every value is in the JSON file "
        "beside this one.",
    ]
    for table in tables:
        lines += ["", f"## {table.title}", "", *_table(table)]
        reasons = _reasons(table)
        lines += ["", *reasons] if reasons else []
        lines += [line for note in table.notes for line in ("", note)]
    missed = misses(tables)
    lines += ["", "## Targets that are not met", ""]
    lines += [f"* {line}" for line in missed] or ["None."]
    return "\n".join(lines) + "\n"


def as_json(facts: Mapping[str, str], tables: Sequence[Table], remarks: Sequence[str]) -> str:
    content = {"machine": dict(facts), "remarks": list(remarks), "scenarios": [_object(table) for table in tables]}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _table(table: Table) -> list[str]:
    known = {contender.key: contender.title for contender in ALL}
    met = {key for row in table.rows for key in (*row.values, *row.reasons)}
    columns = [key for key in known if key in met] + sorted(met - known.keys())
    titles = [f"**{known[key]}**" if key == SOCKET_WARP.key else known.get(key, key) for key in columns]
    lines = ["| | " + " | ".join(titles) + " | against the best | target | met |", "|---" * (len(columns) + 4) + "|"]
    placement = None
    for row in table.rows:
        if row.placement != placement:
            placement = row.placement
            lines.append(f"| *{placement}* " + "| " * (len(columns) + 3) + "|")
        goal, met_now = verdict(table, row)
        cells = [f"{row.measure.name}, {row.measure.unit}", *(_cell(row, key) for key in columns), _against(row)]
        cells += [goal.text, _MARKS[met_now]] if goal is not None else ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _cell(row: Row, contender: str) -> str:
    value = row.median(contender)
    if value is not None:
        return f"{value:,.{row.measure.digits}f}"
    return "failed" if contender in row.reasons else "–"


def _against(row: Row) -> str:
    best = row.best_alternative()
    ratio = row.ratio(best) if best is not None else None
    return "" if ratio is None else f"{ratio:.2f} × {best}"


def _reasons(table: Table) -> list[str]:
    """Why values are missing, in all rounds or in one, each reason once."""
    rows_of: dict[tuple[str, str, str], list[str]] = {}
    for row in table.rows:
        for contender, reason in row.reasons.items():
            rows_of.setdefault((row.placement, contender, reason), []).append(row.measure.name)
    return [
        f"* Failed: {contender}, {placement}, {len(names)} row(s) from “{names[0]}”: {reason}"
        for (placement, contender, reason), names in rows_of.items()
    ]


def _object(table: Table) -> dict[str, object]:
    rows = []
    for row in table.rows:
        goal, met = verdict(table, row)
        rows.append(
            {
                "placement": row.placement,
                "measure": row.measure.name,
                "unit": row.measure.unit,
                "higher_is_better": row.measure.higher_is_better,
                "values": {key: list(values.values()) for key, values in row.values.items()},
                "medians": {key: row.median(key) for key in row.values},
                "failed": row.reasons,
                "ratio_to": {key: row.ratio(key) for key in row.values if key not in (OURS, NO_TUNNEL.key)},
                "target": goal.text if goal is not None else None,
                "met": met,
            }
        )
    return {"scenario": table.scenario, "title": table.title, "notes": table.notes, "rows": rows}
