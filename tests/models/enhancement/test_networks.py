"""The four networks against the figures and formulas that their papers and releases publish."""

import colorsys

import pytest
import torch
from torch.nn import functional

from vreid.models.enhancement.asv import AsvUnet
from vreid.models.enhancement.build import NETWORKS
from vreid.models.enhancement.enlightengan import EnlightenGan, luma
from vreid.models.enhancement.iat import Iat
from vreid.models.enhancement.retinexnet import DecomNet, RelightNet

NARROW = {"enlightengan": 0.0625, "iat": 0.25, "asv": 0.0625, "retinexnet": 0.125}


def narrow(name):
    torch.manual_seed(0)
    return NETWORKS[name](NARROW[name])


def images(*size, count=2):
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(1))


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("network", "published"),
    [
        (EnlightenGan, 8_636_675),
        (Iat, 91_154),
        (AsvUnet, 4_315_617),
        (DecomNet, 207_748),
        (RelightNet, 347_457),
    ],
)
def test_parameter_counts_are_the_published_ones(network, published):
    assert count(network()) == published


@pytest.mark.parametrize(
    ("network", "names"),
    [
        (
            EnlightenGan,
            "conv1_1.weight bn1_1.running_mean conv5_2.bias bn5_2.weight deconv5.weight conv6_1.weight "
            "deconv8.bias conv9_1.weight bn9_1.num_batches_tracked conv9_2.weight conv10.weight",
        ),
        (
            Iat,
            "local_net.conv1.weight local_net.mul_blocks.2.norm1.color local_net.add_blocks.0.gamma_2 "
            "local_net.add_blocks.1.mlp.fc2.weight local_net.mul_end.0.bias global_net.gamma_base "
            "global_net.color_base global_net.conv_large.proj.4.running_var global_net.generator.attn.q "
            "global_net.generator.attn.proj.bias global_net.generator.norm2.weight "
            "global_net.color_linear.weight",
        ),
        (
            AsvUnet,
            "inc.double_conv.0.weight down4.maxpool_conv.1.double_conv.2.bias up1.conv.double_conv.0.weight "
            "outc.conv.weight",
        ),
        (DecomNet, "net1_conv0.weight net1_convs.8.bias net1_recon.weight"),
        (
            RelightNet,
            "net2_conv0_1.weight net2_conv1_3.bias net2_deconv1_1.weight net2_fusion.weight net2_output.bias",
        ),
    ],
)
def test_tensors_are_named_as_published(network, names):
    assert set(names.split()) <= set(network().state_dict())


def test_the_last_pair_of_enlightengan_is_normalised_once():
    assert not any(name.startswith("bn9_2") for name in EnlightenGan(0.0625).state_dict())


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("size", [(64, 64), (40, 56)])
def test_images_of_any_size_stay_images(name, size):
    before = images(*size)
    after = narrow(name)(before)
    assert after.shape == before.shape
    assert after.min() >= 0 and after.max() <= 1


@pytest.mark.parametrize("name", NARROW)
def test_gradients_are_deterministic_and_reach_every_parameter(name):
    network = narrow(name)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d) and module.bias is not None:
            # Away from clipped outputs and dead ReLUs.
            torch.nn.init.uniform_(module.bias, 0.05, 0.1)
    if name == "iat":
        torch.nn.init.normal_(network.global_net.generator.attn.v.weight)
        for parameter_name, parameter in network.named_parameters():
            if parameter_name.endswith(("gamma_1", "gamma_2")):
                torch.nn.init.constant_(parameter, 0.1)
    mode = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")
    try:
        network.train()(images(40, 40, count=4)).square().sum().backward()
    finally:
        torch.set_deterministic_debug_mode(mode)
    reached = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in network.parameters()]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    # Two and four channels: single ReLUs may be dead.
    assert sum(reached) >= 0.8 * len(reached)


@pytest.mark.usefixtures("float64")
def test_enlightengan_adds_to_its_input_in_proportion_to_darkness():
    network = narrow("enlightengan").eval()
    before = images(32, 32)
    seen = {}
    network.conv10.register_forward_hook(lambda _, __, output: seen.update(latent=output))
    after = network(before)
    attention = 1 - (0.299 * before[:, 0] + 0.587 * before[:, 1] + 0.114 * before[:, 2])[:, None]
    # On [-1, 1] the output is input + latent * attention.
    expected = ((2 * before - 1 + seen["latent"] * attention + 1) / 2).clamp(0, 1)
    assert torch.allclose(after, expected)


@pytest.mark.usefixtures("float64")
def test_enlightengan_is_the_released_network():
    """The forward pass once more, layer by layer."""
    network = narrow("enlightengan").eval()
    before = images(32, 48)
    grey = 1 - luma(before)

    def step(name, x):
        x = functional.leaky_relu(getattr(network, f"conv{name}")(x), 0.2)
        return getattr(network, f"bn{name}")(x) if name != "9_2" else x

    def up(x):
        return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)

    greys = [grey]
    for _ in range(4):
        greys.append(functional.max_pool2d(greys[-1], 2))
    x = torch.cat([before * 2 - 1, grey], 1)
    skips = []
    for level in "1234":
        skips.append(step(f"{level}_2", step(f"{level}_1", x)))
        x = functional.max_pool2d(skips[-1], 2)
    x = step("5_2", step("5_1", x) * greys[4])
    for level, skip in (("6", 3), ("7", 2), ("8", 1), ("9", 0)):
        upper = getattr(network, f"deconv{int(level) - 1}")(up(x))
        x = torch.cat([upper, skips[skip] * greys[skip]], 1)
        x = step(f"{level}_2", step(f"{level}_1", x))
    expected = (before * 2 - 1 + network.conv10(x) * grey + 1) / 2
    assert torch.allclose(network(before), expected.clamp(0, 1))


@pytest.mark.usefixtures("float64")
def test_asv_changes_the_value_of_hsv_alone():
    network = narrow("asv")
    torch.nn.init.constant_(network.outc.conv.bias, 1.2)
    torch.nn.init.zeros_(network.outc.conv.weight)
    before = images(16, 16, count=1) * 0.8
    after = network(before)
    pixels = zip(before[0].flatten(1).T.tolist(), after[0].flatten(1).T.tolist(), strict=True)
    for old, new in pixels:
        hue, saturation, value = colorsys.rgb_to_hsv(*old)
        assert colorsys.rgb_to_hsv(*new) == pytest.approx((hue, saturation, 1.2 * value), abs=1e-5)


@pytest.mark.usefixtures("float64")
def test_asv_reads_the_value_alone():
    network = narrow("asv")
    before = images(16, 16, count=1)
    value = before.amax(1, keepdim=True)
    assert torch.allclose(network(before), (before * network.factor(value)).clamp(0, 1))


@pytest.mark.usefixtures("float64")
def test_iat_is_its_formula():
    network = narrow("iat").eval()
    torch.nn.init.normal_(network.global_net.generator.attn.v.weight)
    before = images(24, 24)
    factor, summand = network.local_net(before)
    gamma, colour = network.global_net(before)
    after = network(before)
    factor, summand, gamma, colour = (part.detach() for part in (factor, summand, gamma, colour))
    for number in range(2):
        for y, x in ((0, 0), (5, 17), (23, 23)):
            pixel = before[number, :, y, x] * factor[number, :, y, x] + summand[number, :, y, x]
            mixed = torch.tensor([float((colour[number, row] * pixel).sum()) for row in range(3)])
            expected = mixed.clamp(1e-8, 1) ** gamma[number]
            assert torch.allclose(after[number, :, y, x], expected)


@pytest.mark.usefixtures("float64")
def test_iat_s_global_branch_starts_by_changing_nothing():
    gamma, colour = narrow("iat").eval().global_net(images(16, 16))
    assert torch.allclose(gamma, torch.ones(2, 1))
    assert torch.allclose(colour, torch.eye(3).expand(2, 3, 3))


@pytest.mark.usefixtures("float64")
def test_retinexnet_is_reflectance_times_new_illumination():
    network = narrow("retinexnet")
    torch.nn.init.constant_(network.relight.net2_output.bias, 0.5)
    before = images(24, 40)
    reflectance, illumination = network.decom(before)
    assert reflectance.shape == (2, 3, 24, 40) and illumination.shape == (2, 1, 24, 40)
    assert reflectance.min() >= 0 and illumination.max() <= 1
    relit = network.relight(reflectance, illumination)
    assert relit.shape == illumination.shape
    assert torch.allclose(network(before), (reflectance * relit).clamp(0, 1))
