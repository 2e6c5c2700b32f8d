"""What the tests of a comparison say, in sentences that claim no more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from gar_verify.comparison.plan import BASELINE, PRIMARY, SUBJECT
from gar_verify.comparison.testing import POWER

if TYPE_CHECKING:
    from gar_verify.comparison.outcome import Comparison

OFTEN = f"{100 * POWER:.0f} %"
FIRST_LOOK = "A first look only (--quick), which settles nothing"

MEDIAN = "median"
"""The key of the reference that predicts the median."""


def verdict(outcome: Comparison, target: str) -> str:
    """What is shown for a target, in one line of several sentences."""
    table = pd.DataFrame(outcome.table().xs(target))
    begin = f"{target}: {FIRST_LOOK}: " if outcome.plan.quick else f"{target}: "
    losses = [line for line in outcome.plan.lines if line.tested]
    if len(losses) == 1:
        parts = ["nothing to compare, MAE was trained alone"]
    else:
        tests = outcome.tests(target)
        key = SUBJECT if SUBJECT in outcome.labels else _best(table, outcome)
        parts = [_subject(outcome, table, tests, key)]
        parts += _others(outcome, tests, [one.key for one in losses], key)
        parts.append(_how(outcome, len(losses) - 1))
    parts += references(outcome, target)
    return begin + " ".join(f"{part}." for part in parts)


def _subject(outcome: Comparison, table: pd.DataFrame, tests: pd.DataFrame, key: str) -> str:
    name, base = outcome.labels[key], outcome.labels[BASELINE]
    ours, theirs, test = _line(table, name), _line(table, base), _line(tests, (PRIMARY, key))
    if math.isnan(test["p corrected"]):
        return f"{name} and {base} cannot be compared, a training gave no number"
    way = "lower" if ours["gain"] > 0 else "higher"
    scores = (
        f"test MAE {figures(ours[PRIMARY])} against {figures(theirs[PRIMARY])}, "
        f"{abs(ours['gain']):.1f} % {way} (p {p_value(test['p adjusted'], '= ')})"
    )
    beyond = _beyond(tests, key, but=PRIMARY)
    if test["survives"]:
        word = "better" if test["difference"] > 0 else "worse"
        more = f"; {beyond} by more than chance" if beyond else ""
        return (
            f"training with {name} is {word} than with {base} by more than chance: {scores}{more}"
        )
    more = f"; but {beyond} by more than chance" if beyond else ""
    share = 100 * test["detectable"] / theirs[PRIMARY]
    return (
        f"training with {name} cannot be told from training with {base}: {scores}{more}. That "
        f"shows no equality: a difference in MAE of {figures(test['detectable'], 2)} "
        f"({figures(share, 2)} %) would have been seen {OFTEN} of the time, a smaller one less "
        "often"
    )


def _others(
    outcome: Comparison, tests: pd.DataFrame, losses: Sequence[str], subject: str
) -> list[str]:
    """The other losses, each against the baseline."""
    base, found, unseen = outcome.labels[BASELINE], [], []
    for key in losses:
        if key in (BASELINE, subject):
            continue
        beyond = _beyond(tests, key)
        if beyond:
            found.append(
                f"With {outcome.labels[key]}, {beyond} than with {base} by more than chance"
            )
        else:
            unseen.append(outcome.labels[key])
    if unseen:
        found.append(f"{_listed(unseen)} cannot be told from {base} by any metric")
    return found


def _beyond(tests: pd.DataFrame, key: str, but: str = "") -> str:
    """The metrics in which a loss differs from the baseline by more than chance."""
    own = pd.DataFrame(tests.xs(key, level="method"))
    words = []
    for metric in map(str, own.index):
        line = _line(own, metric)
        if line["survives"] and metric != but:
            better = "better" if line["difference"] > 0 else "worse"
            words.append(f"{metric} is {better} (p {p_value(line['p adjusted'], '= ')})")
    return _listed(words)


def _how(outcome: Comparison, losses: int) -> str:
    few = ", too few to show any but large differences" if outcome.is_short else ""
    count = losses * outcome.results.sizes["metric"]
    half = ", half of the 5 % being for GAR by MAE" if SUBJECT in outcome.labels else ""
    return (
        f"The p are of the corrected resampled t-test over {outcome.differences} paired "
        f"differences{few}, with Holm's correction over all {count} tests (losses by metrics) that "
        f"these sentences rest on{half}"
    )


def references(outcome: Comparison, target: str) -> list[str]:
    """What the references say of the networks; means, which are not tested."""
    means = pd.DataFrame(outcome.table().xs(target))[PRIMARY]
    networks = means[[line.label for line in outcome.plan.lines if line.tested]].dropna()
    others = means[[one.label for one in outcome.plan.references]].dropna()
    if networks.empty or others.empty:
        return []
    found = []
    best, beats = str(networks.idxmin()), str(others.idxmin())
    median = outcome.labels.get(MEDIAN, "")
    if median in others.index and networks.min() > others[median]:
        found.append(
            f"Every network is worse than always predicting the median (test MAE "
            f"{figures(others[median])}, the best network {figures(networks.min())}): nothing was "
            "learned that helps, so the losses hardly matter here"
        )
    if networks.min() >= others.min() and beats != median:
        found.append(
            f"No network beats {beats}, with a test MAE of {figures(others.min())} against "
            f"{figures(networks.min())} of the best, {best} (means, not tested)"
        )
    return found


def what_would_change_it(outcome: Comparison, target: str) -> list[str]:
    """What could lead to another verdict, in sentences."""
    found = []
    if outcome.plan.quick:
        found.append("The same command without --quick trains in full; only that is a result")
    if SUBJECT in outcome.labels and sum(line.tested for line in outcome.plan.lines) > 1:
        test = _line(outcome.tests(target), (PRIMARY, SUBJECT))
        size = abs(test["difference"])
        if not test["survives"] and size > 0 and math.isfinite(test["detectable"]):
            times = (test["detectable"] / size) ** 2
            found.append(
                f"If the true difference is the one seen ({figures(size, 2)}), it takes about "
                f"{figures(times, 2)} times as many rows to show it {OFTEN} of the time, as "
                "the spread falls with the root of their number"
            )
    found += [
        "Other features, or more of them, change what can be learned, and with it what a loss can",
        "Networks of two small layers are compared; for one of your own see --model",
    ]
    if outcome.grouped:
        return [
            *found,
            "Another split answers another question: without --group, rows of groups "
            "that are known already are predicted",
        ]
    return found


def p_value(value: float, equals: str = "") -> str:
    """A p value with three places."""
    if math.isnan(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{equals}{value:.3f}"


def figures(value: float, digits: int = 4) -> str:
    """A number with so many digits."""
    if value >= 10**digits:
        return f"{float(f'{value:.{digits - 1}e}'):.0f}"
    return f"{value:.{digits}g}"


def _best(table: pd.DataFrame, outcome: Comparison) -> str:
    """The key of the loss, other than MAE, with the lowest test MAE."""
    keys = [line.key for line in outcome.plan.lines if line.tested and line.key != BASELINE]
    means = table.loc[[outcome.labels[key] for key in keys], PRIMARY].fillna(math.inf)
    return keys[int(means.to_numpy().argmin())]


def _line(frame: pd.DataFrame, name: Any) -> dict[str, Any]:
    """A line of a table by the names of its columns."""
    return {str(key): value for key, value in frame.loc[name].to_dict().items()}


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
