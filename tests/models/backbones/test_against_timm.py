"""What timm has, compared with it in one file, because importing it takes long."""

import pytest
import torch

from vreid.models.backbones import inception_resnet, se_resnet
from vreid.params.errors import UserError
from vreid.params.models.backbone import Backbone

timm = pytest.importorskip("timm")


def test_se_resnet_is_timms_legacy_seresnet50_with_its_published_weights(published):
    model = timm.create_model("legacy_seresnet50")
    # Files of before PyTorch 0.4.1 do not count the batches that their statistics have seen.
    file = {n: v for n, v in model.state_dict().items() if not n.endswith("num_batches_tracked")}
    theirs, asked = published(model, file)
    ours = se_resnet.build(Backbone(name="se_resnet50"), last_stride=2).eval()
    images = torch.randn(2, 3, 64, 80)
    with torch.no_grad():
        expected = theirs.forward_features(images)
        assert torch.equal(ours(images), expected)
    assert expected.abs().max() > 0.1
    assert asked == [model.pretrained_cfg["url"]]


@pytest.mark.usefixtures("float64")
def test_inception_resnet_is_timms_with_its_input_brought_to_its_range(published):
    theirs, asked = published(timm.create_model("inception_resnet_v2"))
    ours = inception_resnet.build(Backbone(name="inception_resnet_v2")).eval()
    config = theirs.pretrained_cfg
    pixels = torch.rand(1, 3, 107, 107)

    def normalised(mean, std):
        return (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)

    with torch.no_grad():
        expected = theirs.forward_features(normalised(config["mean"], config["std"]))
        actual = ours(normalised((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    assert torch.allclose(actual, expected)
    assert actual.shape == (1, ours.channels, 2, 2) and expected.abs().max() > 0.1
    assert [url.rpartition("/")[2] for url in asked] == ["inception_resnet_v2-940b1cd6.pth"]


def test_inception_resnet_has_its_published_width_alone():
    with pytest.raises(UserError, match=r"set model\.backbone\.width and depth to 1"):
        inception_resnet.build(Backbone(name="inception_resnet_v2", width=0.5, weights=None))
