"""The histogram head: its shares, its loss and its predictions by other means."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from gar_verify.metrics import METRICS, Scorer
from gar_verify.training import Objective, Problem, Recipe, Run
from gar_verify.training.histogram import BINS, WIDTH, edges, shares, stacked_hl_gauss
from gar_verify.training.histogram import train_histogram as train

RECIPE = Recipe(hidden=(4, 6), epochs=3, batch_size=8, milestones=(2,))
OBJECTIVE = Objective(stacked_hl_gauss)
RUNS = [
    Run(rate, 1e-4, sigma, index) for rate in (0.1, 0.01) for index, sigma in enumerate((0.5, 2))
]


def problem(targets: int = 1) -> Problem:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 3))
    labels = 100 + 20 * inputs @ rng.normal(size=(3, targets))
    rows = np.arange(40)
    return Problem(inputs, labels, [rows[:24]], [rows[24:32]], rows[32:])


@pytest.mark.parametrize("sigma", [0.5, 0.75, 3.0])
def test_a_histogram_is_a_normal_distribution_cut_to_the_bins(sigma: float) -> None:
    labels = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
    found = shares(labels, torch.tensor(sigma, dtype=torch.float64))
    ends = np.linspace(-0.1, 1.1, BINS + 1)
    for label, histogram in zip(labels[:, 0].tolist(), found.numpy(), strict=True):
        normal = stats.norm(label, sigma * (ends[1] - ends[0]))
        wanted = np.diff(normal.cdf(ends)) / (normal.cdf(ends[-1]) - normal.cdf(ends[0]))
        np.testing.assert_allclose(histogram, wanted, atol=1e-12)
    middles = (edges(labels)[1:] + edges(labels)[:-1]) / 2
    inner = slice(1, -1)  # at the ends more is cut on one side than on the other
    torch.testing.assert_close(
        (found @ middles)[inner], labels[inner, 0], atol=0.15 * WIDTH, rtol=0
    )


def test_the_loss_is_the_cross_entropy_and_least_at_the_histogram_itself() -> None:
    generator = torch.Generator().manual_seed(0)
    f, y = torch.rand(2, 2, 7, BINS, generator=generator, dtype=torch.float64)
    sigma = torch.tensor([0.75, 1.5], dtype=torch.float64)
    f.requires_grad_()
    found = stacked_hl_gauss(f, y, f, sigma, None)
    for model in range(2):
        target = shares(y[model, :, :1], sigma[model])
        wanted = nn.functional.cross_entropy(f[model], target)
        torch.testing.assert_close(found[model], wanted)
    (gradient,) = torch.autograd.grad(found.sum(), f)
    target = shares(y[..., :1], sigma[:, None, None])
    torch.testing.assert_close(gradient, (f.softmax(-1) - target) / 7)
    best = target.clamp_min(1e-300).log().detach().requires_grad_()
    (flat,) = torch.autograd.grad(stacked_hl_gauss(best, y, f, sigma, None).sum(), best)
    torch.testing.assert_close(flat, torch.zeros_like(flat))


def network(parameters: np.ndarray, widths: tuple[int, ...]) -> nn.Sequential:
    """The perceptron of a row of parameters, by torch's own modules."""
    layers: list[nn.Module] = []
    for entering, leaving in pairwise(widths):
        layers += [nn.Linear(entering, leaving), nn.ELU()]
    found = nn.Sequential(*layers[:-1])
    nn.utils.vector_to_parameters(torch.from_numpy(parameters), found.parameters())
    return found


def test_a_prediction_is_the_mean_of_the_histogram_in_the_units_of_the_labels() -> None:
    given = problem()
    trained = train(given, RUNS, RECIPE, OBJECTIVE)
    labels = given.targets[given.train[0]]
    low, high = labels.min(), labels.max()
    ends = np.linspace(-0.1, 1.1, BINS + 1)
    middles = (ends[1:] + ends[:-1]) / 2
    inputs = torch.from_numpy(given.inputs).float()
    for one, parameters in enumerate(trained.parameters):
        with torch.no_grad():
            histogram = network(parameters, (3, *RECIPE.hidden, BINS))(inputs).softmax(1)
        wanted = low + (high - low) * histogram.double().numpy() @ middles
        np.testing.assert_allclose(trained.predictions[one, :, 0], wanted, rtol=1e-5)
        for part, rows in enumerate(given.parts(0).values()):
            score = Scorer(torch.from_numpy(given.targets[rows, 0]))(
                torch.from_numpy(trained.predictions[one, rows, 0]).double()
            )
            np.testing.assert_allclose(trained.metrics[one, -1, part], score, rtol=1e-4)


def test_it_learns_and_a_run_does_not_depend_on_those_beside() -> None:
    long = replace(RECIPE, epochs=60, milestones=(40,))
    together = train(problem(), RUNS, long, OBJECTIVE)
    mae = together.metrics[:, :, -1, METRICS.index("MAE")]
    spread = problem().targets.std()
    assert (mae[:2, -1] < 0.5 * mae[:2, 0]).all()
    assert mae[:2, -1].max() < 0.5 * spread
    for one, run in enumerate(RUNS):
        alone = train(problem(), [run], long, OBJECTIVE)
        np.testing.assert_array_equal(alone.metrics[0], together.metrics[one])
    apart = train(problem(), RUNS, long, OBJECTIVE, memory_bytes=1)
    np.testing.assert_array_equal(apart.metrics, together.metrics)


def test_other_labels_are_scored_in_their_own_units() -> None:
    def stretched(factor: float, offset: float) -> Tensor:
        given = problem()
        other = replace(given, targets=factor * given.targets + offset)
        metrics = train(other, RUNS, RECIPE, OBJECTIVE).metrics
        return torch.from_numpy(metrics[..., METRICS.index("MAE")]) / factor

    torch.testing.assert_close(stretched(1, 0), stretched(4, 12), rtol=1e-3, atol=1e-3)


def test_several_targets_are_refused() -> None:
    with pytest.raises(ValueError, match="a histogram is of one target, got 2"):
        train(problem(2), RUNS, RECIPE, OBJECTIVE)
