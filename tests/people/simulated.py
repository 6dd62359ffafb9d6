"""A simulated company as the few tables that the models of reps read, without a pipeline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import duckdb
import numpy as np
import pandas as pd

from dagster_project.run.dbt_runner import run_values
from ingestion.sandbox.world import World
from ingestion.sandbox.world.render import FIRST_ID
from ingestion.sandbox.world.schema import ENTITIES, NONE, NULL, ROLES, STAGE_OPEN, STAGES
from tests.compiled_models import CompiledModels

MARTS = ("fct_stage_visits", "dim_rep", "fct_opportunities", "fct_activities", "kpi_members")
"""Given tables that are published; the others are intermediate."""
LABEL = np.array([stage.label for stage in STAGES])
STATUS = np.array([stage.status for stage in STAGES])
ORDER = np.array([stage.order for stage in STAGES])
DAY = 86_400_000_000


def ids(entity: str, rows: np.ndarray) -> np.ndarray:
    """Source ids of rows; None where there is none."""
    text = (np.asarray(rows, np.int64) + FIRST_ID[entity]).astype(str).astype(object)
    text[np.asarray(rows) == NONE] = None
    return text


def moments(values: np.ndarray) -> pd.Series:
    """Timestamps (UTC) of stored moments."""
    known = np.asarray(values, np.int64)
    return pd.Series(known.astype("datetime64[us]")).where(known != NULL)


def changes(world: World, entity: str, column: str) -> pd.DataFrame:
    """Values that a tracked column ever took: `at, id, new`, by row and moment."""
    log = world.state.logs[entity]
    number = next(i for i, it in enumerate(ENTITIES[entity]) if it.name == column)
    rows = np.flatnonzero(log["field"] == number)
    frame = pd.DataFrame({name: log[name][rows] for name in ("at", "id", "new")})
    return frame.sort_values(["id", "at"], kind="stable", ignore_index=True)


@dataclass(frozen=True)
class Company:
    """A world, and its tables as of its end; the models leave out what came after their moment."""

    world: World

    @property
    def now(self) -> dt.datetime:
        """The moment at which the world ends."""
        return self.world.now.replace(tzinfo=None)

    @cached_property
    def visits(self) -> pd.DataFrame:
        """Visits to open stages: the numbers of deal and stage, and of who had the deal when.

        `exited` is NULL, and `to` 0, while a visit goes on.
        """
        moves = changes(self.world, "opportunities", "stage")
        same = moves["id"].shift(-1) == moves["id"]
        deals = self.world.state["opportunities"]
        frame = pd.DataFrame(
            {
                "deal": moves["id"],
                "stage": moves["new"],
                "entered": moves["at"],
                "exited": moves["at"].shift(-1).where(same).fillna(NULL).astype(np.int64),
                "to": moves["new"].shift(-1).where(same).fillna(0).astype(np.int64),
            }
        )
        won = STATUS[moves["new"]] == "won"
        frame["is_won"] = pd.Series(won).iloc[::-1].groupby(moves["id"].iloc[::-1]).cummax()
        alive = (deals["is_deleted"] == 0) & (deals["merged_into_id"] == NONE)
        frame = frame[STAGE_OPEN[frame["stage"]] & alive[frame["deal"]]].reset_index(drop=True)
        owners = changes(self.world, "opportunities", "owner_id").rename(columns={"id": "deal"})
        for moment in ("entered", "exited"):
            found = pd.merge_asof(
                frame.assign(row=frame.index).sort_values(moment),
                owners.sort_values("at"),
                left_on=moment,
                right_on="at",
                by="deal",
                allow_exact_matches=moment == "entered",
            ).set_index("row")["new"]
            frame[f"owner_{moment}"] = found.reindex(frame.index).fillna(NONE).astype(np.int64)
        return frame

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The tables that models are given, by the model whose place they take."""
        return {
            "fct_stage_visits": self._stage_visits,
            "int_opportunity_states": self._states(),
            "dim_rep": self._reps(),
            "int_training__unioned": self._training(),
            "kpi_members": self._answers(),
            "fct_opportunities": self._deals(),
            "int_surviving_deals": self._deals(),
            "int_content_usage__unioned": self._content_uses(),
            "int_content__unioned": self._content(),
            "fct_activities": self._content_uses().head(0),
            "int_pipeline_months": self._months(),
            "int_open_stays__month_end": self._stage_visits.head(0),
        }

    @cached_property
    def _stage_visits(self) -> pd.DataFrame:
        visits = self.visits
        stage, to = visits["stage"].to_numpy(), visits["to"].to_numpy()
        step = ORDER[to] - ORDER[stage]
        open_to = np.where(step < 0, "regressed", np.where(step > 1, "skipped", "advanced"))
        key = [f"{deal}.{n}" for deal, n in zip(visits["deal"], visits.index, strict=True)]
        exited, is_over = moments(visits["exited"]), visits["exited"].to_numpy() != NULL
        team = self.world.table("users").to_pandas()["team"].to_numpy(object)
        owner = visits["owner_entered"].to_numpy()
        amount = self.world.state["opportunities"]["amount"][visits["deal"]]
        return pd.DataFrame(
            {
                "stage_visit_key": key,
                "opportunity_key": ids("opportunities", visits["deal"].to_numpy()),
                "opportunity_id": ids("opportunities", visits["deal"].to_numpy()),
                "source_instance": "crm",
                "pipeline": np.where(ORDER[stage] == stage + 1, "New Business", "Renewals"),
                "stage": LABEL[stage],
                "stage_order": ORDER[stage].astype(np.int64),
                "status": "open",
                "is_skipped": False,
                "is_entry_known": True,
                "entered_at": moments(visits["entered"]),
                "exited_at": exited,
                "exited_on": exited.dt.date,
                "days": np.where(is_over, (visits["exited"] - visits["entered"]) / DAY, np.nan),
                "ended_as": np.where(
                    is_over, np.where(STATUS[to] == "open", open_to, STATUS[to]), "open"
                ),
                "team": np.where(owner == NONE, None, team[owner]),
                "led_to_win": visits["is_won"].to_numpy(bool),
                "rep_id": ids("users", owner),
                "amount": np.where(amount == NULL, np.nan, amount / 100),
                "removal": None,
            }
        ).astype({"removal": object})

    def _states(self) -> pd.DataFrame:
        """One state per visit that has ended: whose deal it was then."""
        over = self.visits[self.visits["exited"] != NULL]
        return pd.DataFrame(
            {
                "opportunity_key": ids("opportunities", over["deal"].to_numpy()),
                "owner_id": ids("users", over["owner_exited"].to_numpy()),
                "valid_to": moments(over["exited"]),
            }
        )

    def _reps(self) -> pd.DataFrame:
        users = self.world.table("users").to_pandas()
        role = np.array(ROLES)[self.world.state["users"]["role"]]
        return pd.DataFrame(
            {
                "rep_id": users["source_id"],
                "rep_name": users["name"],
                "role": role,
                "team": users["team"],
                "segment": users["segment"],
                "hired_on": pd.to_datetime(users["hired_on"]).dt.date,
                "left_on": pd.to_datetime(users["left_on"]).dt.date,
            }
        )

    def _training(self) -> pd.DataFrame:
        taken = self.world.table("training").to_pandas()
        return taken[["user_id", "course", "skill", "completed_at", "is_deleted"]]

    def _answers(self) -> pd.DataFrame:
        """What `lead_response_hours` counts: how long each lead that was answered had waited."""
        leads = self.world.state["leads"]
        created, answered = leads["created_at"], leads["first_response_at"]
        frame = pd.DataFrame(
            {
                "metric": "lead_response_hours",
                "variant": "default",
                "rep": ids("users", leads["owner_id"]),
                "numerator": (answered - created) / (DAY / 24),
                "period_on": moments(created).dt.date,
                "answered_at": moments(answered),
                "exclusion_reason": None,
            }
        )
        return frame[(answered != NULL) & (leads["is_deleted"] == 0) & frame["rep"].notna()]

    def _deals(self) -> pd.DataFrame:
        deals = self.world.state["opportunities"]
        key = ids("opportunities", np.arange(len(deals)))
        return pd.DataFrame(
            {
                "opportunity_key": key,
                "opportunity_id": key,
                "source_instance": "crm",
                "is_closed": deals["is_open"] == 0,
            }
        )

    def _content_uses(self) -> pd.DataFrame:
        used = self.world.table("content_usage").to_pandas()
        used = used[["content_id", "opportunity_id", "occurred_at", "is_deleted"]]
        return used.assign(
            source_instance="crm", opportunity_key=used["opportunity_id"], has_happened=True
        )

    def _months(self) -> pd.DataFrame:
        entered = self._stage_visits["entered_at"].dt.to_period("M").dt.start_time.dt.date
        return pd.DataFrame({"month_start": sorted(set(entered))})

    def _content(self) -> pd.DataFrame:
        content = self.world.table("content").to_pandas()
        return content[["source_id", "title", "type", "is_deleted"]]

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute("attach ':memory:' as warehouse; use warehouse")
        connection.execute("create schema given; create schema marts; create schema intermediate")
        for name, given in self.tables.items():
            connection.register("pandas", given)
            connection.execute(f"create table given.{name} as from pandas")
            connection.unregister("pandas")
        return connection

    def build(
        self, compiled: CompiledModels, models: Collection[str], as_of: dt.datetime
    ) -> duckdb.DuckDBPyConnection:
        """The database in which models are built as of a moment, from the given tables."""
        models = [f"model.salesops.{name}" for name in models]
        read = {parent.rpartition(".")[2] for model in models for parent in compiled.parents[model]}
        for name in self.tables.keys() & read:
            schema = "marts" if name in MARTS else "intermediate"
            table = GIVEN.get(name, f"from given.{name}").format(as_of=as_of.date())
            self._database.execute(f"create or replace table {schema}.{name} as {table}")
        compiled.run(self._database, models, run_values(as_of, as_of))
        return self._database


GIVEN = {
    "fct_stage_visits": """
        select * replace (
            cast(removal as varchar) as removal,
            cast(team as varchar) as team,
            cast(case when not isnan(amount) then amount end as decimal(38, 6)) as amount,
            cast(case when not isnan(days) then days end as decimal(38, 6)) as days
        ), stage as stage_label, cast(amount as decimal(38, 6)) as amount_native
        from given.fct_stage_visits""",
    "int_open_stays__month_end": """
        select cast(null as date) as month_start, source_instance, pipeline, stage, team, amount,
            false as is_without_rate, days as age_days
        from given.int_open_stays__month_end""",
    "kpi_members": """
        select * replace (cast(exclusion_reason as varchar) as exclusion_reason)
        from given.kpi_members
        where answered_at < timestamp '{as_of}'""",
    "dim_rep": """
        select *, left_on is null or left_on >= date '{as_of}' as is_active
        from given.dim_rep
        where hired_on <= date '{as_of}'""",
}
"""Tables that are not what they are given as, or not the same at every moment."""
