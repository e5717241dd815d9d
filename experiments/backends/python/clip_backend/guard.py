"""A small process beside the service: it ends ffmpeg's groups where the service was killed and
could not. The kernel's signal reaches ffmpeg itself, but not what a wrapper in its place started.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

# Groups come and go by lines on stdin, which ends with the service. A shell, since another Python
# would weigh 7 MB; in the background, so that the service's children are its ffmpegs alone. A
# shell gives what it starts so another stdin: hence 3.
_SCRIPT = """
exec 3<&0
(
  groups=" "
  while read -r sign group <&3; do
    case $sign in
      +) groups="$groups$group " ;;
      -) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
    esac
  done
  for group in $groups; do kill -s KILL -- "-$group"; done
) &
"""


class Guard:
    def __init__(self) -> None:
        read_end, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)
        subprocess.run(
            ["/bin/sh", "-c", _SCRIPT],
            stdin=read_end,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,  # what a terminal sends to the service is not for the guard
            check=True,
        )
        os.close(read_end)

    def began(self, group: int) -> None:
        self._tell(f"+ {group}\n")

    def ended(self, group: int) -> None:
        self._tell(f"- {group}\n")

    def _tell(self, line: str) -> None:
        with suppress(OSError):  # a guard that was killed, or stopped, cannot be told
            os.write(self._pipe, line.encode())
