"""The names of the experiments: what `ProbeOptions.experiments` and `--experiment` may hold.

A leaf, since options are checked when they are made, and `--help` must import little.
"""

from __future__ import annotations

from typing import Literal, get_args

#: The keys of `experiments.ladder.EXPERIMENTS`, in its order; a test holds the two together.
ExperimentName = Literal[
    "control",
    "unpinned",
    "own-name",
    "elicit",
    "no-ems",
    "same-ticket",
    "retry",
    "answers",
    "later",
    "hello-size",
    "default-server",
    "close",
    "versions",
    "ciphers",
    "source-port",
]

EXPERIMENT_NAMES: tuple[ExperimentName, ...] = get_args(ExperimentName)
