"""Planted faults are caught and sound pictures pass: a small piece of `make bench-gate`."""

from __future__ import annotations

from typing import Any

import pytest

from tasks import gate
from tasks.augment import chain
from tasks.gate.training import faults
from tasks.generate import specimen
from tasks.render import Studio

SITTERS = (("motor holder", 0), ("hook", 4), ("flange", 2))


@pytest.fixture(scope="module")
def sitters() -> list[Any]:
    """Three parts before their cameras; the series are not those that the settings were chosen with."""
    studio = Studio(faults.SIZE)
    return [faults.Sitter(studio, specimen(family, 950, 0), place) for family, place in SITTERS]


def test_nearly_all_planted_faults_are_caught(sitters: list[Any]) -> None:
    """In the usual chain of stages, and on the plain backdrop; a sibling counts where it can be told apart."""
    caught = {}
    for stages in (("wear", "background", "camera"), ("wear", "camera")):
        made = chain(stages)
        for sitter in sitters:
            for fault in faults.FAULTS:
                for case in faults.cases(sitter, fault, made):
                    if case.change > 0.05 or fault != "sibling":
                        caught[case.part, fault, stages] = not gate.verdict(case.variant, case.view).accepted
    assert len(caught) >= 14
    assert {fault for _, fault, _ in caught} == set(faults.FAULTS)
    assert sum(caught.values()) >= 0.8 * len(caught), [key for key, found in caught.items() if not found]


def test_nearly_all_sound_pictures_pass(sitters: list[Any]) -> None:
    """By every chain of stages, of the very same parts."""
    rejected = []
    for stages in (("wear", "background", "camera"), ("wear", "background", "occlude", "camera"), ("background",)):
        made = chain(stages)
        for sitter in sitters:
            for case in faults.cases(sitter, "", made):
                verdict = gate.verdict(case.variant, case.view)
                rejected += [(case.part, stages, verdict.reason)] * (not verdict.accepted)
    assert len(rejected) <= 1, rejected
