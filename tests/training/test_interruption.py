import os
import signal
import threading

import pytest

from vreid.training.interruption import relaying_signals, watching_for_signals


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
