"""What an earlier run has written already: `--continue FILE.jsonl`.

A target is done where a line of the file has the same fingerprint (target and options), and the
probe came to its end. One that a deadline, an interrupt or a shortage of ours cut is probed again;
with `retry_unreachable` also one that was not reached. Of several lines the last one counts.
Only places in the file are kept in memory; a line is read again where its target comes up.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tlsresume.errors import ReportFileError, reason_of
from tlsresume.formats.newer_words import convert
from tlsresume.results.report import SCHEMA, Report, TargetResult

#: The longest line that a target can have.
_LONGEST = 256 * 1024 * 1024


class _Error(msgspec.Struct):
    kind: str = ""


class _Target(msgspec.Struct):
    fingerprint: str | None = None
    incomplete: bool = False
    interrupted: bool = False
    error: _Error | None = None


class _Line(msgspec.Struct):
    schema: int
    target: _Target | None = None


class Earlier:
    """The results in a file. Raises ReportFileError for a file that is no such list."""

    def __init__(self, path: str, *, retry_unreachable: bool = False) -> None:
        self._path = path
        self._again = retry_unreachable
        self._places: dict[bytes, int] = {}
        decoder = msgspec.json.Decoder(_Line)
        try:
            with open(path, "rb") as file:  # noqa: PTH123  a path may be no valid Path
                self._read(file, decoder)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise ReportFileError(f"cannot read {path}: {reason_of(error)}", path=path) from None

    def _read(self, file: Any, decoder: msgspec.json.Decoder[_Line]) -> None:
        at = 0
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), 1):
            start, at = at, at + len(line)
            if not line.endswith(b"\n"):
                return  # torn: the run was killed while it wrote
            try:
                found = decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ReportFileError(
                    f"{self._path}, line {number}: not a line of probe --format jsonl: {error}",
                    path=self._path,
                ) from None
            if found.schema != SCHEMA:
                raise ReportFileError(
                    f"{self._path}, line {number}: report schema {found.schema}, this version"
                    f" writes {SCHEMA}",
                    path=self._path,
                )
            if found.target is None or found.target.fingerprint is None:
                continue
            try:
                key = bytes.fromhex(found.target.fingerprint)
            except ValueError:
                continue
            if self._finished(found.target):
                self._places[key] = start
            else:
                self._places.pop(key, None)

    def _finished(self, target: _Target) -> bool:
        if target.incomplete or target.interrupted:
            return False
        if target.error is None:
            return True
        return target.error.kind != "local" and not self._again

    def __len__(self) -> int:
        return len(self._places)

    def take(self, fingerprint: str) -> TargetResult | None:
        """The result of a target that is done; each is given once. Raises ReportFileError."""
        start = self._places.pop(bytes.fromhex(fingerprint), None)
        if start is None:
            return None
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123  as above
                file.seek(start)
                whole: dict[str, Any] = msgspec.json.decode(file.readline())
            whole["targets"] = [whole.pop("target")]
            return convert(whole, Report).targets[0]
        except (OSError, KeyError, msgspec.MsgspecError) as error:
            raise ReportFileError(
                f"{self._path} changed while it was read: {error}", path=self._path
            ) from None
