"""Which weights are meant: found, pinned by revision and named by digest, without loading them."""

from __future__ import annotations

from blocks.models.embedders import RANDOM, SHIPPED, Weights, find, tuned
from blocks.models.pipelines import SHIPPED as SHIPPED_PIPELINE
from blocks.models.pipelines import Pipeline, pipeline

__all__ = ["RANDOM", "SHIPPED", "SHIPPED_PIPELINE", "Pipeline", "Weights", "find", "pipeline", "tuned"]
