"""What a page that is sent to others does not tell: secrets in command lines, and whose folders files lay in.

One rule for all pages, and for the notebooks that they are made of. Records, `--json` and a terminal keep what
was there: it is the user's own. What is masked is what looks like a secret; that something does not look like
one does not make it none, so what is sent is to be read before.
"""

from __future__ import annotations

import html
import re
from pathlib import PurePosixPath

from clipkit.format import printable

MASK = "***"

_ENDING = (
    r"(?:[\w.-]{0,80}[_.-])?(?:token|secret|password|passwd|passphrase|pwd|apikey|authorization|auth|"
    r"credentials?|signature|sig|cookies?|headers?|session|key)"
)
"""What a name ends in that names a secret: `--api-key`, `AWS_SECRET_ACCESS_KEY`, `-decryption_key`."""
_CAMEL = r"[A-Za-z][A-Za-z0-9]{0,80}(?:Token|Secret|Password|Key|KeyId|Signature|Credentials?)"
_NAME = rf"(?:(?i:{_ENDING})|{_CAMEL})"
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'(?:"'"'[^']*')*|[^\s'"`,;&|)\]}]+)"""
"""A word of a command line, quoted or not."""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # https://user:password@host/path?with=values
    (re.compile(r"(?<=://)[^\s/@'\"]+@"), f"{MASK}@"),
    (re.compile(r"((?<![\w+.-])[A-Za-z][\w+.-]{0,30}://[^\s'\"`?#]*)\?[^\s'\"`]*"), rf"\1?{MASK}"),
    (re.compile(rf"([?&]{_NAME}=)[^\s&'\"`]+"), rf"\1{MASK}"),
    # Authorization: Bearer abc, to the end of its line or quotation
    (
        re.compile(
            r"((?i:\b(?:proxy-)?authorization|\b(?:set-)?cookie|(?<![\w-])x-[\w-]{0,60}(?:key|token|auth))\s*:\s*)"
            r"[^\r\n'\"\\]+"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b((?i:bearer)\s+[\"']?)[\w.~+/=-]{8,}"), rf"\1{MASK}"),
    # --token abc, -headers 'X: y', --token=abc; and what the environment or a form is given, KEY=abc
    (re.compile(rf"(?<![\w-])(--?{_NAME})(\s+|=){_VALUE}"), rf"\1\2{MASK}"),
    (re.compile(rf"(?<![\w.-])({_NAME}=){_VALUE}"), rf"\1{MASK}"),
    (re.compile(rf"""(?<![\w.-])(["']?{_NAME}["']?\s*:\s*)["'][^"']+["']"""), rf"\1{MASK}"),
    # What is known by its shape.
    (
        re.compile(
            r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[opsur]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
            r"|\bsk-[\w-]{16,}|\bxox[abeprs]-[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
        ),
        MASK,
    ),
)

_KNOWN_TO_ALL = ("/dev/", "/proc/", "/sys/")
"""Below these lies the same on every machine."""
_NO_PATH = r"\s'\"`,;|<>(){}\[\]"
_ROOTED = re.compile(
    rf"(?:(?<=[\s'\"`=(\[{{<>,|:])|^)(file:(?://)?)?"
    rf"(/(?!/)[^{_NO_PATH}]*/[^{_NO_PATH}]*|~/[^{_NO_PATH}]+)"
)
_QUOTED = re.compile(
    r"""(["'`])(file:(?://)?)?(/(?!/)(?:(?!\1)[^/\n])*/(?:(?!\1)[^\n])*|~/(?:(?!\1)[^\n])+)\1"""
)


def escaped(text: str) -> str:
    """The text as HTML: fit to be sent, and nothing in it a browser takes for more than letters."""
    return html.escape(fit_to_show(text))


def fit_to_show(text: str) -> str:
    """The text as pages and charts show it, letter by letter, in letters that a file can hold."""
    return printable(fit_to_send(text)).encode("utf-8", "replace").decode("utf-8")


def fit_to_send(text: str) -> str:
    """The text without what looks like a secret, and of an absolute path its last name alone."""
    return without_folders(without_secrets(text))


def without_secrets(text: str) -> str:
    for rule, instead in _RULES:
        text = rule.sub(instead, text)
    return text


def without_folders(text: str) -> str:
    """Where somebody keeps files is nobody's business."""
    text = _QUOTED.sub(lambda found: f"{found[1]}{found[2] or ''}{_last(found[3])}{found[1]}", text)
    return _ROOTED.sub(lambda found: f"{found[1] or ''}{_last(found[2])}", text)


def _last(path: str) -> str:
    return path if path.startswith(_KNOWN_TO_ALL) else PurePosixPath(path).name
