"""Numbers with limits, as the keys of params/ want them, and numbers as they are printed."""

from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Printed(float):
    """A number that knows how it is written: 98.70 equals 98.7, and is printed with two decimals."""

    text: str

    def __new__(cls, text: str) -> "Printed":
        """Return the number that `text` writes."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take any number for one that is printed as Python writes it."""
        return core_schema.no_info_wrap_validator_function(cls._of, core_schema.float_schema())

    @classmethod
    def _of(cls, value: Any, check: core_schema.ValidatorFunctionWrapHandler) -> "Printed":
        if isinstance(value, Printed):
            return value
        if type(value) is int:
            return cls(str(value))
        return cls(repr(check(value)))

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        """Return what a copy is made of."""
        return (self.text,)
