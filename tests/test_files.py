"""files.py: a file is written whole or not at all, and nothing is left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tlsresume.errors import ExitStatus, OutputFileError
from tlsresume.files import write_atomically


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def failing(error):
    def fail(*arguments, **options):
        raise error

    return fail


def test_new_file(tmp_path):
    """The file has the bytes and the mode, and stands alone in its folder."""
    path = tmp_path / "f"
    write_atomically(str(path), b"data")
    assert path.read_bytes() == b"data"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["f"]


def test_relative_path(tmp_path, monkeypatch):
    """A bare name is written into the current folder."""
    monkeypatch.chdir(tmp_path)
    write_atomically("f", b"data")
    assert names(tmp_path) == ["f"]


def test_mode_and_umask(tmp_path):
    """The mode asked for is used, less the umask."""
    old = os.umask(0o027)
    try:
        write_atomically(str(tmp_path / "f"), b"", mode=0o644)
    finally:
        os.umask(old)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640


def test_existing_file(tmp_path):
    """An existing file is replaced only with force, which the hint names; its mode is ours then."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o644)
    with pytest.raises(OutputFileError) as caught:
        write_atomically(str(path), b"new")
    assert caught.value.hints == ("--force replaces it",)
    assert caught.value.exit_status is ExitStatus.FILE
    assert path.read_bytes() == b"old"
    write_atomically(str(path), b"new", force=True)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["f"]


def test_file_that_appears_meanwhile(tmp_path, monkeypatch):
    """A file that another process makes at the last moment is not replaced."""
    path = tmp_path / "f"
    real = os.fsync

    def fsync(fd):
        if not path.exists():
            path.write_bytes(b"theirs")
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputFileError, match="exists already"):
        write_atomically(str(path), b"ours")
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("dangling", [False, True])
def test_link(tmp_path, dangling):
    """A link counts as existing; with force the link is replaced, its target left alone."""
    target, link = tmp_path / "target", tmp_path / "link"
    if not dangling:
        target.write_bytes(b"precious")
    link.symlink_to("target")
    with pytest.raises(OutputFileError, match="exists already"):
        write_atomically(str(link), b"new")
    write_atomically(str(link), b"new", force=True)
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"
    assert dangling or target.read_bytes() == b"precious"


@pytest.mark.parametrize("force", [False, True])
def test_folder_and_devices(tmp_path, force):
    """Folders, devices and pipes are never replaced."""
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "not a regular file"),
        (Path("/dev/null"), "not a regular file"),
    ):
        with pytest.raises(OutputFileError, match=message):
            write_atomically(str(path), b"", force=force)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere/f", "no such file or directory"),
        ("file/f", "not a directory"),
        ("x" * 300, "file name too long"),
        ("a\0b", "null"),
        ("", "is a folder|no such file"),
    ],
)
def test_impossible_paths(tmp_path, monkeypatch, path, message):
    """A path that cannot be written is an error of ours, with the system's reason."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"")
    with pytest.raises(OutputFileError, match=message):
        write_atomically(path, b"data")
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("call", ["write", "fsync", "open"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device")])
def test_full_disk(tmp_path, monkeypatch, call, error, force):
    """A full disk leaves the old file as it was, and no other."""
    path = tmp_path / "f"
    if force:
        path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(error))
        with pytest.raises(OutputFileError) as caught:
            write_atomically(str(path), b"new", force=force)
    assert "no space left on device" in caught.value.message
    assert caught.value.hints == ("The disk is full; nothing was written.",)
    assert names(tmp_path) == (["f"] if force else [])
    assert not force or path.read_bytes() == b"old"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("call", ["write", "fsync", "link", "replace"])
def test_interrupt(tmp_path, monkeypatch, call, force):
    """Ctrl-C at any step is passed on, and leaves no new file behind."""
    if force and call == "link":
        pytest.skip("with force no link is made")
    with monkeypatch.context() as patch:
        if call == "replace":
            patch.setattr(os, "link", failing(OSError(errno.EPERM, "no links here")))
            patch.setattr(Path, "replace", failing(KeyboardInterrupt()))
        else:
            patch.setattr(os, call, failing(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            write_atomically(str(tmp_path / "f"), b"new", force=force)
    assert names(tmp_path) == []


def test_short_writes(tmp_path, monkeypatch):
    """A system that takes a few bytes at a time gets them all."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:3]))
    write_atomically(str(tmp_path / "f"), b"0123456789")
    assert (tmp_path / "f").read_bytes() == b"0123456789"


def test_file_system_without_links(tmp_path, monkeypatch):
    """Where there are no hard links the promise is the same."""
    monkeypatch.setattr(os, "link", failing(OSError(errno.EPERM, "Operation not permitted")))
    path = tmp_path / "f"
    write_atomically(str(path), b"data")
    assert path.read_bytes() == b"data"
    with pytest.raises(OutputFileError, match="exists already"):
        write_atomically(str(path), b"new")
    assert names(tmp_path) == ["f"]
