"""The residual network: torchvision's parameters by name and number, and what it computes."""

from __future__ import annotations

import pytest
import torch

from gar_verify.studies.images.resnet import ResNet, resnet18


def test_resnet18_has_the_names_and_shapes_of_torchvision() -> None:
    state = resnet18(outputs=1000).state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    assert len(shapes) == 122
    assert shapes["conv1.weight"] == (64, 3, 7, 7)
    assert shapes["layer1.0.conv1.weight"] == (64, 64, 3, 3)
    assert shapes["layer2.0.downsample.0.weight"] == (128, 64, 1, 1)
    assert shapes["layer2.0.downsample.1.running_var"] == (128,)
    assert shapes["layer4.1.bn2.num_batches_tracked"] == ()
    assert shapes["fc.weight"] == (1000, 512)
    assert "layer1.0.downsample.0.weight" not in shapes


def test_it_computes_what_torchvision_does() -> None:
    try:
        import torchvision
    except (ImportError, RuntimeError) as error:  # its wheel fails beside another build of torch
        pytest.skip(f"torchvision cannot be imported: {error}")
    theirs, ours = torchvision.models.resnet18(), resnet18(outputs=1000)
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours(images)[0], theirs(images))
    for name, value in theirs.state_dict().items():  # running means moved alike
        torch.testing.assert_close(ours.state_dict()[name], value)


def test_a_block_is_two_convolutions_beside_a_short_cut() -> None:
    network = ResNet((2, 4), (1, 1), channels=1, kernel=3).eval()
    block, x = network.layer2[0], torch.randn(3, 2, 6, 6)
    conv = torch.nn.functional.conv2d
    inside = conv(x, block.conv1.weight, stride=2, padding=1) / (1 + 1e-5) ** 0.5
    inside = conv(inside.clamp(min=0), block.conv2.weight, padding=1) / (1 + 1e-5) ** 0.5
    shortcut = conv(x, block.downsample[0].weight, stride=2) / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(block(x), (inside + shortcut).clamp(min=0))


def test_predictions_are_linear_in_the_features_that_are_returned() -> None:
    network = ResNet((2, 4), (2, 1), channels=1, outputs=3, kernel=3)
    prediction, features = network(torch.randn(5, 1, 28, 28))
    assert features.shape == (5, 4)
    assert prediction.shape == (5, 3)
    torch.testing.assert_close(prediction, features @ network.fc.weight.T + network.fc.bias)
    assert len(network.layer1) == 2


def test_convolutions_begin_with_the_spread_of_he() -> None:
    weight = resnet18().conv1.weight  # to 64 channels by 7 x 7 pixels, from three
    assert weight.std().item() == pytest.approx((2 / (64 * 49)) ** 0.5, rel=0.03)


def test_widths_without_depths_are_refused() -> None:
    with pytest.raises(ValueError, match="one depth is needed for each width"):
        ResNet((8, 16), (1,))
