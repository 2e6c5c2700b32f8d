"""The mathematics of the GAR loss, written once for every reader.

Each function is plain arithmetic. What differs between readers is passed in: ``xp`` is the
namespace that supplies ``sqrt``, ``exp`` and ``log`` (torch, numpy, mpmath, sympy or math);
``mean(a)`` is the averaging operator (a reduction of tensors, or a symbolic sum over 1..N divided
by N), and ``mean(a, b)`` the mean of the products, which some readers take in one step. The loss
runs these functions on tensors; the scripts in ``proofs/`` run the same functions on symbols and
prove them equal to the pairwise definitions of the paper, for every N.

Notation: predictions f, labels y, errors d = f - y; ``mean`` is the weighted mean over the batch
(weights w_i, total W; all ones unless given), Var and Cov are population moments (1/N).

The batch enters through its *regression moments*: both predictions and errors are split along the
labels,

    f_i - mean(f) = scale * (y_i - mean(y)) + r_i,     scale = Cov(f, y) / Var(y),
    d_i - mean(d) = slope * (y_i - mean(y)) + r_i,     slope = Cov(d, y) / Var(y),

with one residual r, so that Var(r) is the variance that y does not explain: the minimum of
Theorem 3. Every quantity of the loss is then a sum of squares of these numbers,

    Var(d)    = Var(r) + slope^2 Var(y)
    Var(f)    = Var(r) + scale^2 Var(y)
    Cov(f, y) = scale Var(y)
    1 - rho^2 = Var(r) / Var(f)

and no difference of nearly equal numbers remains, whatever the scale and offset of f. (With
Var(d), Var(y) and Cov(d, y) instead, 1 - rho cancels as soon as f = a*y + small with a != 1.)
Though scale = 1 + slope, each comes from its own vector: where predictions are much smaller than
the labels, 1 + slope has no digits left, and where errors are, scale - 1 has none.

Source: Zhu, Yang, Jerby, "Gradient Aligned Regression via Pairwise Losses", ICML 2025.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Mean = Callable[..., Any]
"""``mean(a)`` averages a over the batch, ``mean(a, b)`` the products a_i b_i."""

Scalar = Any
"""A number to one of the readers: a tensor, an array, a float, an mpf or a SymPy expression."""


class Moments(NamedTuple):
    """The numbers of a batch that the loss depends on."""

    weight: Scalar
    """W, the sum of the sample weights; N when they are all one."""
    mean_f: Scalar
    """Mean prediction."""
    mean_d: Scalar
    """Mean error."""
    mean_y: Scalar
    """Mean label."""
    var_y: Scalar
    """Population variance of the labels."""
    scale: Scalar
    """Cov(f, y) / Var(y), the regression slope of predictions on labels; 0 if Var(y) = 0."""
    slope: Scalar
    """Cov(d, y) / Var(y), the regression slope of errors on labels; 0 if Var(y) = 0."""
    var_r: Scalar
    """Var(d - slope * y), the variance of the errors that the labels do not explain."""
    conventional: Scalar
    """Mean of the conventional loss: |d|, d^2 or Huber's function of d."""


class Shifts(NamedTuple):
    """Numbers that are taken from the samples before they are averaged.

    They change nothing in exact arithmetic. In floating point, a shift by one of the samples makes
    the centred values of a constant vector exactly zero, and those of a far offset accurate.
    """

    f: Scalar = 0
    y: Scalar = 0
    d: Scalar = 0


UNSHIFTED = Shifts()


class Decomposition(NamedTuple):
    """Predictions and errors of a batch split along its labels, sample by sample."""

    mean_f: Scalar
    mean_d: Scalar
    mean_y: Scalar
    var_y: Scalar
    scale: Scalar
    slope: Scalar
    residual: Scalar
    """r_i = f_i - mean(f) - scale * (y_i - mean(y)) = d_i - mean(d) - slope * (y_i - mean(y))"""
    label: Scalar
    """y_i - mean(y)"""


class Gradient(NamedTuple):
    """Coefficients of a gradient with respect to the predictions.

    The derivative with respect to f_i is w_i / W times `sample_gradient`.
    """

    conventional: Scalar
    residual: Scalar
    label: Scalar


def ratio(numerator: Scalar, denominator: Scalar) -> Scalar:
    """``numerator / denominator``, and 0 for 0 / 0; a NaN on either side stays a NaN."""
    return numerator / (denominator + 1 * (denominator == 0))


# --- from the batch to its moments -------------------------------------------------------------


def lost(f: Scalar, y: Scalar, d: Scalar) -> Scalar:
    """What rounding took from d = f - y, exactly; 0 in exact arithmetic.

    Source: Knuth, "The Art of Computer Programming", volume 2, on the exact sum of two numbers.
    """
    minus_y = d - f
    return (f - (d - minus_y)) - (y + minus_y)


def shifted(f: Scalar, y: Scalar, s: Shifts) -> tuple[Scalar, Scalar, Scalar]:
    """f_i, d_i and y_i relative to the shifts, sample by sample.

    The errors keep the digits of an outlier in both vectors and of an offset between them.
    """
    d = f - y
    return f - s.f, (d - s.d) + lost(f, y, d), y - s.y


def error_share(scale: Scalar, slope: Scalar) -> Scalar:
    """The share of a residual that is taken from the errors, |scale| / (|scale| + |slope|).

    Any share gives the same residual. This one weighs the vector more that varies less along the
    labels, and is rounded less when these are taken out of it.
    """
    return ratio(abs(scale), abs(scale) + abs(slope))


def unexplained(v: Scalar, y: Scalar, slope: Scalar) -> Scalar:
    """What labels leave of a centred vector: r_i, from predictions or errors and their slope."""
    return v - slope * y


def residual(
    f: Scalar, d: Scalar, y: Scalar, scale: Scalar, slope: Scalar, share: Scalar
) -> Scalar:
    """r_i from the centred prediction, error and label of a sample; ``share``: `error_share`."""
    return (1 - share) * unexplained(f, y, scale) + share * unexplained(d, y, slope)


def decompose(f: Scalar, y: Scalar, mean: Mean, s: Shifts = UNSHIFTED) -> Decomposition:
    """Split predictions and errors along the labels: means, slopes and the parts of each sample."""
    f, d, y = shifted(f, y, s)
    mean_f, mean_d, mean_y = mean(f), mean(d), mean(y)
    f, d, y = f - mean_f, d - mean_d, y - mean_y
    var_y = mean(y, y)
    scale, slope = ratio(mean(f, y), var_y), ratio(mean(d, y), var_y)
    r = residual(f, d, y, scale, slope, error_share(scale, slope))
    return Decomposition(mean_f + s.f, mean_d + s.d, mean_y + s.y, var_y, scale, slope, r, y)


def moments(parts: Decomposition, conventional: Scalar, weight: Scalar, mean: Mean) -> Moments:
    """The moments of a decomposed batch; ``conventional`` holds phi(d_i), sample by sample."""
    return Moments(
        weight=weight,
        mean_f=parts.mean_f,
        mean_d=parts.mean_d,
        mean_y=parts.mean_y,
        var_y=parts.var_y,
        scale=parts.scale,
        slope=parts.slope,
        var_r=mean(parts.residual, parts.residual),
        conventional=mean(conventional),
    )


def merge(a: Moments, b: Moments) -> Moments:
    """Moments of the union of two disjoint chunks, from those of the chunks, exactly.

    Only sums of squares: merging loses no digits that the chunks had. A chunk of
    weight 0 is absent.
    """
    weight = a.weight + b.weight
    p, q = ratio(a.weight, weight), ratio(b.weight, weight)
    gap_f, gap_d, gap_y = b.mean_f - a.mean_f, b.mean_d - a.mean_d, b.mean_y - a.mean_y
    var_y = p * a.var_y + q * b.var_y + p * q * square(gap_y)
    cov_f = p * a.scale * a.var_y + q * b.scale * b.var_y + p * q * (gap_f * gap_y)
    cov_d = p * a.slope * a.var_y + q * b.slope * b.var_y + p * q * (gap_d * gap_y)
    scale, slope = ratio(cov_f, var_y), ratio(cov_d, var_y)
    share = error_share(scale, slope)
    return Moments(
        weight=weight,
        mean_f=a.mean_f + q * gap_f,
        mean_d=a.mean_d + q * gap_d,
        mean_y=a.mean_y + q * gap_y,
        var_y=var_y,
        scale=scale,
        slope=slope,
        var_r=(
            p * (a.var_r + square(residual(a.scale, a.slope, 1, scale, slope, share)) * a.var_y)
            + q * (b.var_r + square(residual(b.scale, b.slope, 1, scale, slope, share)) * b.var_y)
            + p * q * square(residual(gap_f, gap_d, gap_y, scale, slope, share))
        ),
        conventional=p * a.conventional + q * b.conventional,
    )


def residual_and_label(f: Scalar, y: Scalar, s: Shifts, whole: Moments) -> tuple[Scalar, Scalar]:
    """r_i and y_i - mean(y) of samples, relative to the batch that they are a part of.

    The means of ``whole`` are relative to the shifts.
    """
    f, d, y = shifted(f, y, s)
    f, d, y = f - whole.mean_f, d - whole.mean_d, y - whole.mean_y
    share = error_share(whole.scale, whole.slope)
    return residual(f, d, y, whole.scale, whole.slope, share), y


# --- the conventional loss of one error, and its derivative --------------------------------------


def absolute(d: Scalar) -> Scalar:
    """|d|"""
    return abs(d)


def absolute_slope(d: Scalar, xp: Any) -> Scalar:
    """sign(d), with sign(0) = 0"""
    return xp.sign(d)


def square(d: Scalar) -> Scalar:
    """d^2"""
    return d * d


def square_slope(d: Scalar) -> Scalar:
    """2 d"""
    return 2 * d


def huber(d: Scalar, clipped: Scalar) -> Scalar:
    """Huber's function, from d and d clipped to [-delta, delta].

    d^2 / 2 within, delta * (|d| - delta / 2) outside. Its derivative is ``clipped`` itself.
    """
    return clipped * (d - clipped / 2)


# --- from the moments to the sub-losses ----------------------------------------------------------


def error_variance(m: Moments) -> Scalar:
    """Var(d): the pairwise squared difference of Theorem 1."""
    return m.var_r + square(m.slope) * m.var_y


def without_self_pairs(variance: Scalar, self_pairs: Scalar) -> Scalar:
    """The mean of 1/2 (df_ij - dy_ij)^2 over the pairs i != j, from the mean over all pairs.

    ``self_pairs`` is their share of the pairs, sum_i w_i^2 / W^2: 1/N when the weights are all one.
    Over random batches this has no bias; the error variance of a batch of B has the factor 1 - 1/B.
    """
    return variance / (1 - self_pairs)


def prediction_variance(m: Moments) -> Scalar:
    """Var(f)"""
    return m.var_r + square(m.scale) * m.var_y


def scaled_difference(m: Moments, c: Scalar) -> Scalar:
    """(1/N^2) sum_ij 1/2 (df_ij - c dy_ij)^2, with its minimum Var(r) at c = scale (Theorem 3)."""
    return m.var_r + square(m.scale - c) * m.var_y


def one_minus_pearson(m: Moments, xp: Any) -> Scalar:
    """1 - rho(f, y), in [0, 2]: the normalised pairwise difference of Theorem 2.

    With s the standard deviations and g = Cov(f, y) / s_y,

        (1 - |rho|) + (|rho| - rho) = Var(r) / (s_f (s_f + |g|)) + (|g| - g) / s_f

    adds no two numbers of opposite sign. As in Theorem 2's left side, a vector of zeros stays one
    when it is normalised: 1/2 if just one of f and y is constant, 0 if both are.
    """
    s_y = xp.sqrt(m.var_y)
    s_f = xp.sqrt(prediction_variance(m))
    g = m.scale * s_y
    aligned = ratio(m.var_r, s_f * (s_f + abs(g)))
    flipped = ratio(abs(g) - g, s_f)
    # not by 1: torch.jit drops that factor, and then cannot subtract booleans
    one_sided = (2 * (s_f == 0) - 2 * (s_y == 0)) / 4
    return aligned + flipped + one_sided


def sub_losses(m: Moments, resolved: Moments, xp: Any) -> tuple[Scalar, Scalar, Scalar]:
    """The three parts of GAR: the conventional loss, Var(d) and 1 - Pearson.

    ``resolved`` is ``m``; a reader with rounding may put 0 for a Var(r) that is nothing else.
    """
    return m.conventional, error_variance(m), one_minus_pearson(resolved, xp)


def one_minus_concordance(m: Moments) -> Scalar:
    """1 - CCC, Lin's concordance correlation coefficient: E[d^2] over its value at rho = 0.

    CCC = 2 Cov(f, y) / (Var(f) + Var(y) + (mean(f) - mean(y))^2), so that

        1 - CCC = (Var(d) + mean(d)^2) / (Var(f) + Var(y) + mean(d)^2)

    adds squares only; in [0, 2]. It is 0 if predictions and labels are the same constant.
    """
    return ratio(error_variance(m) + square(m.mean_d), concordance_scale(m))


def concordance_scale(m: Moments) -> Scalar:
    """Var(f) + Var(y) + (mean(f) - mean(y))^2"""
    return prediction_variance(m) + m.var_y + square(m.mean_d)


def released_sub_losses(
    f: Scalar,
    y: Scalar,
    mean: Callable[[Scalar], Scalar],
    scale_f: Scalar,
    scale_y: Scalar,
    eps: Scalar,
) -> tuple[Scalar, Scalar, Scalar]:
    """The sub-losses as the authors' released code computes them: |d|, Var(d) and Pearson terms.

    Half the error variance; the Pearson term standardises with the two scales (there: the unbiased,
    N - 1, standard deviations, floored at eps), which makes it (N - 1)/N * (1 - rho); and eps is
    added to each.
    """
    d = f - y
    z = (f - mean(f)) / scale_f - (y - mean(y)) / scale_y
    return (
        mean(absolute(d)) + eps,
        mean(square(d - mean(d))) / 2 + eps,
        mean(square(z)) / 2 + eps,
    )


# --- aggregation ---------------------------------------------------------------------------------


def power(log_loss: Scalar, alpha: Scalar, shift: Scalar, xp: Any) -> Scalar:
    """L^(1/alpha) from log L, relative to ``shift`` in place of 0."""
    return xp.exp((log_loss - shift) / alpha)


def power_less_one(log_loss: Scalar, alpha: Scalar, shift: Scalar, xp: Any) -> Scalar:
    """`power` less 1, with all its digits where alpha is large and all powers are near 1."""
    return xp.expm1((log_loss - shift) / alpha)


def log_power_mean(mean_less_one: Scalar, alpha: Scalar, shift: Scalar, xp: Any) -> Scalar:
    """alpha log mean L^(1/alpha), from the mean of `power_less_one`."""
    return shift + alpha * xp.log1p(mean_less_one)


def kl_dro(
    log_losses: Scalar, alpha: Scalar, shift: Scalar, mean: Callable[[Scalar], Scalar], xp: Any
) -> Scalar:
    """alpha * log mean_k L_k^(1/alpha): the KL-regularised worst case of the log-losses.

    ``mean`` averages over the sub-losses. ``shift`` is added back, so it changes nothing in exact
    arithmetic; the largest log-loss keeps the exponentials in range.
    """
    return log_power_mean(mean(power_less_one(log_losses, alpha, shift, xp)), alpha, shift, xp)


def kl_dro_tilt(
    log_losses: Scalar, alpha: Scalar, shift: Scalar, mean: Callable[[Scalar], Scalar], xp: Any
) -> Scalar:
    """p_k / (1/M): the worst-case weights relative to uniform ones, p_k ~ L_k^(1/alpha).

    They are M times the derivatives of `kl_dro` with respect to the log-losses.
    """
    powers = power(log_losses, alpha, shift, xp)
    return powers / mean(powers)


# --- the closed-form gradient --------------------------------------------------------------------


def sample_gradient(g: Gradient, slope: Scalar, r: Scalar, label: Scalar) -> Scalar:
    """W / w_i times the derivative with respect to f_i.

    ``slope`` is phi'(d_i), with phi the conventional loss of one error; ``r`` and ``label`` are
    r_i and y_i - mean(y), as in `Decomposition`.
    """
    return g.residual * r + g.label * label + g.conventional * slope


def error_variance_gradient(m: Moments) -> Gradient:
    """Gradient of `error_variance`: 2 (d_i - mean(d)) / N, split along the labels."""
    return Gradient(conventional=0, residual=2, label=2 * m.slope)


def one_minus_pearson_gradient(m: Moments, xp: Any) -> Gradient:
    """Gradient of `one_minus_pearson`, for Var(f), Var(y) > 0; 0 when either is 0.

    It is -(z_y - rho z_f) / (N s_f) with z the standardised vectors, written without cancellation.
    """
    var_f = prediction_variance(m)
    s_f, s_y = xp.sqrt(var_f), xp.sqrt(m.var_y)
    rho = ratio(m.scale * s_y, s_f)
    return Gradient(
        conventional=0,
        residual=ratio(rho, var_f),
        label=-ratio(ratio(m.var_r, var_f), s_f * s_y),
    )


def one_minus_concordance_gradient(m: Moments) -> Gradient:
    """Gradient of `one_minus_concordance`; ``conventional`` multiplies 1, not a slope.

    With D = `concordance_scale` and CCC = 2 scale Var(y) / D it is

        2 (CCC (mean(d) + r_i) + (slope - (1 - CCC) scale) (y_i - mean(y))) / (N D),

    where slope - (1 - CCC) scale = CCC scale - 1; the mean of the two is weighed towards the one
    with the smaller terms.
    """
    size = concordance_scale(m)
    concordance = ratio(2 * m.scale * m.var_y, size)
    share = 1 / (1 + abs(m.slope))
    near, far = m.slope - one_minus_concordance(m) * m.scale, concordance * m.scale - 1
    return Gradient(
        conventional=ratio(2 * concordance * m.mean_d, size),
        residual=ratio(2 * concordance, size),
        label=ratio(2 * (share * near + (1 - share) * far), size),
    )


def sub_losses_gradient(m: Moments, resolved: Moments, weights: Any, xp: Any) -> Gradient:
    """Gradient of a function of the three `sub_losses`, given its derivatives in them.

    For the aggregation in log form these ``weights`` are p_k / L_k, with p_k from `kl_dro_tilt`.
    """
    by_conventional, by_variance, by_pearson = weights
    variance = error_variance_gradient(m)
    pearson = one_minus_pearson_gradient(resolved, xp)
    return Gradient(
        conventional=by_conventional,
        residual=by_variance * variance.residual + by_pearson * pearson.residual,
        label=by_variance * variance.label + by_pearson * pearson.label,
    )
