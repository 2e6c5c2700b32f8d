"""Claims about the test errors on Sine and Squared sine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Claim, Finding
from gar_verify.claims.rules import FIGURES, SHARE, Figure, judge_figures, listed, share
from gar_verify.data.synthetic import CURVES
from gar_verify.studies import published
from gar_verify.studies.methods import GARS, RELEASED, SYNTHETIC, label
from gar_verify.studies.synthetic import final_test_mae

TOPIC = "Synthetic curves"
RUNS = "test MAE after the last epoch: mean (standard deviation) over five seeds"


def errors(evidence: Evidence, curve: str) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of the test MAE of the paper's methods and of both GARs."""
    mae = final_test_mae(evidence.summary(curve))
    names = [name for name in (*SYNTHETIC, RELEASED) if name in mae["method"]]
    runs = {name: mae.sel({"method": name}).to_numpy() for name in names}
    return {name: (values.mean(), values.std()) for name, values in runs.items()}


def _figures(curve: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
        figures = [
            Figure(label(name), *line, *_published(curve, name))
            for name, line in errors(evidence, curve).items()
        ]
        theirs = listed((label(name), *_published(curve, name)) for name in SYNTHETIC)
        return judge_figures(figures, theirs)

    return judge


def _published(curve: str, name: str) -> tuple[float, float]:
    """Mean and standard deviation of the authors' five runs."""
    runs = np.array(published.synthetic_runs(curve, name))
    return runs.mean(), runs.std()


LOWEST = (
    "by each kind of GAR, the paper's formula and the released constants: mean test MAE below that "
    f"of RnC, MAE-Pearson, MAE and MSE. {SHARE.capitalize()}"
)


def _lowest(curve: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
        lines = errors(evidence, curve)
        others = {name: mean for name, (mean, _) in lines.items() if name not in GARS}
        best = min(others, key=lambda name: others[name])
        ours = {name: lines[name][0] for name in GARS if name in lines}
        return Finding(
            verdict=share(mean < others[best] for mean in ours.values()),
            measured=listed((label(name), *line) for name, line in lines.items()),
            published=listed((label(name), *_published(curve, name)) for name in SYNTHETIC),
            reason=f"the best of the others is {label(best)}; "
            + "; ".join(
                f"{label(name)} is {'lower' if mean < others[best] else 'not lower'}"
                for name, mean in ours.items()
            ),
        )

    return judge


SIMILAR = (
    "the two mean test MAEs differ by at most the larger of their standard deviations over "
    "the seeds: reproduced; else: not reproduced"
)


def _similar(curve: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
        lines = errors(evidence, curve)
        (mae, mae_std), (mse, mse_std) = lines["mae"], lines["mse"]
        gap, reach = abs(mae - mse), max(mae_std, mse_std)
        return Finding(
            verdict=share([gap <= reach]),
            measured=listed((label(name), *lines[name]) for name in ("mae", "mse")),
            published=listed((label(name), *_published(curve, name)) for name in ("mae", "mse")),
            reason=f"they differ by {gap:.3f}; the larger deviation is {reach:.3f}",
        )

    return judge


def _entries() -> Iterator[Claim]:
    words = published.published()["statements"]
    for curve in CURVES:
        title = curve.replace("_", " ").capitalize()
        name = curve.replace("_", "-")
        command = f"gar-verify table {curve}"
        yield Claim(
            f"figures-{name}",
            TOPIC,
            f"{title}: test MAE of five methods",
            "the authors' five stored runs",
            RUNS,
            FIGURES,
            command,
            _figures(curve),
            (f"synthetic_runs/{curve}/*",),
        )
        yield Claim(
            f"lowest-mae-{name}",
            TOPIC,
            f"{title}: GAR has the lowest test MAE of the five methods",
            "the authors' five stored runs",
            RUNS,
            LOWEST,
            command,
            _lowest(curve),
            (f"synthetic_runs/{curve}/*",),
        )
        yield Claim(
            f"mse-like-mae-{name}",
            TOPIC,
            words[f"mse_like_mae_{curve}"],
            "a published summary of the paper, on its synthetic figures",
            RUNS,
            SIMILAR,
            command,
            _similar(curve),
            (f"statements/mse_like_mae_{curve}",),
        )


ENTRIES = tuple(_entries())
