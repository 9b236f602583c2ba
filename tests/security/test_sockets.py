"""Nobody else may hand this user's processes a job. MLflow has tests/reporting/tracking/test_server.py."""

import os
import stat
import threading

import pytest

from vreid.training.server import serve


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022])
def test_the_fork_server_s_socket_is_for_its_user_alone_whatever_the_umask(tmp_path, mask):
    old = os.umask(mask)
    try:
        server = threading.Thread(target=serve, args=(tmp_path / "socket", [], 0.3))
        server.start()
        while server.is_alive() and not (tmp_path / "socket").exists():
            pass
        mode = stat.S_IMODE((tmp_path / "socket").stat().st_mode)
        server.join(timeout=30)
        assert mode == 0o600
        assert os.umask(mask) == mask
    finally:
        os.umask(old)
