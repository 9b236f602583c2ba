"""Numbers with limits, as the keys of params/ want them."""

from typing import Annotated

from pydantic import Field

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]
