"""How figures are set and written: in the house style, as PNG and PDF, the same bytes for the same figure."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from vreid.params.atomic import atomic_path
from vreid.reporting.figures import style

WITHOUT_DATES = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What is left out of the files, so that the same figure has the same bytes."""


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style within, whatever the user's own settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style.STYLE)
        yield


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write `folder`/<name>.png and .pdf, each whole or not at all; the folder is made if it is missing."""
    for suffix, metadata in WITHOUT_DATES.items():
        with atomic_path(folder / f"{name}.{suffix}") as temporary:
            figure.savefig(temporary, format=suffix, dpi=style.DPI, metadata=metadata)
