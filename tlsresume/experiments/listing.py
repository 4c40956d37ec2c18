"""The names that FTPS data connections have, for those who must not import them (the rules)."""

from __future__ import annotations

#: What `experiments.ftp` calls its attempts: the experiment, and its series.
FTP_DATA = "ftp-data"
CONTROL, FRESH, SAME, NONE = "control", "fresh", "same", "none"
