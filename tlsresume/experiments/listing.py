"""The names of the experiments, for those who must not import them (`--help`, the rules)."""

from __future__ import annotations

#: The keys of `experiments.ladder.EXPERIMENTS`, in its order; a test holds the two together.
EXPERIMENT_NAMES = (
    "control",
    "unpinned",
    "own-name",
    "elicit",
    "no-ems",
    "same-ticket",
    "retry",
    "close",
    "versions",
    "ciphers",
    "source-port",
)

#: What `experiments.ftp` calls its attempts: the experiment, and its series.
FTP_DATA = "ftp-data"
CONTROL, FRESH, SAME, NONE = "control", "fresh", "same", "none"
