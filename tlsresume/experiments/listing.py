"""What experiments call themselves and their series, for those who must not import them (the rules)."""

from __future__ import annotations

#: What `experiments.answers` calls its attempts.
ANSWERS, FULL, OFFER = "answers", "full", "offer"

#: What `experiments.names.cross_name` calls its attempts. Under the target's own name and
#: the other one; those with a client certificate, where `--cert` gave one, are apart.
CROSS_NAME = "cross-name"
OTHER_CONTROL, WITH_CERT_FULL = "control", "full-with-cert"
WITH_CERT_OFFER, WITH_CERT_CONTROL, CARRIED = "offer-with-cert", "control-with-cert", "carried"

#: What `experiments.hello_size` calls its attempts, and its series: without a session as it
#: is, without one and padded, and with one in a short ClientHello.
HELLO_SIZE = "hello-size"
PLAIN, PADDED, SHORT = "plain", "padded", "short"

#: What `experiments.later` calls its attempts: the experiment and its last series, and the
#: series before the pause.
LATER = "later"
AT_ONCE = "at-once"

#: What `experiments.tokens` calls its attempts.
TOKEN = "token"  # noqa: S105  the name of an experiment

#: What `experiments.default_server` calls its attempts.
DEFAULT_SERVER = "default-server"

#: What `experiments.ftp` calls its attempts: the experiment, and its series.
FTP_DATA = "ftp-data"
CONTROL, FRESH, SAME, NONE = "control", "fresh", "same", "none"
