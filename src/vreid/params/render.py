"""How a dataset is rendered: everything that a preset may choose about the rendered world.

The measured recipe behind it (which share of night, how many models) is data of the presets; nothing
here has a default, so that a preset says all that it renders.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vreid.params.strict import Strict

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0)]
Style = Literal["surveillance", "uav", "product"]

PAINT_COUNT = 12  # the paints of vreid.synthetic.vehicles; a test keeps the two equal


class RenderSpec(Strict):
    """One rendered dataset: who is seen, by how many cameras, how often, and under what conditions.

    Images: `(train_ids + test_ids) * cameras_per_id * images_per_camera`. Both splits see the same
    cameras and the same vehicle models; no identity is in both.
    """

    style: Style
    """`surveillance`: cameras beside a road, crops in their own aspect. `uav`: 25-60 m above ground at 40-89
    degrees, free rotation, square crops. `product`: photographs of parked cars at eye level, where an
    identity is a vehicle model and paint and details change from picture to picture (Cars196)."""
    train_ids: Annotated[int, Field(ge=2)]
    test_ids: Annotated[int, Field(ge=2)]
    cameras: Count
    """Cameras (UAV: flights; product: places). Each owns background, distance, direction, white balance."""
    cameras_per_id: Count
    """Cameras that see an identity, drawn anew for each."""
    images_per_camera: Count
    """Images of an identity in one camera: one passage, under one light."""
    models: Count
    """Distinct vehicle models. Fewer is harder: more identities differ in paint or details alone."""
    twins: Share
    """Share of each split's identities that have a twin: same model and paint, other details. No other two
    identities of a split share model and paint."""
    image_size: Annotated[int, Field(ge=16, le=1024)]
    """Longer side of an image in pixels (of one spectrum, where several stand side by side)."""
    supersampling: Annotated[int, Field(ge=1, le=4)]
    """Rays per pixel and side; 1 halves the time and shows jagged edges."""
    night: Share
    """Share of passages at night: street lamp, headlamps, noise."""
    dusk: Share
    """Share of passages at dusk."""
    glare: Share
    """Share of passages in which a strong light floods the visible and near-infrared sensor."""
    occlusion: Share
    """Share of images in which a pole or foliage stands before the vehicle."""
    low_resolution: Share
    """Share of images taken at 0.35 to 1 of `image_size`."""
    seed: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _possible(self) -> "RenderSpec":
        if self.cameras_per_id > self.cameras:
            raise ValueError(
                f"cameras_per_id is {self.cameras_per_id}, but there are only {self.cameras} cameras"
            )
        if self.night + self.dusk > 1:
            raise ValueError(f"night ({self.night}) and dusk ({self.dusk}) together exceed 1")
        if self.style == "product":
            self._check_product()
        else:
            self._check_combinations()
        return self

    def _check_product(self) -> None:
        ids = self.train_ids + self.test_ids
        if self.models != ids or self.twins > 0:
            raise ValueError(
                "in the style product an identity is a vehicle model: models must be "
                f"train_ids + test_ids = {ids} and twins must be 0.0"
            )

    def _check_combinations(self) -> None:
        largest = max(self.train_ids, self.test_ids)
        if largest > self.models * PAINT_COUNT:
            raise ValueError(
                f"{self.models} models in {PAINT_COUNT} paints cannot tell {largest} identities apart: "
                f"models must be at least {-(-largest // PAINT_COUNT)}"
            )
