"""Goals in company.yml: on metrics, cuts and periods that there are, told apart by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.errors import CompanyError
from ingestion.extension.metrics import metrics_of
from ingestion.extension.product import CUTS, CUTS_OF
from ingestion.paths import PROJECT

COMPANY = """
name: Goals
currency: USD
timezone: UTC
goals:
{goals}
sources:
  - name: crm
    type: files
    path: .
    entities:
      pipeline_stages:
        rows: [{{stage: Won, stage_order: 1, status: won}}]
"""


def company(folder: Path, *goals: str) -> Company:
    file = folder / "company.yml"
    file.write_text(COMPANY.format(goals="\n".join(f"  - {{{goal}}}" for goal in goals)))
    return load_company(file)


def test_a_goal_is_the_companys_unless_it_says_of_whom(tmp_path: Path) -> None:
    goals = company(
        tmp_path,
        "metric: win_rate, variant: cohort, period: month, target: 0.3",
        "name: East, metric: revenue_won, of: {team: East}, period: quarter, target: 500000, "
        "from: 2024-02-01, until: 2025-01-31",
    ).goals
    assert [goal.variables for goal in goals] == [
        {
            "goal": "monthly win_rate (cohort)",
            "metric": "win_rate",
            "variant": "cohort",
            "dimension": "company",
            "dimension_key": "all",
            "period_grain": "month",
            "target": 0.3,
            "first_day": None,
            "last_day": None,
        },
        {
            "goal": "East",
            "metric": "revenue_won",
            "variant": "default",
            "dimension": "team",
            "dimension_key": "East",
            "period_grain": "quarter",
            "target": 500000,
            "first_day": "2024-02-01",
            "last_day": "2025-01-31",
        },
    ]


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ("metric: win_rat", "goals.0.metric = 'win_rat': no metric; did you mean 'win_rate'?"),
        (
            "metric: win_rate, variant: decidid",
            "goals.0.variant = 'decidid': no variant of win_rate; did you mean 'decided'?",
        ),
        (
            "metric: win_rate, of: {channel: ads}",
            "goals.0.of.channel: no cut of win_rate; Allowed: deal_type, lead_source, manager, ",
        ),
        (
            "metric: cac_payback_months, of: {segment: SMB}",
            "goals.0.of.segment: no cut of cac_payback_months; it has none: leave 'of' out",
        ),
        ("metric: win_rate, of: {team: A, rep: B}", "goals.0.of: a goal is for one part, as {"),
        ("metric: win_rate, of: {rep: 7}", "goals.0.of.rep = 7: not a text: put it into quotes"),
        (
            "metric: stalled_value",
            "goals.0.period = 'month': stalled_value is of now: it has no months, and so no goals",
        ),
        ("metric: win_rate, target: 30", "goals.0.target = 30.0: a share is from 0 to 1"),
        ("metric: mrr, target: .inf", "goals.0.target = inf: not a number to reach"),
        ("metric: mrr, period: week", "goals.0.period = 'week': Input should be 'month'"),
        ("metric: mrr, name: 'quota: mine'", "goals.0.name = 'quota: mine': the names of quotas"),
        (
            "metric: mrr, from: 2024-02-01, until: 2024-01-01",
            "goals.0: 'from' is after 'until': no period would be meant",
        ),
        ("metric: mrr, form: 2024-02-01", "goals.0.form"),
        ("metric: mrr, from: 2024", "goals.0.from = 2024: not a day: write it as in 2024-03-31"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_goal_is_located(tmp_path: Path, goal: str, message: str) -> None:
    for default in ("period: month", "target: 0.5"):
        goal += "" if default.split(":")[0] in goal else f", {default}"
    with pytest.raises(CompanyError, match=re.escape(f"{tmp_path / 'company.yml'}: {message}")):
        company(tmp_path, goal)


def test_two_goals_of_one_name_are_told_apart_by_their_time(tmp_path: Path) -> None:
    goal = "metric: mrr, period: month, target: {target}"
    old = goal.format(target=1) + ", until: 2024-12-31"
    new = goal.format(target=2) + ", from: 2025-01-01"
    assert len(company(tmp_path, old, new).goals) == 2
    with pytest.raises(CompanyError, match=r"goals\.1: another goal has the name 'monthly mrr' at"):
        company(tmp_path, old, goal.format(target=2))


def test_a_company_may_have_goals_on_columns_and_metrics_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "own" / "kpis"
    folder.mkdir(parents=True)
    (folder / "demos.sql").write_text("select 1")
    (folder / "demos.yml").write_text(
        "models: [{name: demos, description: Demos., config: {meta: {owner: me, better: up, "
        "kind: sum, unit: demos, cuts: [deal], variants: {default: count}}}}]"
    )
    file = tmp_path / "company.yml"
    text = COMPANY.format(goals="  - {metric: demos, of: {label: new}, period: month, target: 3}")
    file.write_text(
        f"extend: own\nextra: {{opportunities: {{label: {{type: text, cut: true}}}}}}{text}"
    )
    found = load_company(file)
    assert [goal.title for goal in found.goals] == ["monthly demos of label new"]
    assert "demos" in metrics_of(found.extension, found.entities)


@pytest.mark.parametrize("short", CUTS_OF)
def test_words_for_cuts_stand_for_what_the_models_say(short: str) -> None:
    assert _cuts_in_macros(short) == set(CUTS_OF[short]) <= set(CUTS)


def _cuts_in_macros(short: str) -> set[str]:
    macros = "".join(path.read_text("utf-8") for path in (PROJECT / "dbt/macros").glob("*.sql"))
    found = re.search(rf"macro {short}_cuts\(\) -%}}(.*?)endmacro", macros, re.DOTALL)
    assert found
    written = set(re.findall(r'"(\w+)"', re.sub(r"extra_cuts\(.*?\)", "", found[1])))
    return written | (_cuts_in_macros("owner") if "owner_cuts()" in found[1] else set())
