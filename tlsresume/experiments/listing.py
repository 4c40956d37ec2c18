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

#: What `experiments.default_server` calls its attempts.
DEFAULT_SERVER = "default-server"

#: What `experiments.ftp` calls its attempts: the experiment, and its series.
FTP_DATA = "ftp-data"
CONTROL, FRESH, SAME, NONE = "control", "fresh", "same", "none"

#: What `experiments.early_data` calls its attempts. `EARLY_FULL` has the marked request after
#: a full handshake, `EARLY_SESSION` only makes a session; `TAKEN` is early data on a fresh one,
#: `REPEATED` its request again after a 425, `WITHOUT` an offer without early data where it failed.
EARLY_DATA = "early-data"
EARLY_FULL, EARLY_SESSION = "full", "session"
TAKEN, REPEATED, WITHOUT = "taken", "repeated", "without"
#: One ticket in two ClientHellos.
FIRST_USE, SECOND_USE = "first-use", "second-use"
#: One first flight twice: on a plain socket, then on the connection that can go on with it; and
#: the same for a first presentation at another address, and one that lies some time back.
COPY, ORIGINAL = "copy", "original"
COPY_ELSEWHERE, ELSEWHERE = "copy-elsewhere", "elsewhere"
EARLIER_COPY, LATER_ORIGINAL = "earlier-copy", "later-original"
#: Our Finished is held back.
HELD = "held"
