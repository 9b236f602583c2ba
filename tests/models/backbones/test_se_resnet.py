import pytest
import torch

from vreid.models.backbones.se_resnet import SeBottleneck, build


def test_shapes_and_stride(narrow):
    torch.manual_seed(0)
    images = torch.randn(2, 3, 64, 64)
    one, two = build(narrow("se_resnet50"), 1).eval(), build(narrow("se_resnet50"), 2).eval()
    two.load_state_dict(one.state_dict())
    assert one(images).shape == (2, 256, 4, 4)
    assert two(images).shape == (2, 256, 2, 2)
    # The Caffe network's stride is that of the first convolution of a block.
    assert one.layer3[0].conv1.stride == (2, 2) and one.layer3[0].conv2.stride == (1, 1)


def test_parameters_are_those_of_resnet_and_of_sixteen_se_blocks(narrow):
    # ResNet-50 without its classifier has 23,508,032 (test_resnet.py counts them).
    def se(channels):
        hidden = channels // 16
        return channels * hidden + hidden + hidden * channels + channels

    blocks = 3 * se(256) + 4 * se(512) + 6 * se(1024) + 3 * se(2048)
    network = build(narrow("se_resnet50", 1.0), 1)
    assert sum(p.numel() for p in network.parameters()) == 23_508_032 + blocks
    assert sum(isinstance(module, SeBottleneck) for module in network.modules()) == 16


def test_shallow_has_fewer_blocks_in_each_layer(narrow):
    # A third of 3, 4, 6 and 3.
    network = build(narrow("se_resnet50", 0.25, 0.33), 1)
    layers = (network.layer1, network.layer2, network.layer3, network.layer4)
    assert [len(layer) for layer in layers] == [1, 1, 2, 1]
    assert network(torch.randn(2, 3, 64, 64)).shape == (2, 512, 4, 4)


@pytest.mark.usefixtures("float64")
def test_a_block_weights_its_branch_and_adds_the_shortcut():
    torch.manual_seed(0)
    block = SeBottleneck(24, 8, stride=2, project=True).eval()
    x = torch.randn(2, 24, 6, 6)
    branch = block.bn1(torch.nn.functional.conv2d(x, block.conv1.weight, stride=2)).clamp(min=0)
    branch = block.bn2(torch.nn.functional.conv2d(branch, block.conv2.weight, padding=1)).clamp(min=0)
    branch = block.bn3(torch.nn.functional.conv2d(branch, block.conv3.weight))
    z = branch.mean(dim=(2, 3))
    se = block.se_module
    hidden = (z @ se.fc1.weight[:, :, 0, 0].T + se.fc1.bias).clamp(min=0)
    scale = 1 / (1 + torch.exp(-(hidden @ se.fc2.weight[:, :, 0, 0].T + se.fc2.bias)))
    shortcut = block.downsample[1](
        x[:, :, ::2, ::2]
        .permute(0, 2, 3, 1)
        .matmul(block.downsample[0].weight[:, :, 0, 0].T)
        .permute(0, 3, 1, 2)
    )
    expected = (torch.einsum("bchw,bc->bchw", branch, scale) + shortcut).clamp(min=0)
    assert torch.allclose(block(x), expected)


def test_gradients_reach_every_parameter(narrow):
    torch.manual_seed(0)
    network = build(narrow("se_resnet50", 0.25), 1)
    network(torch.randn(4, 3, 64, 64)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        if "bias" not in name:
            assert parameter.grad.abs().sum() > 0, name
