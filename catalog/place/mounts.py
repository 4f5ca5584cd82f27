"""What kind of file system a folder lies on, as Linux tells it."""

from pathlib import Path

_SHARED = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "pvfs2", "orangefs"}
"""Kinds that several machines share. SQLite's write-ahead log wants one memory for all who write: one machine's.

Source: SQLite, Write-Ahead Logging, "All processes using a database must be on the same host computer"."""


def shared_by_machines(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Tell whether a folder, be it there or not, lies on a network file system; no, where that cannot be read."""
    if not mounts.is_file():
        return False
    lines = (line.split(" ") for line in mounts.read_text(errors="replace").splitlines())
    kinds = {Path(_plain(line[1])): line[2] for line in lines if len(line) > 2}
    place = folder.resolve()
    kind = next((kinds[one] for one in (place, *place.parents) if one in kinds), "")
    return kind in _SHARED or kind.startswith("fuse.")


def _plain(name: str) -> str:
    """Read a name in which spaces and the like are octal."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        name = name.replace(code, character)
    return name
