"""The stacked trainer against the plain loop of torch, one model at a time."""

import numpy as np
import pytest
import torch

from gar_verify import metrics
from gar_verify.data import load_table
from gar_verify.losses.registry import get_spec
from gar_verify.studies import tabular
from gar_verify.studies.methods import tabular_methods
from gar_verify.studies.reference_loop import train_alone
from gar_verify.training import Architecture, Objective, Problem, Recipe, Run, train

SGD = Recipe(hidden=(8, 6), epochs=4, batch_size=16, milestones=(2, 3))
ADAM = Recipe(hidden=(8, 6), epochs=4, batch_size=16, milestones=(2,), optimizer="adam")


@pytest.fixture
def problem() -> Problem:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(90, 3))
    targets = np.sin(inputs.sum(1, keepdims=True)) + 2
    thirds = np.arange(70).reshape(2, 35)
    return Problem(inputs, targets, thirds[::-1].copy(), thirds, np.arange(70, 90))


def objective(name: str, epochs: int = 4) -> Objective:
    spec = get_spec(name)
    return Objective(
        spec.stacked,
        spec.stacked_pretraining,
        int(spec.tabular_pretraining * epochs),
        spec.needs_features,
    )


def grid(name: str) -> list[Run]:
    return [
        Run(rate, decay, value, index, fold, seed=3)
        for fold in (0, 1)
        for rate in (0.02, 0.003)
        for decay in (0.01, 0.0)
        for index, value in enumerate(get_spec(name).tabular_grid)
    ]


def spread(prediction, target, features, hyperparameter, draw):
    """A first phase whose gradient is nowhere near zero."""
    return (features.mean(-1) - target[..., 0]).square().mean(-1)


CASES = {
    "sgd": ("mae", SGD, objective("mae")),
    "adam": ("gar", ADAM, objective("gar")),
    "random numbers": ("ranksim", SGD, objective("ranksim")),
    "two phases, sgd": ("rnc", SGD, objective("rnc")),
    "two phases, adam": ("mae", ADAM, Objective(get_spec("mae").stacked, spread, 2)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_stack_is_the_plain_loop_of_torch(case, problem):
    name, recipe, goal = CASES[case]
    runs = grid(name)
    trained = train(problem, runs, recipe, goal)
    for i in range(0, len(runs), 5):
        history, parameters = train_alone(problem, runs[i], recipe, goal)
        np.testing.assert_allclose(trained.parameters[i], parameters, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(trained.metrics[i], history, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["mae", "gar", "rnc", "conr"])
def test_alone_or_in_any_stack_it_is_the_same_run(name, problem):
    runs = grid(name)
    together = train(problem, runs, SGD, objective(name))
    by_sevens = train(problem, runs, SGD, objective(name), models_at_once=7)
    alone = train(problem, runs[8:9], SGD, objective(name))
    assert together.chunks == (24,)
    assert by_sevens.chunks == (7, 7, 7, 3)
    np.testing.assert_allclose(by_sevens.parameters, together.parameters, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(alone.parameters[0], together.parameters[8], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(alone.metrics[0], together.metrics[8], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_one_of_135_is_the_run_it_is_alone():
    settings = tabular.protocol("diabetes")
    method = tabular_methods(["gar"], settings.recipe.epochs)[0]
    problem = tabular.folds(load_table("diabetes"), settings.folds)
    runs = [
        run
        for fold in range(settings.folds)
        for run in tabular.grid(method, settings, settings.learning_rates, 0, fold)
    ]
    together = train(problem, runs, settings.recipe, method.objective)
    alone = train(problem, runs[40:41], settings.recipe, method.objective)
    assert len(runs) == 135
    np.testing.assert_allclose(alone.parameters[0], together.parameters[40], rtol=1e-4)
    np.testing.assert_allclose(alone.metrics[0], together.metrics[40], rtol=1e-3, atol=1e-5)


def test_the_same_again_bit_for_bit(problem):
    one, two = (train(problem, grid("gar"), SGD, objective("gar")) for _ in range(2))
    assert one.parameters.tobytes() == two.parameters.tobytes()
    assert one.metrics.tobytes() == two.metrics.tobytes()


def test_a_diverging_run_hurts_nobody_and_is_recorded(problem):
    good = Run(0.01, 0.001)
    trained = train(problem, [good, Run(1e6), good], SGD, objective("mse"))
    alone = train(problem, [good], SGD, objective("mse"))
    assert trained.diverged.tolist() == [False, True, False]
    assert np.isnan(trained.metrics[1, -1]).any()
    assert trained.parameters[0].tobytes() == trained.parameters[2].tobytes()
    np.testing.assert_allclose(trained.parameters[0], alone.parameters[0], rtol=1e-5, atol=1e-7)


def test_metrics_are_those_of_the_final_predictions(problem):
    trained = train(problem, grid("mae"), SGD, objective("mae"))
    rows = problem.test
    prediction = torch.from_numpy(trained.predictions[:, rows, 0])
    scores = metrics.Scorer(torch.from_numpy(problem.targets[rows, 0]).float())(prediction)
    np.testing.assert_allclose(trained.metrics[:, -1, 2], scores.float(), rtol=1e-6)


def test_several_targets_are_averaged(problem):
    double = Problem(
        problem.inputs,
        np.hstack([problem.targets, -problem.targets]),
        problem.train,
        problem.validation,
        problem.test,
    )
    trained = train(double, [Run(0.01)], SGD, objective("mae"))
    error = abs(trained.predictions[0] - double.targets)[problem.test]
    assert trained.metrics[0, -1, 2, 0] == pytest.approx(error.mean(), rel=1e-5)


def test_the_head_rests_while_only_the_features_are_trained(problem):
    runs = grid("rnc")[:1]
    cut = Architecture(3, SGD.hidden).body_size
    only_contrast = Objective(objective("rnc").loss, objective("rnc").pretraining, SGD.epochs)
    trained = train(problem, runs, SGD, only_contrast)
    initial = Architecture(3, SGD.hidden).initial(runs[0].random())
    assert trained.parameters[0, cut:].tobytes() == initial[cut:].tobytes()
    assert not np.allclose(trained.parameters[0, :cut], initial[:cut])


def test_folds_of_unequal_size_are_trained_apart(problem):
    uneven = Problem(
        problem.inputs,
        problem.targets,
        [np.arange(40), np.arange(41)],
        [np.arange(40, 70), np.arange(41, 70)],
        problem.test,
    )
    runs = [Run(0.01, fold=fold) for fold in (1, 0, 1)]
    trained = train(uneven, runs, SGD, objective("mae"))
    assert trained.chunks == (2, 1)
    assert trained.parameters[0].tobytes() == trained.parameters[2].tobytes()
    alone = train(uneven, runs[1:2], SGD, objective("mae"))
    np.testing.assert_allclose(trained.parameters[1], alone.parameters[0], rtol=1e-5)


def test_memory_bound_makes_smaller_stacks(problem):
    trained = train(problem, grid("mae"), SGD, objective("mae"), memory_bytes=200_000)
    assert len(trained.chunks) > 1
    tiny = train(problem, grid("mae")[:2], SGD, objective("mae"), memory_bytes=1)
    assert tiny.chunks == (1, 1)


def test_too_few_rows_for_a_batch_say_so(problem):
    recipe = Recipe(hidden=(4,), epochs=1, batch_size=36, milestones=())
    with pytest.raises(ValueError, match="fold 0 has 35 training rows, fewer than one batch of 36"):
        train(problem, [Run(0.1)], recipe, objective("mae"))


def test_progress_is_told_of_every_epoch(problem):
    told: list[int] = []
    train(problem, grid("mae")[:5], SGD, objective("mae"), models_at_once=3, on_epoch=told.append)
    assert told == [3] * 4 + [2] * 4


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_trains_the_same(problem):
    runs = grid("gar")
    here, there = (train(problem, runs, SGD, objective("gar"), device=d) for d in ("cpu", "cuda"))
    np.testing.assert_allclose(here.parameters, there.parameters, rtol=1e-3, atol=1e-4)
