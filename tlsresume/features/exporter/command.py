"""`tlsresume exporter`: probes on demand, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tlsresume.cli.grouping import GroupedCommand, option

if TYPE_CHECKING:
    from tlsresume.features.exporter.settings import Setup

_GROUP = "Where to listen"


def _listen(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[str, int] | None:
    return None if value is None else parse_listen(value)


def parse_listen(value: str) -> tuple[str, int]:
    """An address and a port, from `ADDR:PORT`, `[ADDR]:PORT` or `:PORT` (every address).

    Raises click.BadParameter.
    """
    from tlsresume.targets.endpoints import is_address

    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not (port.isascii() and port.isdigit() and int(port[:6]) <= 65_535):
        raise click.BadParameter(f"{value!r} is not ADDR:PORT")
    host = {"": "::", "*": "::", "localhost": "127.0.0.1"}.get(host, host)
    if not is_address(host):
        raise click.BadParameter(f"{host!r} is not an IP address")
    return host, int(port)


@click.command("exporter", cls=GroupedCommand)
@option(
    _GROUP,
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="Read [exporter], [modules.NAME] and [web] of this TOML file; without it there is one"
    " module, default, which is --quick.",
)
@option(
    _GROUP,
    "--listen",
    metavar="ADDR:PORT",
    callback=_listen,
    help="Listen there instead of where [exporter] says, or of 127.0.0.1:9843. Beyond loopback"
    " the file must say what may be probed: allow under [exporter].",
)
def command(*, config: str | None, listen: tuple[str, int] | None) -> int:
    """Serve /probe?target=HOST:PORT&module=NAME for Prometheus, until it is stopped.

    A scrape probes its target, or shares the result of another one's probe. SIGHUP and POST
    /-/reload read the file again; where it is broken, the old one stays.
    """
    from tlsresume.cli import console
    from tlsresume.errors import BindingError, ConfigurationFileError
    from tlsresume.features.exporter.settings import LISTEN

    first = _setup(config, 0)
    if listen is None:
        try:
            listen = parse_listen(first.settings.listen or LISTEN)
        except click.BadParameter as error:
            raise ConfigurationFileError(
                f"{config}: exporter.listen: {error.message}", path=config or ""
            ) from None
    try:
        from tlsresume.features.exporter.serving import run
    except ModuleNotFoundError as error:
        raise BindingError(
            f"the exporter needs {error.name}, which is not installed",
            hints=("pip install 'tlsresume[exporter]'",),
        ) from None
    run(first, listen, lambda number: _setup(config, number), note=console.note, warn=console.warn)
    return 0


def _setup(path: str | None, number: int) -> Setup:
    """What the file says now. Raises FileError."""
    from tlsresume.configuration import read_configuration
    from tlsresume.features.exporter import settings
    from tlsresume.features.exporter.command_modules import read_modules

    if path is None:
        return settings.Setup(
            settings=settings.ExporterSettings(),
            web=settings.WebSettings(),
            modules=read_modules(None),
        )
    configuration = read_configuration(path)
    return settings.Setup(
        settings=settings.exporter_settings(configuration),
        web=settings.web_settings(configuration),
        modules=read_modules(configuration),
        generation=number,
    )
