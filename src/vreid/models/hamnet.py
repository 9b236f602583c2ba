"""The networks of the HAMNet paper: one stream for each spectrum, and what brings the streams together."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from vreid.models.backbones.build import build_backbone
from vreid.models.comparators.abd import Abd
from vreid.models.comparators.mgn import Mgn
from vreid.models.comparators.pcb import Pcb
from vreid.models.layers.class_aware_fusion import fused_map, released_fusion
from vreid.models.layers.stripes import pooled
from vreid.models.output import Output
from vreid.params.errors import UserError
from vreid.params.models import hamnet as config_of
from vreid.params.models.backbone import Backbone
from vreid.params.models.hamnet import HamNet as HamNetConfig


class HamNet(nn.Module):
    """m streams with their class activation maps (sec. "Heterogeneity-Collaboration Aware ...", Fig. 5).

    Stream j has a backbone of its own, F^j its last feature map, M^j = W^j F^j the maps of the classes, a
    1 x 1 convolution without bias, and S^j = GAP(M^j) the scores (Eq. 1). With `class_aware` the fused map
    (Eq. 7 to 11), computed for every class, gives one more set of scores. So the sum over `logits` of the
    cross-entropy is L_msid (Eq. 4), or L_msid + L_caid (Eq. 12 and 13); L_hsc is a loss on `streams`.

    With one stream it is the paper's one-stream network, with several and without fusion its MSN. The
    representation is the sum of the streams' GAP(F^j), in the fused network too: the paper names no other.
    """

    def __init__(self, backbone: Backbone, streams: int, classes: int, *, class_aware: bool) -> None:
        super().__init__()
        self.backbones, channels = _backbones(backbone, streams)
        self.cams = _cams(channels, streams, classes)
        for cam in self.cams.parameters():
            nn.init.normal_(cam, std=0.001)
        self.class_aware = class_aware

    def forward(self, images: Tensor) -> Output:
        """Return the `Output` of normalised `images` (B, m, 3, H, W), or (B, 3, H, W) where m is 1.

        Its embeddings are the streams' GAP(F^j), (B, d) each.
        """
        maps = _each(self.backbones, images)
        features = _gap(maps)
        total = torch.stack(features).sum(dim=0)
        if not self.training:
            return Output((), features, before_neck=total, after_neck=total)
        activations = _activations(self.cams, maps)
        scores = activations.mean(dim=(3, 4)).unbind(0)
        fused = (fused_map(activations).mean(dim=(2, 3)),) if self.class_aware else ()
        return Output((*scores, *fused), features, before_neck=total, after_neck=total, streams=scores)


class ReleasedHamNet(nn.Module):
    """The network of the authors' released code, for any number of streams; the released file has two.

    A batch-normalisation neck stands on each stream's GAP(F^j). One linear classifier, shared by the streams,
    scores what comes out; the class activation maps come from convolutions that serve for the fusion alone
    (`released_fusion`), whose scores are one more set of logits and of embeddings. The representation is
    the mean of the streams' vectors with the fusion's weights, before or after the necks.

    The released backbone lacks the ReLU after ResNet's first normalisation, which here it has; and where two
    spectra's activations are equal to the last bit the released maximum is 0.
    """

    def __init__(self, backbone: Backbone, streams: int, classes: int) -> None:
        super().__init__()
        self.backbones, channels = _backbones(backbone, streams)
        self.cams = _cams(channels, streams, classes)
        necks = [nn.BatchNorm1d(channels) for _ in range(streams)]
        for neck in necks:
            neck.bias.requires_grad_(False)
        self.necks = nn.ModuleList(necks)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Output:
        """Return the `Output` of normalised `images` (B, m, 3, H, W)."""
        maps = _each(self.backbones, images)
        fusion = released_fusion(_activations(self.cams, maps))
        before = torch.stack(_gap(maps))
        with torch.autocast(images.device.type, enabled=False):
            after = torch.stack([neck(feature) for neck, feature in zip(self.necks, before, strict=True)])
            scores = tuple(self.classifier(after).unbind(0)) if self.training else ()
        weights = fusion.weights[:, :, None]
        return Output(
            logits=(*scores, fusion.scores) if self.training else (),
            embeddings=(*after.unbind(0), fusion.scores),
            before_neck=(weights * before).sum(dim=0),
            after_neck=(weights * after).sum(dim=0),
            streams=scores,
        )


class SummedStreams(nn.Module):
    """Networks for one spectrum each, trained side by side; their representations are summed (Table 4).

    Losses are summed over the streams' logits, embeddings and penalties, and no stream's loss depends on
    another's weights. So the gradients are those of as many separate trainings on the same batches.
    """

    def __init__(self, streams: Iterable[nn.Module]) -> None:
        super().__init__()
        self.streams = nn.ModuleList(streams)

    def forward(self, images: Tensor) -> Output:
        """Return the `Output` of normalised `images` (B, m, 3, H, W), or (B, 3, H, W) where m is 1."""
        outputs: list[Output] = _each(self.streams, images)
        return Output(
            logits=tuple(scores for output in outputs for scores in output.logits),
            embeddings=tuple(embedding for output in outputs for embedding in output.embeddings),
            before_neck=torch.stack([output.before_neck for output in outputs]).sum(dim=0),
            after_neck=torch.stack([output.after_neck for output in outputs]).sum(dim=0),
            penalties=tuple(penalty for output in outputs for penalty in output.penalties),
        )


def build(config: HamNetConfig, classes: int) -> nn.Module:
    """Return the model for `classes` identities; see `vreid.models.factory.build_model`."""
    head, backbone, streams = config.head, config.backbone, config.streams
    if isinstance(head, config_of.Ide):
        return HamNet(backbone, streams, classes, class_aware=head.class_aware)
    if isinstance(head, config_of.Released):
        return ReleasedHamNet(backbone, streams, classes)
    if isinstance(head, config_of.Pcb):
        return SummedStreams(Pcb(backbone, head, classes) for _ in range(streams))
    if isinstance(head, config_of.Mgn):
        return SummedStreams(Mgn(backbone, classes) for _ in range(streams))
    return SummedStreams(Abd(backbone, head, classes) for _ in range(streams))


def _backbones(backbone: Backbone, streams: int) -> tuple[nn.ModuleList, int]:
    """Return as many separate backbones as streams, and the channels of each one's feature map."""
    built = [build_backbone(backbone, last_stride=1) for _ in range(streams)]
    channels: Any = built[0].channels
    return nn.ModuleList(built), channels


def _cams(channels: int, streams: int, classes: int) -> nn.ModuleList:
    return nn.ModuleList(nn.Conv2d(channels, classes, kernel_size=1, bias=False) for _ in range(streams))


def _each(streams: nn.ModuleList, images: Tensor) -> list[Any]:
    """Return what each stream makes of its spectrum, (B, 3, H, W).

    Raises:
        UserError: there are not as many spectra as streams.
    """
    spectra = (images,) if images.dim() == 4 else images.unbind(1)
    if len(spectra) != len(streams):
        raise UserError(
            f"model.streams is {len(streams)}, but the images have {len(spectra)} spectra: give "
            "model.streams the number of names in input.spectra"
        )
    return [stream(spectrum) for stream, spectrum in zip(streams, spectra, strict=True)]


def _gap(maps: list[Tensor]) -> tuple[Tensor, ...]:
    return tuple(pooled(features, "average") for features in maps)


def _activations(cams: nn.ModuleList, maps: list[Tensor]) -> Tensor:
    """Return the class activation maps M (m, B, C, h, w), float32, of the feature maps (B, d, h, w)."""
    with torch.autocast(maps[0].device.type, enabled=False):
        return torch.stack([cam(features.float()) for cam, features in zip(cams, maps, strict=True)])
