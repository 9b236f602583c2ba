import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from vreid.training.interruption import PIPELINE, end_with_pipeline, relaying_signals, watching_for_signals


def test_a_first_signal_is_noted_and_a_second_acts_as_before():
    with watching_for_signals() as interruption:
        assert interruption.name is None
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.name == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_afterwards_signals_act_as_before():
    with watching_for_signals():
        pass
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_every_signal_is_passed_on():
    passed = []
    with relaying_signals(passed.append):
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
    assert passed == [signal.SIGTERM, signal.SIGTERM, signal.SIGINT]


def test_outside_of_the_main_thread_nothing_is_changed():
    before, seen = signal.getsignal(signal.SIGTERM), []

    def watch():
        with watching_for_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=watch)
    thread.start()
    thread.join()
    assert seen == [before]


JOB = """
import signal, sys, time
from vreid.training.interruption import end_with_pipeline, watching_for_signals
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
else:
    signal.signal(signal.SIGINT, signal.default_int_handler)
end_with_pipeline()
print("begun", flush=True)
try:
    if sys.argv[1] == "heeding":
        with watching_for_signals() as interruption:
            while interruption.name is None:
                time.sleep(0.01)
            time.sleep(0.3)  # it puts away how far it is, and a second signal would break that off
            print("put away", interruption.name)
    else:
        time.sleep(60)
except KeyboardInterrupt:
    print("tidied up")
"""


def job(kind, pipeline):
    """Start a job of the pipeline with that process id; return what it prints when the pipeline is killed."""
    environment = {**os.environ, PIPELINE: str(pipeline.pid)}
    with subprocess.Popen(
        [sys.executable, "-c", JOB, kind], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "begun\n"
            time.sleep(0.1)
            assert process.poll() is None
            pipeline.kill()  # dead, and not yet waited for
            return process.communicate(timeout=20)[0], process.returncode
        finally:
            process.kill()


@pytest.fixture
def pipeline():
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("plain", ("tidied up\n", 0)),
        ("heeding", ("put away SIGINT\n", 0)),
        ("deaf", ("", -signal.SIGTERM)),
    ],
)
def test_a_job_ends_with_the_pipeline_that_started_it(kind, end, pipeline):
    assert job(kind, pipeline) == end


def test_a_job_of_a_pipeline_that_is_gone_already_does_not_begin(pipeline):
    pipeline.kill()
    pipeline.wait()
    environment = {**os.environ, PIPELINE: str(pipeline.pid)}
    done = subprocess.run(
        [sys.executable, "-c", JOB, "plain"], env=environment, capture_output=True, text=True, check=False
    )
    assert "begun" not in done.stdout
    assert done.returncode != 0


def test_without_a_pipeline_nothing_is_watched(monkeypatch):
    monkeypatch.delenv(PIPELINE, raising=False)
    before = threading.active_count()
    end_with_pipeline()
    assert threading.active_count() == before


def test_what_a_job_starts_does_not_watch_too(monkeypatch):
    monkeypatch.setenv(PIPELINE, str(os.getpid()))
    end_with_pipeline()
    assert PIPELINE not in os.environ
