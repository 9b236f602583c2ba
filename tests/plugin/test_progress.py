"""Counts and the time left, against sums done by hand."""

import pytest

from snakemake_logger_plugin_vreid.progress import Estimate, Job, Progress, duration, time_left


def test_jobs_move_from_running_to_done_or_failed():
    progress = _progress(train=2, table=1)
    progress.start(_job(1, "train", 0))
    progress.start(_job(2, "train", 0))
    assert (progress.begun, progress.done, len(progress.running), progress.total) == (2, 0, 2, 3)
    assert progress.finish(1, 5).number == 1
    assert progress.fail(2).number == 2
    assert (progress.done, len(progress.running), list(progress.failed)) == (1, 0, [2])
    progress.start(_job(2, "train", 6))  # retried
    assert (progress.begun, list(progress.running), list(progress.failed)) == (2, [2], [])
    assert progress.finish(7, 9) is None
    assert progress.fail(7) is None


def test_a_job_that_failed_in_error_and_finishes_is_done():
    progress = _progress(train=1)
    progress.start(_job(1, "train", 0))
    progress.fail(1)
    progress.finish(1, 3)
    assert (progress.done, len(progress.failed)) == (1, 0)


def test_nothing_is_said_before_a_job_of_a_waiting_rule_has_finished():
    progress = _progress(render=1, train=4)
    assert progress.left(0) is None
    progress.start(_job(1, "render", 0))
    assert progress.left(5) is None
    progress.finish(1, 10)
    assert progress.left(10) is None


def test_one_job_at_a_time():
    progress = _progress(train=4)
    progress.start(_job(1, "train", 0))
    progress.finish(1, 10)
    progress.start(_job(2, "train", 10))
    # 2 wait, 10 s each; the running one has 10 - 4 s to go
    assert progress.left(14) == Estimate(26.0, whole=True)
    # overdue: nothing to go, but never less than nothing
    assert progress.left(60) == Estimate(20.0, whole=True)


def test_two_jobs_at_a_time_take_half_as_long():
    progress = _progress(train=6)
    for number in (1, 2):
        progress.start(_job(number, "train", 0))
    for number in (1, 2):
        progress.finish(number, 10)
    # 20 s of work in 10 s; 4 jobs of 10 s wait
    assert progress.left(10) == Estimate(20.0, whole=True)


def test_rules_without_a_finished_job_make_it_a_lower_bound():
    progress = _progress(train=2, extract=3)
    progress.start(_job(1, "train", 0))
    progress.finish(1, 10)
    assert progress.left(10) == Estimate(10.0, whole=False)
    assert time_left(progress.left(10)) == "at least 10 s left"


def test_failed_jobs_are_not_waited_for():
    progress = _progress(train=3)
    for number in (1, 2):
        progress.start(_job(number, "train", 0))
    progress.finish(1, 10)
    progress.fail(2)
    assert progress.left(10).seconds == pytest.approx(10.0)


def test_more_jobs_than_planned_raise_the_total():
    progress = _progress(train=1)
    progress.start(_job(1, "train", 0))
    progress.start(_job(2, "late", 0))
    assert progress.total == 2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min 00 s"),
        (190, "3 min 10 s"),
        (3600, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_time_left_runs_down_and_then_falls_silent():
    assert time_left(Estimate(190, whole=True), since=70) == "about 2 min 00 s left"
    assert time_left(Estimate(3, whole=True), since=5) == ""
    assert time_left(None) == ""


def _progress(**counts):
    progress = Progress()
    progress.plan({**counts, "total": sum(counts.values())})
    return progress


def _job(number, rule, started):
    return Job(number=number, rule=rule, title=rule, started=started)
