"""Figures are what textbooks say they are, and intervals are no narrower than the queries allow."""

from __future__ import annotations

import numpy as np
import pytest

from tasks import score
from tasks.records import generator
from tasks.score import Ranking

INFINITE = float("inf")


def ranking(part: str, *found: str, relevant: tuple[str, ...] = ()) -> Ranking:
    """What a query about `part` found, scores falling from 0.9."""
    scores = tuple(0.9 - 0.1 * place for place in range(len(found)))
    return Ranking(part=part, relevant=frozenset({part, *relevant}), parts=found, scores=scores)


def test_recall_counts_what_is_among_the_first() -> None:
    """At depth k count the ranks up to k; a part that was not found at all is a miss at every depth."""
    ranks = [1, 1, 3, 7, INFINITE]
    assert [score.recall(ranks, depth).value for depth in (1, 5, 10)] == [0.4, 0.6, 0.8]


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # Newcombe (1998), table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(hits: int, count: int, low: float, high: float) -> None:
    """As published; the other end of the scale mirrors it."""
    share, mirrored = score.wilson(hits / count, count), score.wilson(1 - hits / count, count)
    assert (share.low, share.high) == pytest.approx((low, high), abs=5e-5)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((share.low, share.high))
    assert share.low <= share.value <= share.high


def test_of_nothing_at_all_anything_may_be_true() -> None:
    """Without queries nothing is claimed."""
    nothing = score.figures([])
    assert (nothing.queries, nothing.recall["1"].low, nothing.recall["1"].high) == (0, 0, 1)
    assert (nothing.map.low, nothing.map.high) == (0, 1)


def test_average_precision_of_one_part_and_of_identical_ones() -> None:
    """One part: one over its rank. Several of one geometry: the mean of the precisions at each of them."""
    assert ranking("a", "b", "a", "c").precision == pytest.approx(1 / 2)
    assert ranking("a", "b", "c").precision == 0
    twins = ranking("a", "a", "x", "y", "b", relevant=("b",))
    assert twins.precision == pytest.approx((1 / 1 + 2 / 4) / 2)
    assert twins.rank == 1
    assert ranking("a", "a", "x", relevant=("b",)).precision == pytest.approx(1 / 2)  # one of two is missing


def test_an_identical_part_is_as_good_as_the_part() -> None:
    """What no picture can tell apart is not wrong."""
    assert score.figures([ranking("a", "b", "c", relevant=("b",))]).recall["1"].value == 1


def test_pictures_of_one_part_are_no_independent_witnesses() -> None:
    """Forty queries about four parts say less than forty about forty; and the same ones always say the same."""
    values = [1.0] * 20 + [0.0] * 20
    few = score.mean(values, [place // 10 for place in range(40)])
    many = score.mean(values, list(range(40)))
    assert few.high - few.low > 1.5 * (many.high - many.low)
    assert few == score.mean(values, [place // 10 for place in range(40)])
    assert many.low < 0.5 < many.high


def test_recall_knows_which_pictures_are_of_one_part() -> None:
    """Parts whose four pictures are all found or all missed count once each; independent ones count four times."""
    together = [1.0 if place // 4 % 2 else INFINITE for place in range(80)]
    owners = [place // 4 for place in range(80)]
    crowded, alone = score.recall(together, 1, owners), score.recall(together, 1)
    once = score.wilson(0.5, 20 * 19 / 20)  # twenty parts, less one degree of freedom
    assert (crowded.low, crowded.high) == pytest.approx((once.low, once.high))
    assert crowded.high - crowded.low > 1.7 * (alone.high - alone.low)
    apart = [1.0 if place % 2 else INFINITE for place in range(80)]
    assert score.recall(apart, 1, owners) == score.recall(apart, 1)
    assert score.recall([1.0] * 8, 1, [0] * 8) == score.recall([1.0] * 8, 1)


def test_the_bootstrap_holds_the_truth_as_often_as_it_says() -> None:
    """Of 200 samples of 60 from a known distribution, the interval holds its mean in 95 of 100, give or take."""
    rng = generator("coverage")
    samples = rng.beta(2, 3, (200, 60))
    shares = [score.mean(list(sample), list(range(60))) for sample in samples]
    held = sum(share.low <= 0.4 <= share.high for share in shares)
    assert 180 <= held <= 198


def test_a_change_is_judged_query_by_query() -> None:
    """The same few queries that get better are a sure gain, where two unpaired figures would overlap."""
    before, after = [0.0] * 50 + [1.0] * 50, [1.0] * 8 + [0.0] * 42 + [1.0] * 50
    gain = score.change(before, after, list(range(100)))
    assert gain.value == pytest.approx(0.08)
    assert gain.low > 0
    loss = score.change(after, before, list(range(100)))
    assert loss.value == pytest.approx(-0.08)
    assert loss.high < 0


def test_a_threshold_between_what_is_there_and_what_is_not() -> None:
    """Where the scores are apart, the cut is in the middle of the gap and nothing is wrong."""
    found = score.threshold([0.8, 0.85, 0.9, 0.95] * 5, [0.3, 0.4, 0.5, 0.6] * 5)
    assert found.value == pytest.approx(0.7)
    assert (found.false_accept, found.false_reject) == (0, 0)


def test_the_rates_come_true_on_queries_that_nobody_has_seen() -> None:
    """For two overlapping bells the rates are what the cut gives on fresh scores, within a few points."""
    rng = generator("bells")
    found = score.threshold(list(rng.normal(0.7, 0.1, 400)), list(rng.normal(0.5, 0.1, 400)))
    present, absent = rng.normal(0.7, 0.1, 100_000), rng.normal(0.5, 0.1, 100_000)
    assert found.value == pytest.approx(0.6, abs=0.05)
    assert found.false_accept == pytest.approx((absent >= found.value).mean(), abs=0.06)
    assert found.false_reject == pytest.approx((present < found.value).mean(), abs=0.06)
    assert found.false_accept + found.false_reject == pytest.approx(0.317, abs=0.05)


def test_the_rates_do_not_flatter() -> None:
    """Of six queries the best cut looks right by chance; the queries of the other half say what it is worth."""
    rng = generator("few")
    told, seen = [], []
    for _ in range(200):
        own, others = rng.normal(0.56, 0.1, 6), rng.normal(0.5, 0.1, 6)
        cut = score._best_cut(own, others)
        seen.append((others >= cut).mean() + (own < cut).mean())
        found = score.threshold(list(own), list(others))
        told.append(min(found.false_accept + found.false_reject, 1))
    assert np.mean(seen) < 0.55  # on the queries that chose it
    assert np.mean(told) > 0.75  # the truth is 0.76


def test_scores_that_tell_nothing_call_nobody_absent() -> None:
    """With equal scores any cut would hide parts that are there: there is none."""
    rng = generator("blind")
    found = score.threshold(list(rng.random(100)), list(rng.random(100)))
    assert (found.value, found.false_accept, found.false_reject) == (0, 1, 0)


def test_queries_of_one_part_stay_in_one_half() -> None:
    """A part whose pictures score alike must not vouch for itself."""
    owners = [f"part {place // 4}" for place in range(40)]
    halves = score._halves(40, owners)
    assert {len(set(halves[start : start + 4])) for start in range(0, 40, 4)} == {1}
    assert sorted(np.bincount(halves)) == [20, 20]


def test_a_catalogue_of_one_part_has_something_to_say() -> None:
    """With no other part the best score without it is 0."""
    found = score.threshold([0.8, 0.9], [0.0, 0.0])
    assert 0 < found.value < 0.8
    assert score.threshold([], []).value == 0


def test_confusion_is_mutual() -> None:
    """One way is an accident; both ways it is a pair."""
    assert score.confused([("a", "b"), ("b", "a"), ("c", "a"), ("b", "c"), ("d", "d")]) == (("a", "b"),)


def test_what_happens_once_in_four_times_is_an_accident() -> None:
    """A pair is found for one another in a third of the queries, or more."""
    often = [("a", "b"), ("a", "a"), ("a", "a"), ("b", "a")]
    assert score.confused(often) == (("a", "b"),)
    assert score.confused([*often, ("a", "a")]) == ()


def test_links_join_into_groups() -> None:
    """Directly or through others, each part in one group, the largest first."""
    groups = score.linked([("e", "d"), ("a", "b"), ("c", "b"), ("a", "c")])
    assert groups == (("a", "b", "c"), ("d", "e"))
