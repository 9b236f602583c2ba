import threading
import time
from types import SimpleNamespace

import pytest
from snakemake.scheduling.job_scheduler import JobScheduler

from snakemake_logger_plugin_vreid import termination


@pytest.fixture
def handler(monkeypatch):
    monkeypatch.setattr(JobScheduler, "exit_gracefully", JobScheduler.exit_gracefully)
    termination.install()
    return JobScheduler.exit_gracefully


def test_a_scheduler_that_is_interrupted_while_it_holds_its_lock_ends_when_it_lets_go(handler):
    scheduler = SimpleNamespace(_lock=threading.Lock(), _open_jobs=threading.Semaphore(0), _user_kill=None)
    with scheduler._lock:  # as the code that the signal interrupts may do
        handler(scheduler, 15, None)
        time.sleep(0.05)
        assert scheduler._user_kill is None
    assert scheduler._open_jobs.acquire(timeout=5)
    assert scheduler._user_kill == "graceful"


def test_a_second_installation_changes_nothing(handler):
    termination.install()
    assert JobScheduler.exit_gracefully is handler
