"""Where results go: `--format NAME[=FILE]`, and what is written when a run fails.

One format at most goes to stdout; the others go to files (`destinations`). A format that is a
document is written whatever happens: a run that fails leaves a document with an `error`.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tlsresume.cli.destinations import Choice, Destination
from tlsresume.cli.grouping import Declaration, add_options, flag, option
from tlsresume.errors import TLSResumeError
from tlsresume.formats import FORMATS

if TYPE_CHECKING:
    from tlsresume.formats.page import View
    from tlsresume.results.judged import Violation
    from tlsresume.results.measured import ErrorResult
    from tlsresume.results.report import Report, ResumeResult, TargetResult

GROUP = "Output"
#: Text for the person who typed the command.
_SCREEN = Choice("text", None)


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
    every = [_parse((*names, *FORMATS), value) for value in values]
    return tuple(choice for choice in every if choice.name in names)


def _options(
    names: Sequence[str], short: str, *, can_be_brief: bool, own_force: bool
) -> Iterator[Declaration]:
    """The options of every command that prints a result, in the order of its help."""
    yield option(
        GROUP, "--format", "formats", multiple=True, metavar=f"{'|'.join(names)}[=FILE]",
        callback=lambda context, option, values: _chosen(names, context, option, values),
        help="How to print the result, or write it to FILE; may be given several times."
        " text is for people and the default.",
        short=short or f"{', '.join(names[:-1])} or {names[-1]}", short_value="NAME[=FILE]",
    )  # fmt: skip
    yield flag(GROUP, "--json", "as_json", hidden=True)
    if not own_force:
        words = "Let --format replace a FILE that holds something else than such a report."
        yield flag(GROUP, "--force", help=words)
    if can_be_brief:
        yield flag(GROUP, "--brief", help="Leave the single attempts out of json and jsonl.")
    yield flag(
        GROUP, "-v", "--verbose", excludes="quiet",
        help="Show the handshake messages as they pass (on stderr), and a line per attempt.",
    )  # fmt: skip
    words = "Print no text on the standard output about what is as asked."
    yield flag(GROUP, "-q", "--quiet", help=words)


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
                chosen = (_SCREEN, *chosen)
            if brief and not any(choice.holds_attempts for choice in chosen):
                raise click.UsageError("--brief is for --format json and jsonl")
            outputs = Outputs(chosen, verbose=verbose, quiet=quiet, brief=brief)
            click.get_current_context().find_root().obj.append(outputs)
            outputs.check_files(begins or {}, force=force)
            own = {"force": force} if own_force else {}
            return function(*args, outputs=outputs, **own, **kwargs)

        declared = _options(names, short, can_be_brief=can_be_brief, own_force=own_force)
        return add_options(*declared)(with_outputs)

    return decorate


class Outputs:
    """The formats chosen for a run, and what is printed in each."""

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
        self._destinations = {choice: Destination(choice) for choice in choices}
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

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Each format with its file."""
        return tuple(self._destinations)

    def add(self, name: str, file: str) -> None:
        """Write a format to a file, too, unless that was asked for already."""
        choice = Choice(name, file)
        if choice not in self._destinations:
            if any(other.file == file for other in self.choices):
                raise click.UsageError("two formats cannot be written to the same file")
            self._destinations[choice] = Destination(choice)

    def stdout_is(self, name: str) -> bool:
        """Whether a format goes to stdout."""
        return Choice(name, None) in self._destinations

    def check_files(self, begins: Mapping[str, str], *, force: bool) -> None:
        """Raise OutputFileError for a file that a report must not take the place of."""
        for choice, there in self._destinations.items():
            if choice.file is not None:
                from tlsresume.cli.replaceable import check_replaceable

                start = begins.get(choice.name) or FORMATS[choice.name].begins
                try:
                    check_replaceable(choice.file, choice.name, start, force=force)
                except TLSResumeError:
                    # No report of this failure goes there either.
                    there.done = True
                    raise

    # -------------------------------------------------------- results of probe

    @property
    def streams(self) -> bool:
        """Whether every format speaks of a target as it is done, and needs no whole run."""
        return all(FORMATS[choice.name].per == "target" for choice in self.choices)

    def begin(self, *, streaming: bool = False, continued: str | None = None) -> None:
        """Open the files that grow as results come: those of formats that speak per target, but
        for text. What `continued` holds stays. With `streaming` no result is kept.

        Raises OutputFileError.
        """
        self._streaming = streaming
        for choice, there in self._destinations.items():
            grows = choice.name != "text" and FORMATS[choice.name].per == "target"
            if choice.file is not None and grows:
                there.grow(keep=choice.file == continued)

    def show(self, target: TargetResult, *, of_earlier: str | None = None) -> Report:
        """Print a target that is done, in the formats that speak per target. The report of it, as
        it was judged. What an earlier run has written to the file `of_earlier` goes to other
        files only."""
        from tlsresume.cli.tool import this_tool
        from tlsresume.results.report import Report

        report = self.judge(Report(tool=this_tool(), targets=(target,)))
        self._put_targets(report, of_earlier)
        return report

    def _put_targets(self, report: Report, of_earlier: str | None = None) -> None:
        if not self._streaming:
            self._shown.extend(report.targets)
        for choice, there in self._destinations.items():
            form = FORMATS[choice.name]
            if of_earlier is not None and choice.file in (None, of_earlier):
                continue
            if form.per == "target" and not self._hushed(choice, report):
                text = form.renderer()(self._cut(choice, report), self._view(choice))
                # Many targets may have no more than a line each, at the end.
                if text or not form.ends_with_summary:
                    there.put(there.before_target() + text)

    def _cut(self, choice: Choice, report: Report) -> Report:
        """The report, without its attempts where they are not wanted."""
        return without_attempts(report) if self.brief and choice.holds_attempts else report

    def _hushed(self, choice: Choice, report: Report) -> bool:
        """Whether a format keeps silent about targets that are as asked."""
        from tlsresume.formats.checks import as_asked

        quiet = self.quiet and choice == _SCREEN
        return quiet and all(as_asked(target) for target in report.targets)

    def finish(self, report: Report) -> None:
        """Print what is not yet printed: targets never shown, formats per run, summaries.

        `report` is judged already. Every format is written, also when one cannot be;
        the first that cannot is raised.
        """
        if not self._streaming:
            self._put_others(report)
        failed: list[TLSResumeError] = []
        for there in self._destinations.values():
            try:
                there.close(self._last(there, report))
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

    def _last(self, there: Destination, report: Report) -> str:
        """What a format prints at the end of a run."""
        choice, form = there.choice, FORMATS[there.choice.name]
        last = form.summary() if form.per == "target" else form.renderer()
        quiet = self.quiet and choice == _SCREEN
        if quiet and report.exit_status:
            return self._why(report, choice)
        # A table without rows has its head all the same.
        head = there.before_target() if form.begins_with_head else ""
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

        for choice, there in self._destinations.items():
            silent = self.quiet and as_asked and choice == _SCREEN
            if silent or choice.name in written_elsewhere:
                there.done = True
            elif choice.name == "json":
                there.close(document())
            elif choice.name in others:
                there.close(others[choice.name]())
            elif text_to_stderr and choice.file is None:
                console.say_text(text(console.view_of(console.stderr(), verbose=self.verbose)))
                there.done = True
            else:
                there.close(text(self._view(choice)))

    # ------------------------------------------------------------------ failure

    def fail(self, error: TLSResumeError) -> None:
        """Complete every document that was not written yet, with the error."""
        from tlsresume.cli.tool import this_tool

        for choice, there in self._destinations.items():
            # A format of one command only, such as csv, is no document.
            form = FORMATS.get(choice.name)
            failure = None if form is None else form.failure()
            if not there.done and failure is not None:
                there.close(failure(this_tool(), error_result(error)))

    def _view(self, choice: Choice) -> View:
        """For whom a format is made: the terminal, or whoever reads the file."""
        from tlsresume.cli.console import stdout, view_of
        from tlsresume.cli.typed_command import typed_command
        from tlsresume.formats.page import View

        if choice.file is None:
            view = view_of(stdout(), verbose=self.verbose)
        else:
            view = View(verbose=self.verbose)
        return view._replace(many=self.many, command=typed_command())


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
