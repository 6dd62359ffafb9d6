"""What an analyst does in Superset, run by Superset's own interpreter; prints what was seen.

Arguments: the link that leads to what is published, and where it is to lead later.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from superset.app import create_app

USER, PASSWORD = "analyst", "of this test alone"
CHART = {
    "columns": ["period_start"],
    "metrics": [
        {
            "expressionType": "SIMPLE",
            "column": {"column_name": "value"},
            "aggregate": "SUM",
            "label": "deals",
        }
    ],
    "filters": [
        {"col": "metric", "op": "==", "val": "deals_won"},
        {"col": "variant", "op": "==", "val": "default"},
        {"col": "period_grain", "op": "==", "val": "quarter"},
        {"col": "dimension", "op": "==", "val": "company"},
    ],
    "orderby": [["period_start", True]],
    "row_limit": 1000,
}


class Session:
    """A user who is logged in, and asks Superset's API as its pages do."""

    def __init__(self) -> None:
        app = create_app()
        with app.app_context():
            from superset import security_manager

            admin = security_manager.find_role("Admin")
            security_manager.add_user(USER, "A", "B", "a@example.com", admin, password=PASSWORD)
        self._client = app.test_client()
        self._headers: dict[str, str] = {}
        login = {"username": USER, "password": PASSWORD, "provider": "db"}
        token = self.post("security/login", login)["access_token"]
        self._headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> Any:
        """The answer to a question."""
        return self._answer(self._client.get(f"/api/v1/{path}", headers=self._headers))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The answer to something that is to be made."""
        return self._answer(self._client.post(f"/api/v1/{path}", json=body, headers=self._headers))

    def _answer(self, response: Any) -> Any:
        text = response.get_data(as_text=True)
        assert response.status_code < 300, f"{response.status_code}: {text[:2000]}"
        return json.loads(text)


def main(link: str, later: str) -> None:
    """Connect, list, chart; then what is published changes, and the chart is drawn again."""
    session = Session()
    database = session.post(
        "database/",
        {
            "database_name": "salesops",
            "sqlalchemy_uri": f"duckdb:///{link}/salesops.duckdb",
            "extra": json.dumps({"engine_params": {"connect_args": {"read_only": True}}}),
        },
    )["id"]
    schema = "salesops.marts"
    schemas = session.get(f"database/{database}/schemas/")["result"]
    tables = session.get(f"database/{database}/tables/?q=(schema_name:{schema})")["result"]
    dataset = session.post(
        "dataset/", {"database": database, "schema": schema, "table_name": "kpi_values"}
    )["id"]
    columns = session.get(f"dataset/{dataset}")["result"]["columns"]

    def chart() -> list[dict[str, Any]]:
        source = {"id": dataset, "type": "table"}
        asked = {"datasource": source, "queries": [CHART], "result_format": "json"}
        data: list[dict[str, Any]] = session.post("chart/data", asked)["result"][0]["data"]
        return data

    before = chart()
    aside = Path(f"{link}.new")
    aside.symlink_to(later)
    aside.replace(link)
    print(
        json.dumps(
            {
                "schemas": schemas,
                "tables": [table["value"] for table in tables],
                "descriptions": {it["column_name"]: it["description"] for it in columns},
                "before": before,
                "after": chart(),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
