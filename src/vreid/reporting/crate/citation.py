"""Reads of CITATION.cff what a crate says of this project."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vreid.params.read import read_yaml, validate


class Author(BaseModel):
    """An author: a person with a family name, or an organisation with a name."""

    model_config = ConfigDict(frozen=True)

    name: str | None = None
    given: str = Field(default="", alias="given-names")
    family: str | None = Field(default=None, alias="family-names")

    @property
    def kind(self) -> Literal["Person", "Organization"]:
        """What schema.org calls it."""
        return "Person" if self.family else "Organization"

    @property
    def shown(self) -> str:
        """The whole name."""
        return f"{self.given} {self.family}".strip() if self.family else str(self.name)

    @model_validator(mode="after")
    def _named(self) -> "Author":
        if not self.name and not self.family:
            raise ValueError("an author has `family-names`, or `name`")
        return self


class Citation(BaseModel):
    """What is read of CITATION.cff; the rest of it is its readers'."""

    model_config = ConfigDict(frozen=True)

    title: str
    version: str
    license: str
    keywords: tuple[str, ...] = ()
    authors: tuple[Author, ...] = Field(min_length=1)


def read_citation(file: Path) -> Citation:
    """Read CITATION.cff.

    Raises:
        UserError: If it is missing, is no YAML, or lacks one of these.
    """
    return validate(Citation, read_yaml(file), str(file))
