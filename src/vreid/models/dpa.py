"""The networks of the DpA paper, "A novel dual-pooling attention module for UAV vehicle ..."."""

import torch
from torch import Tensor, nn

from vreid.models.backbones.resnet import resnet50_parts
from vreid.models.layers.cbam import Cbam
from vreid.models.layers.coordinate_attention import CoordinateAttention
from vreid.models.layers.cosine_classifier import CosineClassifier
from vreid.models.layers.dual_pooling import DualPoolingAttention
from vreid.models.layers.gem import GeM
from vreid.models.layers.neck import BatchNormNeck
from vreid.models.layers.non_local import NonLocal
from vreid.models.layers.squeeze_excitation import SqueezeExcitation
from vreid.models.output import Output
from vreid.params.models.dpa import Dpa as DpaConfig


class Dpa(nn.Module):
    """ResNet-50 with attention after its stages, pooling, neck and classifier (Fig. 2; Tables 3 to 6).

    Without attention it is the paper's baseline. The submodules `conv3_attention`, `conv4_attention` and
    `conv5_attention` are there in every variant, the identity where nothing is put, so that heat maps can
    look at the same place in all of them.
    """

    def __init__(self, config: DpaConfig, classes: int) -> None:
        super().__init__()
        parts = resnet50_parts(config.backbone, config.last_stride)
        self.stem = parts.stem
        self.layer1, self.layer2, self.layer3, self.layer4 = parts[1:5]
        channels = parts.channels[-1]
        self.pool = GeM(config.gem_p, config.gem_learnable) if config.pooling == "gem" else _Average()
        self.neck = BatchNormNeck(channels, classes)
        if config.classifier == "cosine":
            self.neck.classifier = CosineClassifier(channels, classes)
        self.metric_after_neck = config.metric_feature == "after_neck"
        # Last, so that with one seed all variants start from the same backbone and classifier.
        self.conv3_attention, self.conv4_attention, self.conv5_attention = _attentions(config, parts.channels)

    def forward(self, images: Tensor) -> Output:
        """Return the `Output` of normalised `images` (B, 3, H, W).

        Raises:
            UserError: there is spatial-pooling attention, and H x W is not `model.input_size`.
        """
        feature = self._pooled(images)
        normalised, logits = self.neck(feature)
        embedding = normalised if self.metric_after_neck else feature
        return Output(logits, (embedding,), before_neck=feature, after_neck=normalised)

    def scores(self, images: Tensor) -> Tensor:
        """Return the classifier's scores (B, classes) of normalised `images`, in eval mode as well."""
        scores: Tensor = self.neck.classifier(self.neck.norm(self._pooled(images)))
        return scores

    def _pooled(self, images: Tensor) -> Tensor:
        features = self.layer1(self.stem(images))
        features = self.conv3_attention(self.layer2(features))
        features = self.conv4_attention(self.layer3(features))
        pooled: Tensor = self.pool(self.conv5_attention(self.layer4(features)))
        return pooled


def build(config: DpaConfig, classes: int) -> Dpa:
    """Return the model for `classes` identities; see `vreid.models.factory.build_model`."""
    return Dpa(config, classes)


class _Average(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return features.mean(dim=(2, 3), dtype=torch.float32)


def _attentions(config: DpaConfig, channels: tuple[int, int, int, int]) -> list[nn.Module]:
    """Return what follows conv3_x, conv4_x and conv5_x."""
    kinds = (config.attention.conv3, config.attention.conv4, config.attention.conv5)
    halvings = (3, 4, 5 if config.last_stride == 2 else 4)
    return [
        _attention(kind, of, _map_size(config.input_size, times), config)
        for kind, of, times in zip(kinds, channels[1:], halvings, strict=True)
    ]


def _map_size(input_size: tuple[int, int], halvings: int) -> tuple[int, int]:
    """Return (height, width) of the map after strided layers, each of which halves and rounds up."""
    height, width = (-(-pixels // 2**halvings) for pixels in input_size)
    return height, width


def _attention(kind: str | None, channels: int, size: tuple[int, int], config: DpaConfig) -> nn.Module:
    if kind in ("cpa", "spa", "dpa"):
        return DualPoolingAttention(kind, channels, size, config.dual_pooling)
    if kind == "se":
        return SqueezeExcitation(channels, config.reductions.se)
    if kind == "non_local":
        return NonLocal(channels, config.reductions.non_local)
    if kind == "cbam":
        return Cbam(channels, config.reductions.cbam)
    if kind == "ca":
        return CoordinateAttention(channels, config.reductions.ca)
    return nn.Identity()
