"""Every error that clipkit raises on purpose. Each message says what, where, and what to do next.

ClipkitError                 exit 1: the work failed or was refused
├── UsageError               exit 2: the request itself is wrong
│   ├── SettingsError        an unknown setting, or a value that it cannot take
│   ├── HostError            an unknown host, or a size that is none
│   ├── ClipListError        a list of clips that cannot be read, times that are no times
│   ├── TemplateError        a command template that lacks a placeholder or has an unknown one
│   ├── ExperimentError      an experiment's file
│   ├── DriveError           the description of a server's routes
│   └── NotebookError        a notebook's parameter that does not exist
├── UploadError              no such upload, no video in it, damaged
├── ClipRangeError           a clip that lies outside its upload
├── FfmpegError              ffmpeg is missing, or it cannot do with the upload what the settings need
│   └── ModeRefused          this mode cannot make such a clip as it has to be; mode auto takes the next one
├── OutputError              the output folder cannot be written or is full, or stdout
│   └── Unread               nobody reads on what is printed
├── CeilingError             a ceiling cannot be set up, or is too small for the engine itself or for one clip
├── EngineError              the engine died or spoke nonsense
├── CampaignError            a campaign's folder is missing, damaged or in use
├── ReportError              a notebook failed; it is kept with what it had
├── BackendError             a service's folder is missing or wrong, it cannot be built, or does not start
└── Cancelled                exit 130: the user interrupted; what was finished is kept
"""

from __future__ import annotations

import errno
import os


def os_error_words(error: OSError) -> str:
    """What the system refused, of what, and what to do where we know."""
    names = [
        os.fsdecode(name)
        for name in (error.filename, error.filename2)
        if isinstance(name, str | bytes)
    ]
    told = (
        f"{' and '.join(names)}: {error.strerror or error}"
        if names
        else str(error.strerror or error)
    )
    return f"{told}{_REMEDIES.get(error.errno or 0, '')}"


_REMEDIES = {
    errno.EMFILE: ": raise the limit with `ulimit -n 4096`",
    errno.ENOSPC: ": make room on that disk",
    errno.EDQUOT: ": make room within your quota",
}


class ClipkitError(Exception):
    """Base of all errors that are the user's to read; `exit_code` is what the command ends with."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback (IPython asks for it): the message is all."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(ClipkitError):
    exit_code = 2


class SettingsError(UsageError):
    pass


class HostError(UsageError):
    pass


class ClipListError(UsageError):
    pass


class TemplateError(UsageError):
    pass


class ExperimentError(UsageError):
    pass


class DriveError(UsageError):
    pass


class NotebookError(UsageError):
    pass


class UploadError(ClipkitError):
    pass


class ClipRangeError(ClipkitError):
    pass


class FfmpegError(ClipkitError):
    pass


class ModeRefused(FfmpegError):
    pass


class OutputError(ClipkitError):
    pass


class Unread(OutputError):
    pass


class CeilingError(ClipkitError):
    pass


class EngineError(ClipkitError):
    pass


class CampaignError(ClipkitError):
    pass


class ReportError(ClipkitError):
    pass


class BackendError(ClipkitError):
    pass


class Cancelled(ClipkitError):
    exit_code = 130
