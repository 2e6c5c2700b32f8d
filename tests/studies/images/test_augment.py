"""Random views: ranges of what is drawn, and colours beside Python's colorsys and Pillow."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from torch import Tensor

from gar_verify.studies.images import augment

SIZES = torch.tensor([[30, 40], [224, 224], [100, 20]]).repeat(400, 1)


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 4, side: int = 16) -> Tensor:
    return torch.rand(n, 3, side, side, generator=source(1))


def one(value: float) -> Tensor:
    return torch.full((1, 1, 1, 1), value)


def test_crops_lie_within_the_image_and_have_the_published_areas_and_ratios() -> None:
    x, y, width, height = augment.random_boxes(SIZES, source()).T
    for centre, side in ((x, width), (y, height)):
        assert (centre - side / 2 >= -1e-9).all()
        assert (centre + side / 2 <= 1 + 1e-9).all()
    area = (width * height)[:-1]
    square = SIZES[:, 0] == 224
    assert 0.2 <= area[square[:-1]].min() < 0.25
    assert 0.9 < area[square[:-1]].max() <= 1
    ratio = (width * SIZES[:, 1] / (height * SIZES[:, 0]))[square]
    assert 3 / 4 <= ratio.min() < 0.8
    assert 1.25 < ratio.max() <= 4 / 3
    assert area[square[:-1]].mean() == pytest.approx(0.57, abs=0.04)


def test_an_image_that_no_crop_fits_is_cut_centrally() -> None:
    box = augment.random_boxes(torch.tensor([[1000, 10]]), source())[0]
    torch.testing.assert_close(box[:3], torch.tensor([0.5, 0.5, 1.0], dtype=torch.float64))
    assert 10 / (box[3] * 1000) == pytest.approx(3 / 4)
    wide = augment.random_boxes(torch.tensor([[10, 1000]]), source())[0]
    assert wide[2] * 1000 / 10 == pytest.approx(4 / 3)


def test_contrast_is_that_of_each_image_alone() -> None:
    images, factor = pictures(2) * torch.tensor([0.2, 1.0])[:, None, None, None], one(0.6)
    alone = torch.cat([augment.contrast(image[None], factor) for image in images])
    torch.testing.assert_close(augment.contrast(images, factor), alone)


def test_a_crop_of_everything_is_the_image_and_a_negative_width_mirrors() -> None:
    images = pictures()
    whole = torch.tensor([[0.5, 0.5, 1.0, 1.0]]).repeat(4, 1)
    torch.testing.assert_close(augment.crop(images, whole, 16), images)
    mirrored = augment.crop(images, whole * torch.tensor([1, 1, -1, 1]), 16)
    torch.testing.assert_close(mirrored, images.flip(-1))
    upper_right = torch.tensor([[0.75, 0.25, 0.5, 0.5]]).repeat(4, 1)
    torch.testing.assert_close(augment.crop(images, upper_right, 8), images[:, :, :8, 8:])


def test_the_central_view_is_a_square_of_the_image_as_it_was() -> None:
    images, sizes = pictures(), torch.tensor([[16, 32]] * 4)
    view = augment.central_view(images, sizes, 14)
    columns = augment.crop(images, torch.tensor([[0.5, 0.5, 7 / 16, 7 / 8]] * 4), 14)
    torch.testing.assert_close(view, (columns - 0.5) / 0.5)


def test_hue_is_that_of_colorsys() -> None:
    images, turn = pictures(1, 6), 0.07
    turned = augment.hue(images, one(turn))
    for pixel, found in zip(
        images[0].flatten(1).T.tolist(), turned[0].flatten(1).T.tolist(), strict=True
    ):
        h, s, v = colorsys.rgb_to_hsv(*pixel)
        assert found == pytest.approx(colorsys.hsv_to_rgb((h + turn) % 1, s, v), abs=1e-5)
    grey = torch.full((1, 3, 2, 2), 0.3)
    torch.testing.assert_close(augment.hue(grey, one(0.1)), grey)


@pytest.mark.parametrize(
    ("change", "enhancer"),
    [("brightness", "Brightness"), ("contrast", "Contrast"), ("saturation", "Color")],
)
@pytest.mark.parametrize("factor", [0.6, 1.4])
def test_other_jitters_are_those_of_pillow(change: str, enhancer: str, factor: float) -> None:
    image, enhance = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageEnhance")
    levels = (pictures(1)[0] * 255).round()
    picture = image.fromarray(levels.permute(1, 2, 0).numpy().astype(np.uint8))
    theirs = np.asarray(getattr(enhance, enhancer)(picture).enhance(factor), dtype=float)
    ours = getattr(augment, change)(levels[None] / 255, one(factor))[0] * 255
    assert np.abs(ours.permute(1, 2, 0).numpy() - theirs).max() < 2.5  # it rounds in between


def test_views_differ_by_seed_only_and_stay_in_range() -> None:
    images, sizes = pictures(200), torch.tensor([[16, 16]] * 200)
    first, again, other = (augment.random_view(images, sizes, 12, source(s)) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (200, 3, 12, 12)
    assert first.min() >= -1
    assert first.max() <= 1


def test_shares_of_grey_jittered_and_mirrored_views(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 600
    sizes = torch.tensor([[16, 16]] * n)
    ramp = (
        torch.linspace(0.4, 0.6, 16).expand(n, 3, 16, 16)
        * torch.tensor([1.2, 1, 0.8])[:, None, None]
    )
    views = augment.random_view(ramp, sizes, 16, source())
    grey = ((views.amax(1) - views.amin(1)).amax((-2, -1)) < 1e-6).float().mean()
    assert grey == pytest.approx(0.2, abs=0.05)
    mirrored = (views[:, 0, :, 0] > views[:, 0, :, -1]).float().mean()
    assert mirrored == pytest.approx(0.5, abs=0.1)
    monkeypatch.setattr(augment, "random_boxes", lambda *_: torch.tensor([[0.5, 0.5, 1, 1]] * n))
    monkeypatch.setattr(augment, "GREY", 0.0)
    plain = augment.random_view(ramp, sizes, 16, source())
    same = ((plain.abs() - augment.normalise(ramp).abs()).abs().amax((1, 2, 3)) < 1e-5) | (
        (plain.flip(-1) - augment.normalise(ramp)).abs().amax((1, 2, 3)) < 1e-5
    )
    assert 1 - same.float().mean() == pytest.approx(0.8, abs=0.05)


def test_jitter_keeps_to_its_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, Tensor] = {}

    def noted(name: str) -> None:
        def change(images: Tensor, amount: Tensor) -> Tensor:
            drawn[name] = amount.ravel()
            return images

        monkeypatch.setattr(augment, name, change)

    for name in augment.JITTER:
        noted(name)
    augment._jitter(pictures(500, 2), source())
    for name, (low, high) in {
        **dict.fromkeys(("brightness", "contrast", "saturation"), (0.6, 1.4)),
        "hue": (-0.1, 0.1),
    }.items():
        reach = high - low
        assert low <= drawn[name].min() < low + 0.05 * reach
        assert high - 0.05 * reach < drawn[name].max() <= high
