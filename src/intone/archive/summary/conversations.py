"""What the customers' channel tells: who is dissatisfied, what to listen to first, and where calls calm down.

Everything here is of the customer's voice; an agent's is not looked at (:mod:`intone.archive.summary.tables` leaves it
out). *Negative* speech is that of anger, disgust, fear and sadness, and only sure answers count.
"""

from collections.abc import Mapping

import numpy as np

from intone.archive.summary.figures import Agent, Call, Conversations, Customer, Figure, Question
from intone.archive.summary.periods import moment
from intone.archive.summary.resampling import FEWEST, Floats, around, draws, figures, ratio
from intone.archive.summary.resampling import MOST as RESAMPLED
from intone.archive.summary.suppression import suppressed
from intone.archive.summary.tables import Tables
from intone.emotions import Emotion

NEGATIVE = (Emotion.ANGER, Emotion.DISGUST, Emotion.FEAR, Emotion.SADNESS)
SHARE, END, LENGTH = 0.4, 0.4, 0.2
"""What counts in the score: negative share of the sure speech, the same in the last fifth alone, and how long it was.

The last fifth counts as much as the whole call of which it is a fifth: how it ended is what a customer leaves with.
"""
HALF_SECONDS = 60.0
"""So much negative speech is half of what can be had for its length."""
STRONG = 0.6
"""A moment to listen to has an answer of at least this confidence."""
MOST = 20
"""Customers, and calls to listen to, that are shown."""
MOST_AGENTS = 100
"""Agents that are set beside one another, those with the most calls."""
BOTH_THIRDS = "AND negative_first IS NOT NULL AND negative_last IS NOT NULL"

# The negative share of the sure speech within a part of a call.
PART = """sum(greatest(0, least("end", {until}) - greatest(start, {since})) * negative::INT)
            / nullif(sum(greatest(0, least("end", {until}) - greatest(start, {since}))), 0)"""
CALLS = """
CREATE TEMP TABLE calls AS
WITH sure AS (
    SELECT h.id, h.start, h."end", h.emotion, h.confidence, r.duration, h.emotion IN ({negative}) AS negative,
        CASE WHEN h.speaker IS DISTINCT FROM r.agent THEN h.speaker END AS customer
    FROM heard h JOIN recordings r USING (id) WHERE NOT h.unsure
), told AS (
    SELECT id, min(customer) AS customer, any_value(duration) AS duration,
        sum("end" - start) AS sure, sum(("end" - start) * negative::INT) AS seconds,
        {end} AS negative_end, {first} AS negative_first, {last} AS negative_last,
        max(confidence) FILTER (WHERE negative) AS strongest,
        arg_max(struct_pack("at" := start, emotion := emotion), confidence) FILTER (WHERE negative) AS moment
    FROM sure GROUP BY id
)
SELECT *, seconds / sure AS negative,
    100 * ({share} * seconds / sure + {ended} * coalesce(negative_end, seconds / sure)
        + {length} * seconds / (seconds + {half})) AS score
FROM told""".format(
    negative=", ".join(f"'{emotion}'" for emotion in NEGATIVE),
    end=PART.format(since="0.8 * duration", until="duration"),
    first=PART.format(since="0", until="duration / 3"),
    last=PART.format(since="2 * duration / 3", until="duration"),
    share=SHARE,
    ended=END,
    length=LENGTH,
    half=HALF_SECONDS,
)


def conversations(tables: Tables, question: Question, secret: Mapping[str, str]) -> Conversations:
    """Rank customers and calls, and set agents beside one another where that is asked for.

    A call's score is 0 to 100, the sum of three parts: 40 times the negative share of the customer's sure speech, 40
    times that share in the last fifth of the call alone (that of the whole where no speech is sure there), and 20 times
    ``seconds / (seconds + 60)`` of the negative speech's seconds. A customer's is the mean over their calls.

    Parameters
    ----------
    tables : Tables
        What is summed up.
    question : Question
        Which groups, and how small one may be.
    secret : mapping of str to str
        The groups that are suppressed elsewhere, and why: they are here too.
    """
    tables.rows(CALLS)
    (count,) = tables.one("SELECT count(*) FROM calls")
    customers, hidden = _customers(tables, question, secret if question.by == "speaker" else {})
    agents, every = _agents(tables, question, secret) if question.by == "agent" else ((), None)
    return Conversations(count, customers, hidden, _listen(tables), agents, every)


def _listen(tables: Tables) -> tuple[Call, ...]:
    rows = tables.rows(
        "SELECT r.path, r.us, c.duration, score, negative, negative_end, seconds, moment.at, moment.emotion, strongest "
        "FROM calls c JOIN recordings r USING (id) WHERE strongest >= $strong "
        "ORDER BY score DESC, strongest DESC, r.path LIMIT $most",
        strong=STRONG, most=MOST,
    )  # fmt: skip
    return tuple(
        Call(
            path, None if us is None else moment(us), length, score, negative, end, seconds, at, Emotion(emotion), sure
        )
        for path, us, length, score, negative, end, seconds, at, emotion, sure in rows
    )


def _customers(tables: Tables, question: Question, secret: Mapping[str, str]) -> tuple[tuple[Customer, ...], int]:
    """Rank those of whom there are enough calls, and count the others."""
    (hidden,) = tables.one(
        "SELECT count(*) FROM (SELECT customer FROM calls WHERE customer IS NOT NULL GROUP BY customer "
        "HAVING count(*) < $smallest OR list_contains($secret, customer))",
        smallest=question.smallest, secret=list(secret),
    )  # fmt: skip
    ranked = tables.rows(
        "SELECT customer FROM calls WHERE customer IS NOT NULL GROUP BY customer HAVING count(*) >= $smallest "
        "AND NOT list_contains($secret, customer) ORDER BY avg(score) DESC, customer LIMIT $most",
        smallest=question.smallest, most=MOST, secret=list(secret),
    )  # fmt: skip
    found = []
    for (name,) in ranked:
        count, values, sums = _gathered(tables, "customer", name, ["score", "seconds", "sure"])
        (score,) = figures(sums, count, _first, values=_first(values), bounds=(0.0, 100.0))
        (negative,) = figures(sums, count, _second_of_third, values=_second_of_third(values))
        found.append(Customer(name, count, score, negative))
    return tuple(found), int(hidden)


def _first(sums: Floats) -> Floats:
    return np.asarray(sums[..., 1:2] / sums[..., :1])


def _second_of_third(sums: Floats) -> Floats:
    return np.asarray(sums[..., 2:3] / sums[..., 3:4])


def _gathered(tables: Tables, key: str, name: str, columns: list[str]) -> tuple[int, Floats, Floats]:
    """Give how many calls somebody has, their sums (ones first), and each call's; of very many, some by chance."""
    where = f"FROM calls JOIN recordings r USING (id) WHERE {key} = $name {BOTH_THIRDS if key == 'agent' else ''}"
    told = ", ".join(f"sum({column})" for column in columns)
    values = np.array(tables.one(f"SELECT count(*), {told} {where}", name=name), dtype=np.float64)
    each = tables.columns(
        f"SELECT 1.0::DOUBLE AS one, {', '.join(columns)} {where} ORDER BY path_key LIMIT {RESAMPLED}", name=name
    )
    return int(values[0]), values, np.column_stack([each["one"], *(each[column] for column in columns)])


def _agents(tables: Tables, question: Question, secret: Mapping[str, str]) -> tuple[tuple[Agent, ...], Figure | None]:
    """Compare the customers' negativity in the first and the last third of calls with each agent.

    Only calls with sure speech of the customer in both thirds count, and only agents who are shown in the mean of all,
    so that nothing of the others can be worked out from it.
    """
    sizes = dict(
        tables.rows(
            "SELECT agent, count(*) FROM calls JOIN recordings USING (id) "
            f"WHERE agent IS NOT NULL {BOTH_THIRDS} GROUP BY agent ORDER BY count(*) DESC, agent LIMIT {MOST_AGENTS}"
        )
    )
    hidden = {name: secret[name] for name in sizes if name in secret} | suppressed(sizes, question.smallest)
    rest = [Agent(name, size, hidden[name]) for name, size in sizes.items() if name in hidden]
    shown = [name for name in sizes if name not in hidden]
    if not shown:
        return tuple(rest), None
    gathered = {name: _gathered(tables, "agent", name, ["negative_first", "negative_last"]) for name in shown}
    changes = {name: _change(*found, seed=number) for number, (name, found) in enumerate(gathered.items())}
    every = _mean(list(changes.values()))
    told = [_agent(name, gathered[name], changes[name], every) for name in shown]
    told.sort(key=lambda agent: (agent.change.value if agent.change else 0.0, agent.name))
    return (*told, *rest), _figure(*every)


def _change(count: int, values: Floats, sums: Floats, *, seed: int) -> tuple[float, Floats]:
    """Give the mean change over an agent's calls, and what it is in each resample of them (none of too few calls)."""
    value = float(values[2] - values[1]) / count
    if count < FEWEST:
        return value, np.empty(0)
    change = sums[:, 2] - sums[:, 1]
    return value, value + draws(len(change), count, seed=seed) @ change / count - change.mean()


def _agent(
    name: str, gathered: tuple[int, Floats, Floats], change: tuple[float, Floats], every: tuple[float, Floats]
) -> Agent:
    count, values, sums = gathered
    first, last = figures(sums, count, ratio, values=ratio(values))
    resampled = change[1] - every[1] if len(change[1]) and len(every[1]) else np.empty(0)
    difference = _figure(change[0] - every[0], resampled)
    return Agent(name, count, "", first, last, _figure(*change), difference)


def _mean(changes: list[tuple[float, Floats]]) -> tuple[float, Floats]:
    """Average over agents, each counting alike; without resamples where one of them has none."""
    mean = float(np.mean([value for value, _ in changes]))
    if any(not len(drawn) for _, drawn in changes):
        return mean, np.empty(0)
    return mean, np.asarray(np.mean([drawn for _, drawn in changes], axis=0))


def _figure(value: float, drawn: Floats) -> Figure:
    if not len(drawn):
        return Figure(value)
    (found,) = around(np.array([value]), drawn[:, None], np.array([value]), bounds=(-2.0, 2.0))
    return found
