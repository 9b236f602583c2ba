"""A recipe of a few tiny pictures, for the tests of pretraining."""

from vreid.params.pretrain import Pretrain
from vreid.params.read import validate

TINY = {
    "cameras": 2,
    "cameras_per_id": 2,
    "images_per_camera": 1,
    "supersampling": 1,
    "night": 0.0,
    "dusk": 0.0,
    "glare": 0.0,
    "occlusion": 0.0,
    "low_resolution": 0.0,
    "image_size": 32,
    "train_ids": 2,
    "test_ids": 3,
}
RECIPE = {
    "worlds": {
        "ground": {
            "like": "veri776",
            "render": {**TINY, "style": "surveillance", "models": 2, "twins": 0.0, "seed": 2_000_001},
        },
        "spectra": {
            "like": "rgbnt100",
            "render": {**TINY, "style": "surveillance", "models": 2, "twins": 0.0, "seed": 2_000_002},
        },
    },
    "backbones": {
        "resnet50": {"width": 0.0625, "depth": 1.0, "size": 32},
        "mobilenet_v2": {"width": 0.125, "depth": 0.33, "size": 32, "epochs": 1},
    },
    "training": {
        "seed": 0,
        "scale": 8.0,
        "margin": 0.1,
        "helpers": 0.5,
        "sampler": {"name": "shuffle", "images": 16},
        "optimizer": {"name": "adam", "lr": 0.01},
        "schedule": {"name": "cosine", "epochs": 2},
        "augment": [{"name": "flip", "p": 0.5}],
    },
}


def tiny_recipe():
    return validate(Pretrain, RECIPE, "a test")
