"""Where results go: `--format NAME[=FILE]`, and what is written when a run fails.

One format at most goes to stdout; the others go to files, which are replaced as
a whole, so that a reader never sees half a report. A format that is a document
is written whatever happens: a run that fails leaves a document with an `error`.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tlsresume.cli.grouping import Declaration, add_options, option
from tlsresume.errors import TLSResumeError

if TYPE_CHECKING:
    from tlsresume.features.fleet.growing import GrowingFile
    from tlsresume.formats.page import View
    from tlsresume.results.judged import Violation
    from tlsresume.results.measured import ErrorResult
    from tlsresume.results.report import Report, ResumeResult, TargetResult

GROUP = "Output"

#: A report holds no secret: the umask alone says who may read it.
_REPORT_MODE = 0o666
#: Bytes of an unfinished report that are kept in memory, and that are copied at a time.
_IN_MEMORY = 1 << 20
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Choice:
    """A format and its file (None: stdout)."""

    name: str
    file: str | None

    def __str__(self) -> str:
        return self.name if self.file is None else f"{self.name}={self.file}"


def _parse(names: Sequence[str], value: str) -> Choice:
    """A choice from `NAME`, `NAME=FILE` or `NAME=-`. Raises BadParameter."""
    name, equals, file = value.partition("=")
    name = name.strip().lower()
    if name not in names:
        raise click.BadParameter(f"{name!r} is not one of {', '.join(names)}")
    if equals and not file:
        raise click.BadParameter("the file name after '=' is empty")
    return Choice(name, file if equals and file != "-" else None)


def _chosen(
    names: Sequence[str], ctx: click.Context, option: click.Parameter, values: Sequence[str]
) -> tuple[Choice, ...]:
    """The choices of a command. What the environment or a file names for every command may name
    formats that this one does not have; those are left out. Raises BadParameter."""
    said = ctx.get_parameter_source(option.name or "")
    if said is None or said is ParameterSource.COMMANDLINE:
        return tuple(_parse(names, value) for value in values)
    from tlsresume.formats import FORMATS

    every = [_parse((*names, *FORMATS), value) for value in values]
    return tuple(choice for choice in every if choice.name in names)


def _options(
    names: Sequence[str], short: str, *, can_be_brief: bool, own_force: bool
) -> Iterator[Declaration]:
    """The options of every command that prints a result, in the order of its help."""
    yield option(
        GROUP,
        "--format",
        "formats",
        multiple=True,
        metavar=f"{'|'.join(names)}[=FILE]",
        callback=lambda context, option, values: _chosen(names, context, option, values),
        help="How to print the result, or write it to FILE; may be given several times."
        " text is for people and the default.",
        short=short or f"{', '.join(names[:-1])} or {names[-1]}",
        short_value="NAME[=FILE]",
    )
    yield option(GROUP, "--json", "as_json", is_flag=True, hidden=True)
    if not own_force:
        yield option(
            GROUP,
            "--force",
            is_flag=True,
            help="Let --format replace a FILE that holds something else than such a report.",
        )
    if can_be_brief:
        yield option(
            GROUP,
            "--brief",
            is_flag=True,
            help="Leave the single attempts out of json and jsonl.",
        )
    yield option(
        GROUP,
        "-v",
        "--verbose",
        excludes="quiet",
        is_flag=True,
        help="Show the handshake messages as they pass (on stderr), and a line per attempt.",
    )
    yield option(
        GROUP,
        "-q",
        "--quiet",
        is_flag=True,
        help="Print no text on the standard output about what is as asked.",
    )


def output_options(
    *names: str,
    can_be_brief: bool = False,
    own_force: bool = False,
    short: str = "",
    begins: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command `--format` and `-v`; it gets them as one `outputs` argument.

    `can_be_brief`: its results hold attempts, and `--brief` leaves them out. `own_force`: the
    command has a `--force`, which counts here, too. `short`: what `-h` says of the formats, where
    they are many. `begins`: how its own formats begin, as in
    a `Format`.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def with_outputs(
            *args: Any,
            formats: tuple[Choice, ...],
            as_json: bool,
            verbose: bool,
            quiet: bool,
            brief: bool = False,
            force: bool = False,
            **kwargs: Any,
        ) -> Any:
            if verbose and quiet:
                raise click.UsageError("--verbose and --quiet exclude each other")
            chosen = (*formats, Choice("json", None)) if as_json else formats
            # A report in a file does not take the text from the terminal.
            if all(choice.file is not None and choice.name != "text" for choice in chosen):
                chosen = (Choice("text", None), *chosen)
            if brief and not any(_holds_attempts(choice) for choice in chosen):
                raise click.UsageError("--brief is for --format json and jsonl")
            outputs = Outputs(chosen, verbose=verbose, quiet=quiet, brief=brief)
            click.get_current_context().find_root().obj.append(outputs)
            outputs.check_files(begins or {}, force=force)
            own = {"force": force} if own_force else {}
            return function(*args, outputs=outputs, **own, **kwargs)

        options = _options(names, short, can_be_brief=can_be_brief, own_force=own_force)
        return add_options(with_outputs, tuple(options))

    return decorate


class Outputs:
    """The formats chosen for a run, and the writing of them."""

    def __init__(
        self,
        choices: tuple[Choice, ...],
        *,
        verbose: bool = False,
        quiet: bool = False,
        brief: bool = False,
    ) -> None:
        if sum(choice.file is None for choice in choices) > 1:
            raise click.UsageError(
                "only one --format can go to the standard output: write NAME=FILE for the others"
            )
        files = [choice.file for choice in choices if choice.file is not None]
        if len(set(files)) < len(files):
            raise click.UsageError("two --format options name the same file")
        self.choices = choices
        self.verbose = verbose
        self.quiet = quiet
        self.brief = brief
        #: Whether the run is about more than one target.
        self.many = False
        #: What a report is held against before it is printed.
        self.judge: Callable[[Report], Report] = lambda report: report
        self._shown: list[TargetResult] = []
        #: Whether results are not kept: then the last report has no more than their verdicts.
        self._streaming = False
        self._growing: dict[Choice, GrowingFile] = {}
        self._begun: set[Choice] = set()
        self._pieces: dict[Choice, IO[bytes]] = {}
        self._done: set[Choice] = set()

    def add(self, name: str, file: str) -> None:
        """Write a format to a file, too, unless that was asked for already."""
        choice = Choice(name, file)
        if choice not in self.choices:
            if any(other.file == file for other in self.choices):
                raise click.UsageError("two formats cannot be written to the same file")
            self.choices = (*self.choices, choice)

    def stdout_is(self, name: str) -> bool:
        """Whether a format goes to stdout."""
        return Choice(name, None) in self.choices

    def check_files(self, begins: Mapping[str, str], *, force: bool) -> None:
        """Raise OutputFileError for a file that a report must not take the place of."""
        for choice in self.choices:
            if choice.file is not None:
                from tlsresume.cli.replaceable import check_replaceable
                from tlsresume.formats import FORMATS

                start = begins.get(choice.name) or FORMATS[choice.name].begins
                try:
                    check_replaceable(choice.file, choice.name, start, force=force)
                except TLSResumeError:
                    # No report of this failure goes there either.
                    self._done.add(choice)
                    raise

    # -------------------------------------------------------- results of probe

    @property
    def streams(self) -> bool:
        """Whether every format speaks of a target as it is done, and needs no whole run."""
        from tlsresume.formats import FORMATS

        return all(FORMATS[choice.name].per == "target" for choice in self.choices)

    def begin(self, *, streaming: bool = False, continued: str | None = None) -> None:
        """Open the files that grow as results come: those of formats that speak per target, but
        for text. What `continued` holds stays. With `streaming` no result is kept.

        Raises OutputFileError.
        """
        from tlsresume.features.fleet.growing import GrowingFile
        from tlsresume.formats import FORMATS

        self._streaming = streaming
        for choice in self.choices:
            if choice.file is None or choice.name == "text":
                continue
            if FORMATS[choice.name].per == "target":
                keep = choice.file == continued
                self._growing[choice] = GrowingFile(choice.file, keep=keep)

    def show(self, target: TargetResult) -> Report:
        """Print a target that is done, in the formats that speak per target. The report of it, as
        it was judged."""
        from tlsresume.cli.tool import this_tool
        from tlsresume.results.report import Report

        report = self.judge(Report(tool=this_tool(), targets=(target,)))
        self._put_targets(report)
        return report

    def show_earlier(self, target: TargetResult, continued: str) -> Report:
        """The same for a target that an earlier run has written to `continued`: it goes to other
        files only."""
        from tlsresume.cli.tool import this_tool
        from tlsresume.results.report import Report

        report = self.judge(Report(tool=this_tool(), targets=(target,)))
        self._put_targets(report, of_earlier=continued)
        return report

    def _put_targets(self, report: Report, *, of_earlier: str | None = None) -> None:
        from tlsresume.formats import FORMATS

        if not self._streaming:
            self._shown.extend(report.targets)
        for choice in self.choices:
            form = FORMATS[choice.name]
            if of_earlier is not None and choice.file in (None, of_earlier):
                continue
            if form.per == "target" and not self._hushed(choice, report):
                text = form.renderer()(self._cut(choice, report), self._view(choice))
                # Many targets may have no more than a line each, at the end.
                if text or not form.ends_with_summary:
                    self._put(choice, self._before_target(choice) + text)

    def _before_target(self, choice: Choice) -> str:
        """What stands before the next target."""
        from tlsresume.formats import FORMATS

        form = FORMATS[choice.name]
        if choice in self._begun:
            return form.between
        self._begun.add(choice)
        return form.head()

    def _cut(self, choice: Choice, report: Report) -> Report:
        """The report, without its attempts where they are not wanted."""
        return without_attempts(report) if self.brief and _holds_attempts(choice) else report

    def _hushed(self, choice: Choice, report: Report) -> bool:
        """Whether a format keeps silent about targets that are as asked."""
        from tlsresume.formats.checks import as_asked

        quiet = self.quiet and choice == Choice("text", None)
        return quiet and all(as_asked(target) for target in report.targets)

    def finish(self, report: Report) -> None:
        """Print what is not yet printed: targets never shown, formats per run, summaries.

        `report` is judged already. Every format is written, also when one cannot be;
        the first that cannot is raised.
        """
        if not self._streaming:
            self._put_others(report)
        failed: list[TLSResumeError] = []
        for choice in self.choices:
            try:
                self._close(choice, self._last(choice, report))
            except TLSResumeError as error:
                failed.append(error)
        if any(choice.name == "github" for choice in self.choices):
            from tlsresume.cli.github_summary import add_summary

            add_summary(report)
        if failed:
            raise failed[0]

    def _put_others(self, report: Report) -> None:
        """The targets that were never shown."""
        shown = Counter(target.target for target in self._shown)
        broken: dict[str, list[Violation]] = {}
        for each in report.violations:
            broken.setdefault(each.target, []).append(each)
        for target in report.targets:
            if shown[target.target]:
                shown[target.target] -= 1
            else:
                violations = tuple(broken.get(target.target, ()))
                self._put_targets(replace(report, targets=(target,), violations=violations))

    def _last(self, choice: Choice, report: Report) -> str:
        """What a format prints at the end of a run."""
        from tlsresume.formats import FORMATS

        form = FORMATS[choice.name]
        last = form.summary() if form.per == "target" else form.renderer()
        quiet = self.quiet and choice == Choice("text", None)
        if quiet and report.exit_status:
            return self._why(report, choice)
        # A table without rows has its head all the same.
        head = self._before_target(choice) if form.begins_with_head else ""
        if last is None or quiet:
            return head
        return head + last(self._cut(choice, report), self._view(choice))

    def _why(self, report: Report, choice: Choice) -> str:
        """The last line alone."""
        from tlsresume.formats.page import Page
        from tlsresume.formats.text import put_last_line

        page = Page(self._view(choice))
        put_last_line(page, report)
        return page.render()

    # ------------------------------------------------- results of other commands

    def emit(
        self,
        text: Callable[[View], str],
        document: Callable[[], str],
        *,
        text_to_stderr: bool = False,
        as_asked: bool = False,
        written_elsewhere: Sequence[str] = (),
        **others: Callable[[], str],
    ) -> None:
        """Print one result in each chosen format: text, json, or one of `others` by name.

        With --quiet there is no text of a result that is `as_asked`. Formats that are
        `written_elsewhere` were written line by line already.
        """
        from tlsresume.cli import console

        for choice in self.choices:
            silent = self.quiet and as_asked and choice == Choice("text", None)
            if silent or choice.name in written_elsewhere:
                self._done.add(choice)
            elif choice.name == "json":
                self._close(choice, document())
            elif choice.name in others:
                self._close(choice, others[choice.name]())
            elif text_to_stderr and choice.file is None:
                console.say_text(text(console.view_of(console.stderr(), verbose=self.verbose)))
                self._done.add(choice)
            else:
                self._close(choice, text(self._view(choice)))

    # ------------------------------------------------------------------ failure

    def fail(self, error: TLSResumeError) -> None:
        """Complete every document that was not written yet, with the error."""
        from tlsresume.cli.tool import this_tool
        from tlsresume.formats import FORMATS

        for choice in self.choices:
            # A format of one command only, such as csv, is no document.
            form = FORMATS.get(choice.name)
            failure = None if form is None else form.failure()
            if choice not in self._done and failure is not None:
                self._close(choice, failure(this_tool(), error_result(error)))

    # ------------------------------------------------------------------ writing

    def _view(self, choice: Choice) -> View:
        from tlsresume.cli.console import stdout, view_of
        from tlsresume.cli.typed_command import typed_command
        from tlsresume.formats.page import View

        if choice.file is None:
            view = view_of(stdout(), verbose=self.verbose)
        else:
            view = View(verbose=self.verbose)
        return view._replace(many=self.many, command=typed_command())

    def _put(self, choice: Choice, text: str) -> None:
        from tlsresume.cli.console import write_data

        if choice.file is None:
            write_data(text)
        elif choice in self._growing:
            self._growing[choice].write(text)
        else:
            try:
                self._waiting(choice).write(text.encode("utf-8", "backslashreplace"))
            except OSError as error:
                from tlsresume.errors import OutputFileError

                reason = (error.strerror or str(error)).lower()
                raise OutputFileError(
                    f"cannot keep the report for {choice.file}: {reason}", path=choice.file
                ) from None

    def _waiting(self, choice: Choice) -> IO[bytes]:
        """Where the text of a file waits until it is whole: on the disk where there is much of
        it, and without a name, so that nothing is left behind."""
        import tempfile

        if choice not in self._pieces:
            # It is closed when the report is written.
            self._pieces[choice] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        return self._pieces[choice]

    def _close(self, choice: Choice, text: str) -> None:
        self._done.add(choice)
        self._put(choice, text)
        if choice in self._growing:
            self._growing[choice].close()
        elif choice.file is not None:
            from tlsresume.files import write_atomically

            with self._waiting(choice) as whole:
                del self._pieces[choice]
                whole.seek(0)
                pieces = iter(lambda: whole.read(_PIECE), b"")
                write_atomically(choice.file, pieces, force=True, mode=_REPORT_MODE)


def _holds_attempts(choice: Choice) -> bool:
    from tlsresume.formats import FORMATS

    return choice.name in FORMATS and FORMATS[choice.name].holds_attempts


def without_attempts(report: Report) -> Report:
    """The report with `attempts` empty on every address, and `brief` to say so."""
    targets = tuple(
        replace(
            target,
            addresses=tuple(replace(address, attempts=()) for address in target.addresses),
        )
        for target in report.targets
    )
    return replace(report, targets=targets, brief=True)


def resume_without_attempts(result: ResumeResult) -> ResumeResult:
    """The same for a result of `resume`, on every address."""
    each = tuple(resume_without_attempts(one) for one in result.each_address)
    return replace(result, attempts=(), each_address=each, brief=True)


def error_result(error: TLSResumeError) -> ErrorResult:
    """An error that ended a run, as reports hold it."""
    from tlsresume.results.measured import ErrorResult

    kind = type(error).__name__.removesuffix("Error").lower()
    return ErrorResult(
        kind=kind,
        step="",
        message="; ".join((error.message, *error.details)),
        hints=error.hints,
        stack=error.stack,
    )
