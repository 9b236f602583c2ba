"""Small worlds that render in a second, and what several tests ask of a mesh."""

from collections import Counter
from typing import Any

import numpy as np

from vreid.params.render import RenderSpec


def small_spec(**changes: Any) -> RenderSpec:
    settings: dict[str, Any] = {
        "style": "surveillance", "train_ids": 2, "test_ids": 2, "cameras": 3, "cameras_per_id": 2,
        "images_per_camera": 2, "models": 3, "twins": 1.0, "image_size": 24, "supersampling": 1,
        "night": 0.0, "dusk": 0.0, "glare": 0.0, "occlusion": 0.0, "low_resolution": 0.0, "seed": 7,
    }  # fmt: skip
    return RenderSpec(**(settings | changes))


def assert_closed(mesh):
    """Each edge belongs to two faces, which run along it in opposite directions."""
    edges = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    count = Counter(map(tuple, edges.tolist()))
    assert all(times == 1 and count[b, a] == 1 for (a, b), times in count.items())
