"""The verdict in Locust's web UI: a tab next to the statistics, and the page /verdict."""

import json
from html import escape
from typing import Any

from flask import Flask, Response, request
from run_record import FIGURE, FINE, UNKNOWN, WRONG, report_lines

_KEY = "verdict"
_COLUMNS = (("name", "What"), ("figure", "Value"), ("mark", ""))
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;padding:0 1rem;"
    "color:#1c2733}table{border-collapse:collapse;width:100%}td{padding:.4rem .8rem;border-bottom:"
    "1px solid #d9e0e6}.ok{color:#12724b}.bad{color:#b3261e}"
)


class VerdictPages:
    """Shows the record of the last run."""

    def __init__(self, web_ui: Any) -> None:
        self.record: dict[str, Any] | None = None
        web_ui.template_args |= {
            "extended_tabs": [{"title": "Verdict", "key": _KEY}],
            "extended_tables": [
                {"key": _KEY, "structure": [{"key": k, "title": title} for k, title in _COLUMNS]}
            ],
        }
        self._serve(web_ui.app)

    def _serve(self, app: Flask) -> None:
        app.add_url_rule("/verdict", "verdict", self.html_page)
        app.add_url_rule("/verdict.json", "verdict-json", self.json_document)
        app.after_request(self._add_rows)

    def html_page(self) -> str:
        if self.record is None:
            body = "<h1>No verdict yet</h1><p>It appears when a run has ended.</p>"
        else:
            body = _html(self.record)
        head = f"<!doctype html><meta charset=utf-8><title>Verdict</title><style>{_STYLE}</style>"
        return f'{head}<p><a href="./">← Locust</a></p>{body}'

    def json_document(self) -> Response:
        return Response(json.dumps(self.record), mimetype="application/json")

    def _add_rows(self, response: Response) -> Response:
        """Add the tab's rows to the response that the page polls."""
        if request.path.endswith("/stats/requests") and response.is_json:
            document = response.get_json() | {
                "extended_stats": [{"key": _KEY, "data": self._rows()}]
            }
            response.set_data(json.dumps(document))
        return response

    def _rows(self) -> list[dict[str, str]]:
        shown = report_lines(self.record) if self.record else []
        return [
            # The table is sorted by name; the numbers keep the verdict on top.
            {"name": f"{number:02} {name}", "figure": figure, "mark": mark}
            for number, (name, figure, mark) in enumerate(shown, 1)
        ]


def _html(record: dict[str, Any]) -> str:
    well = record["verdict"]["well"]
    title, mark = ("Told = stored", FINE) if well else ("The run has faults", WRONG)
    rows = "".join(
        f"<tr><td>{escape(name)}<td>{escape(figure)}<td class={_CLASSES[mark]}>{mark}"
        for name, figure, mark in report_lines(record)
    )
    about = f"{record['scenario']}, campaign {record['campaign']}, {record['target']}"
    under = f"{record['at']}, commit {record['commit']}, {record['machine']}"
    return (
        f"<h1 class={_CLASSES[mark]}>{mark} {title}</h1><p>{escape(about)}</p>"
        f"<table>{rows}</table><p>{escape(under)}. <a href=verdict.json>As JSON</a></p>"
    )


_CLASSES = {FINE: "ok", WRONG: "bad", FIGURE: "figure", UNKNOWN: "figure"}
