"""Killed, crowded, out of room or without storage: the next run completes it, nothing twice, nothing done over.

Some faults of each kind; `make crash` has them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import outage
import pytest
import together
from storage import Storage

from tasks.records import generator

if TYPE_CHECKING:
    from faults import Bench, Trial

SEED = 7


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    """A server whose calls can fail."""
    with Storage() as opened:
        yield opened


def sound(trial: Trial) -> None:
    """The fault met a run, and nothing is lost, nothing twice, nothing done over."""
    assert trial.befell, trial.where
    assert (trial.lost, trial.twice, trial.over) == ((), (), ()), trial.where


@pytest.mark.parametrize(("commit", "when"), [("found parts", "after"), ("optimize images", "before")])
def test_killed_at_a_commit(bench: Bench, commit: str, when: str) -> None:
    """Between making a table and writing to it, and in the midst of what comes last."""
    stops = [place for place, told in enumerate(bench.commits) if told.startswith(commit)]
    sound(bench.at_commit(int(generator("crash", SEED, commit).choice(stops)), when))


def test_killed_between_the_pictures_and_their_vectors(bench: Bench) -> None:
    """The pictures that are there are not rendered again; their vectors are made."""
    sound(
        bench.at_commit(next(p for p, told in enumerate(bench.commits) if told.startswith("_do_merge images")), "after")
    )


def test_killed_at_a_moment(bench: Bench) -> None:
    """Wherever it stands."""
    sound(bench.at_moment(float(generator("crash", SEED, "moment").uniform(0.3, 0.9))))


def test_another_writer_comes_first(bench: Bench) -> None:
    """Between what was read of a table and the commit, somebody writes a row of it again."""
    stops = [place for place, told in enumerate(bench.commits) if "_do_merge images" in told]
    sound(bench.at_rival(stops[-1]))


def test_one_of_two_workers_is_killed(bench: Bench) -> None:
    """It is started again while the other one goes on."""
    sound(together.worker_killed(bench, 2))


def test_a_disk_that_is_full(bench: Bench) -> None:
    """The run says so; with room again the next one goes on."""
    trial = outage.full(bench, 0.5)
    sound(trial)
    assert "all went in" not in trial.where


def test_a_storage_of_which_every_tenth_call_fails(bench: Bench, storage: Storage) -> None:
    """The server has done what was asked, and the answer is lost: asked again, it is not done again."""
    trial = outage.stored(bench, storage, "unheard", range(3, 10**9, 10))
    sound(trial)
    assert "went through" in trial.where


def test_a_storage_that_goes_away(bench: Bench, storage: Storage) -> None:
    """For longer than it is asked again: the run ends, and the next one goes on."""
    trial = outage.stored(bench, storage, "503", range(400, 10**9), client_max_retries="0")
    sound(trial)
    assert "told, run again" in trial.where
