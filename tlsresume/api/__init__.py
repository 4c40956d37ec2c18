"""The library: the commands as functions and coroutines, and what goes with their results.

A call does what the command of its name does, and returns values. Results are judged by the
default rules, so that their `ok` is what the command's exit status 0 is; `judge` holds them
against a policy or an earlier report instead. `format_report` and `write_report` make the
documents that `--format` makes. Whatever is wrong with a target is in its result; what cannot be
carried out at all raises an error of `tlsresume.errors`.

The blocking functions take `stop`, a `Stop` that another thread calls to end them; a coroutine is
ended by cancelling its task. Both take `deadline`, in seconds, after which what is known by then
is the result, and `progress`, which is called with a line when a long wait begins or ends.
"""

from collections.abc import Callable

#: Is called with a line when a long wait begins or ends.
Progress = Callable[[str], None]
