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
    "later",
    "hello-size",
    "default-server",
    "close",
    "versions",
    "ciphers",
    "source-port",
)

#: What `experiments.hello_size` calls its attempts, and its series: without a session as it
#: is, without one and padded, and with one in a short ClientHello.
HELLO_SIZE = "hello-size"
PLAIN, PADDED, SHORT = "plain", "padded", "short"

#: What `experiments.later` calls its attempts: the experiment and its last series, and the
#: series before the pause.
LATER = "later"
AT_ONCE = "at-once"

#: What `experiments.default_server` calls its attempts.
DEFAULT_SERVER = "default-server"

#: What `experiments.ftp` calls its attempts: the experiment, and its series.
FTP_DATA = "ftp-data"
CONTROL, FRESH, SAME, NONE = "control", "fresh", "same", "none"
