"""Builds an enhancement network by its name, with its weights."""

from torch import nn

from vreid.models.enhancement.asv import AsvUnet
from vreid.models.enhancement.enlightengan import EnlightenGan
from vreid.models.enhancement.iat import Iat
from vreid.models.enhancement.retinexnet import RetinexNet
from vreid.models.published import fill, load_published
from vreid.models.weights import load_rendered
from vreid.params.models.alsa import Enhancer, Retinex, RetinexFiles
from vreid.params.models.backbone import rendered_name

NETWORKS = {"enlightengan": EnlightenGan, "iat": Iat, "asv": AsvUnet, "retinexnet": RetinexNet}


def build_enhancer(config: Enhancer | Retinex) -> nn.Module:
    """Return the network that `config` names; its `forward` maps (B, 3, H, W) in [0, 1] to the same.

    Without weights they are drawn from torch's generator. A frozen one's parameters ask for no gradient.

    Raises:
        UserError: the weights cannot be had, or a layer would have no whole number of channels.
    """
    network: nn.Module = NETWORKS[config.name](config.width)
    weights = config.weights
    if weights == "rendered":
        stand_in = load_rendered(config.name, config.width, maker="pretrain-enhancement")
        fill(network, stand_in, rendered_name(config.name, config.width))
    elif isinstance(weights, RetinexFiles) and isinstance(network, RetinexNet):
        load_published(network.decom, weights.decom)
        load_published(network.relight, weights.relight)
    elif weights is not None and not isinstance(weights, RetinexFiles):
        load_published(network, weights)
    return network.requires_grad_(not config.frozen)
