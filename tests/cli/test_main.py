"""Mistakes and full disks are one sentence; what is a fault of the program is not hidden."""

import errno
import os

import pytest

from vreid.cli import main
from vreid.params.errors import UserError


def ending_with(error: Exception):
    def app():
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("there is no such run"), "vreid: there is no such run\n"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "logs/x"),
            "vreid: logs/x cannot be written (No space left on device)",
        ),
    ],
)
def test_a_sentence_and_status_1(error: Exception, said: str, monkeypatch, capsys):
    monkeypatch.setattr(main, "app", ending_with(error))
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize("error", [ValueError("a fault"), FileNotFoundError(errno.ENOENT, "no", "x")])
def test_other_errors_come_out_as_they_are(error: Exception, monkeypatch):
    monkeypatch.setattr(main, "app", ending_with(error))
    with pytest.raises(type(error)):
        main.main()
