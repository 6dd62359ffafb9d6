"""What to fix first, how clean the records are, and references that lead nowhere."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    AMBER,
    BLUE,
    GREY,
    LOWER,
    RED,
    TALL,
    above,
    across,
    finished,
    hidden,
    meaning,
    money,
    names,
    rows_by_name,
    share,
    unique,
)
from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Rows,
    Sample,
    Sentence,
    Spec,
    SpecialBoard,
)
from dagster_project.numbers.findings import FINDINGS
from ingestion.warehouse.duckdb_sql import literal

WORDS = ", ".join(f"({literal(rule)}, {literal(words)})" for rule, words in FINDINGS.items())
FIX_FIRST = f"""
with
    words(rule, words) as (values {WORDS}),

    failing as (
        select *, count(*) over () as n_of_all
        from marts.mart_data_hygiene
        where rep_id = 'all' and rule <> 'all' and fix_rank is not null
    )

select
    failing.fix_rank,
    failing.entity,
    failing.rule,
    concat(failing.fix_rank, '. ', replace(failing.entity, '_', ' '), ' ',
        case
            when words.words is not null then words.words
            when ends_with(failing.rule, '_unknown')
            then concat('with a ', replace(replace(failing.rule, '_unknown', ''), '_', ' '),
                ' that no source knows')
            else replace(failing.rule, '_', ' ')
        end) as finding,
    failing.severity,
    failing.records,
    failing.failing,
    failing.money_kind,
    failing.money_at_stake,
    failing.failing_without_amount,
    failing.money_share,
    failing.example_keys,
    failing.n_of_all
from failing
left join words using (rule)
where failing.fix_rank <= 12
order by failing.fix_rank
"""
SEVERITIES = {"doubts a number": RED, "makes work harder": AMBER}


def _fix_first_chart(rows: Rows) -> Spec:
    import altair as alt

    base = rows_by_name(
        hidden("finding", unique([row["finding"] for row in rows]))
    ).transform_calculate(
        text=f"({money('datum.money_at_stake')})"
        " + (isValid(datum.money_at_stake) ? ' ' + datum.money_kind : '')"
        " + ' · ' + format(datum.failing, ',') + ' of ' + format(datum.records, ',')",
        weight="datum.severity === 'high' ? 'doubts a number' : 'makes work harder'",
        at="isValid(datum.money_at_stake) ? max(datum.money_at_stake, 0) : 0",
    )
    bars = (
        base.transform_filter("isValid(datum.money_at_stake)")
        .mark_bar(height=14, yOffset=LOWER)
        .encode(
            across("money_at_stake:Q", "money", right=185),
            meaning("weight", SEVERITIES),
            tooltip=[
                alt.Tooltip("finding:N", title="Finding"),
                alt.Tooltip("failing:Q", title="Records", format=","),
                alt.Tooltip("money_at_stake:Q", title="Money at stake", format="$,.0f"),
                alt.Tooltip("money_kind:N", title="Which money"),
            ],
        )
    )
    words = base.mark_text(align="left", dx=6, limit=180, yOffset=LOWER).encode(
        across("at:Q", "money", right=185), alt.Text("text:N")
    )
    return finished(above(base, "finding"), bars, words, band=TALL)


def _fix_first_says(rows: Rows) -> Sentence:
    first = rows[0]
    return (
        "First: ",
        Figure(first["failing"], "count"),
        " of ",
        Figure(first["records"], "count"),
        " ",
        first["finding"].partition(". ")[2],
        "; ",
        Figure(first["money_at_stake"], "money"),
        " at stake.",
    )


FIX_FIRST_BOARD = SpecialBoard(
    page="quality",
    key="fix_first",
    title="What to fix first",
    note=(
        "Rules that records break, by the money that hangs on them. The kinds of money differ "
        "and one record may break several rules: do not add them up."
    ),
    query=FIX_FIRST,
    table="mart_data_hygiene",
    sample=Sample("records", "records"),
    columns=(
        Column("finding", "Finding"),
        Column("severity", "Severity"),
        Column("failing", "Records that break it", "count"),
        Column("records", "Records that it applies to", "count"),
        Column("money_at_stake", "Money at stake", "money"),
        Column("money_kind", "Which money"),
        Column("failing_without_amount", "Records of unknown money", "count"),
        Column("example_keys", "First and last record"),
    ),
    chart=_fix_first_chart,
    says=_fix_first_says,
    empty="No record breaks any rule.",
    top=12,
    things="rules that are broken",
)

SCORES = """
select
    entity,
    if(entity = 'all', 'all records', replace(entity, '_', ' ')) as label,
    records,
    failing,
    score,
    money_at_stake,
    failing_without_amount
from marts.mart_data_hygiene
where rep_id = 'all' and rule = 'all' and records > 0
order by entity = 'all' desc, score, entity
"""


def _scores_chart(rows: Rows) -> Spec:
    import altair as alt

    base = rows_by_name(names("label", unique([row["label"] for row in rows]))).transform_calculate(
        text=f"({share('datum.score', 1)}) + ' of ' + format(datum.records, ',')",
        at="isValid(datum.score) ? datum.score : 0",
    )
    bars = (
        base.transform_filter("isValid(datum.score)")
        .mark_bar(height=16)
        .encode(
            across("score:Q", "ratio", right=130),
            color=alt.condition("datum.entity === 'all'", alt.value(GREY), alt.value(BLUE)),
            tooltip=[
                alt.Tooltip("label:N", title="Records"),
                alt.Tooltip("score:Q", title="Keep all rules", format=".1%"),
                alt.Tooltip("failing:Q", title="Break any", format=","),
            ],
        )
    )
    words = base.mark_text(align="left", dx=6).encode(
        across("at:Q", "ratio", right=130), alt.Text("text:N")
    )
    return finished(bars, words)


def _scores_says(rows: Rows) -> Sentence:
    worst = next((row for row in rows if row["entity"] != "all"), rows[0])
    return (
        Figure(rows[0]["score"], "ratio"),
        f" of {rows[0]['label']} keep all rules; fewest of the ",
        f"{worst['label']}: ",
        Figure(worst["score"], "ratio"),
        ".",
    )


SCORES_BOARD = SpecialBoard(
    page="quality",
    key="scores",
    title="How clean the records are",
    note="The share of records that keep all rules that apply to them, the least clean first.",
    query=SCORES,
    table="mart_data_hygiene",
    sample=Sample("records", "records"),
    columns=(
        Column("label", "Records"),
        Column("records", "Number", "count"),
        Column("failing", "Break any rule", "count"),
        Column("score", "Keep all rules", "ratio"),
        Column("money_at_stake", "Money at stake", "money"),
        Column("failing_without_amount", "Records of unknown money", "count"),
    ),
    chart=_scores_chart,
    says=_scores_says,
    empty="There are no records that a rule applies to.",
)

REFERENCES = """
with
    lost as (
        select
            *,
            count(*) over () as n_of_all,
            row_number() over (
                order by is_critical desc, money_at_stake desc nulls last, n_unresolved desc,
                    source_instance, entity, column_name, rule
            ) as place
        from marts.mart_references
        where n_unresolved > 0
    )

select
    place,
    entity,
    column_name,
    target,
    effect,
    concat(place, '. ', entity, '.', column_name, ' → ', target) as reference,
    source_instance,
    rule,
    is_provided,
    is_critical,
    n_given,
    n_unresolved,
    unresolved_share,
    n_unknown_values,
    money_at_stake,
    n_without_money,
    likely_reason,
    samples,
    n_of_all
from lost
where place <= 12
order by place
"""


def _references_chart(rows: Rows) -> Spec:
    import altair as alt

    base = rows_by_name(
        hidden("reference", unique([row["reference"] for row in rows]))
    ).transform_calculate(
        text=f"({share('datum.unresolved_share', 1)}) + ' of ' + format(datum.n_given, ',')"
        f" + (isValid(datum.money_at_stake) ? ' · ' + ({money('datum.money_at_stake')}) : '')",
        why="datum.is_provided ? 'not found' : 'no source provides it'",
        at="isValid(datum.unresolved_share) ? datum.unresolved_share : 0",
    )
    bars = (
        base.transform_filter("isValid(datum.unresolved_share)")
        .mark_bar(height=14, yOffset=LOWER)
        .encode(
            across("unresolved_share:Q", "ratio", right=170),
            meaning("why", {"not found": RED, "no source provides it": GREY}),
            tooltip=[
                alt.Tooltip("reference:N", title="Reference"),
                alt.Tooltip("n_unresolved:Q", title="Not found", format=","),
                alt.Tooltip("n_given:Q", title="Of", format=","),
                alt.Tooltip("likely_reason:N", title="Likely reason"),
            ],
        )
    )
    words = base.mark_text(align="left", dx=6, limit=165, yOffset=LOWER).encode(
        across("at:Q", "ratio", right=170), alt.Text("text:N")
    )
    return finished(above(base, "reference"), bars, words, band=TALL)


_RULES = {
    "merged_in_circle": "merges go round in a circle",
    "merged_into_deleted": "merges are into a deleted deal",
    "name_differs": "ids have different names in two sources",
}


def _references_says(rows: Rows) -> Sentence:
    first = rows[0]
    parts: list[str | Figure] = [
        "First: ",
        Figure(first["n_unresolved"], "count"),
        " of ",
        Figure(first["n_given"], "count"),
        " (",
        Figure(first["unresolved_share"], "ratio"),
        ") ",
        _RULES.get(first["rule"]) or f"{first['column_name']} lead to nothing in {first['target']}",
        " (",
        Figure(first["entity"].replace("_", " "), "text"),
        " of ",
        Figure(first["source_instance"], "text"),
        ")",
    ]
    if first["money_at_stake"]:
        parts += ["; ", Figure(first["money_at_stake"], "money"), " at stake"]
    if first["likely_reason"]:
        parts += ["; likely: ", Figure(first["likely_reason"], "text")]
    if first["effect"]:
        parts += ["; ", Figure(first["effect"], "text")]
    return (*parts, ".")


REFERENCES_BOARD = SpecialBoard(
    page="quality",
    key="references",
    title="References that lead nowhere",
    note=(
        "The share of a column's references that resolve to nothing known; what waits for "
        "publication first, then by money."
    ),
    query=REFERENCES,
    table="mart_references",
    sample=Sample("n_given", "references"),
    columns=(
        Column("reference", "Reference"),
        Column("source_instance", "Source"),
        Column("rule", "Rule"),
        Column("n_given", "References", "count"),
        Column("n_unresolved", "Not found", "count"),
        Column("unresolved_share", "Share", "ratio"),
        Column("money_at_stake", "Money at stake", "money"),
        Column("n_without_money", "Without known money", "count"),
        Column("is_provided", "Does a source provide it?", "yes_no"),
        Column("likely_reason", "Likely reason"),
        Column("samples", "The most costly"),
    ),
    chart=_references_chart,
    says=_references_says,
    empty="Every reference resolves.",
    top=12,
    things="columns with lost references",
)
