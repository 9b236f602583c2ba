"""The network of the SE-DenseNet paper: "... Based on Optimized DenseNet121 with Joint Loss"."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from vreid.models.backbones.densenet import densenet_parts
from vreid.models.layers.neck import BatchNormNeck
from vreid.models.layers.squeeze_excitation import SqueezeExcitation
from vreid.models.output import Output
from vreid.params.models.se_densenet import SeDenseNet as SeDenseNetConfig


class SeDenseNet(nn.Module):
    """DenseNet with an SE block after each dense block and a mid-level feature (sec. 3.2, Fig. 2).

    `se` puts the four SE blocks between a dense block and what follows it; `mid_features` makes
    the representation f the concatenation of GAP(SE3) and GAP(SE4), 1024 + 1024 numbers at the
    published width. Without both it is the paper's baseline, the original DenseNet121 and its 1024
    numbers. The neck makes f_b and the scores of f: the triplet loss takes f, the identity loss the
    scores.

    The paper does not say how SE4 and DenseNet's last normalisation (norm5 and its ReLU) share the
    end of the network. `se4_norm5` says where norm5 goes: "after" SE4 (the default: the block then
    follows its dense block directly, as the other three do), "before" it, or "none" for no norm5.
    The mid-level feature is the mean of SE3's output as it is, by Eq. 2.
    """

    def __init__(self, config: SeDenseNetConfig, classes: int) -> None:
        super().__init__()
        parts = densenet_parts(config.backbone)
        self.stem = parts.stem
        self.denseblock1, self.denseblock2, self.denseblock3, self.denseblock4 = parts.blocks
        self.transition1, self.transition2, self.transition3 = parts.transitions
        self.se1, self.se2, self.se3, se4 = (
            SqueezeExcitation(channels, config.se_reduction) if config.se else nn.Identity()
            for channels in parts.channels
        )
        self.tail = _tail(se4, parts.norm5, config.se4_norm5)
        self.mid_features = config.mid_features
        _, _, middle, high = parts.channels
        self.neck = BatchNormNeck(middle + high if config.mid_features else high, classes)

    def forward(self, images: Tensor) -> Output:
        """Return the `Output` of normalised `images` (B, 3, H, W), H and W at least 32 pixels."""
        features = self.stem(images)
        features = self.transition1(self.se1(self.denseblock1(features)))
        features = self.transition2(self.se2(self.denseblock2(features)))
        middle = self.se3(self.denseblock3(features))
        high = self.tail(self.denseblock4(self.transition3(middle)))
        pooled = [_gap(middle), _gap(high)] if self.mid_features else [_gap(high)]
        feature = torch.cat(pooled, dim=1)
        normalised, logits = self.neck(feature)
        return Output(logits, (feature,), before_neck=feature, after_neck=normalised)


def build(config: SeDenseNetConfig, classes: int) -> SeDenseNet:
    """Return the model for `classes` identities; see `vreid.models.factory.build_model`."""
    return SeDenseNet(config, classes)


def _tail(se4: nn.Module, norm5: nn.Module, place: str) -> nn.Sequential:
    norm = [("norm5", norm5), ("relu5", nn.ReLU(inplace=True))]
    order: dict[str, list[tuple[str, nn.Module]]] = {
        "after": [("se4", se4), *norm],
        "before": [*norm, ("se4", se4)],
        "none": [("se4", se4)],
    }
    return nn.Sequential(OrderedDict(order[place]))


def _gap(features: Tensor) -> Tensor:
    # A mean, because AdaptiveAvgPool2d has no deterministic gradient on a GPU. In float32, because
    # what is pooled is the embedding: from here on nothing is rounded to bfloat16.
    return features.mean(dim=(2, 3), dtype=torch.float32)
