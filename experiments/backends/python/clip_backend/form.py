"""The rules of an upload's form, held against its bytes as they come. Keeps none of the file's."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from clip_backend.problems import Problem

FIELD = b"video"
_MOST_PARTS = 16
_MOST_TEXT_BYTES = 64 * 1024
_MOST_PART_HEADER_BYTES = 16 * 1024
_AROUND_A_HEADER = len(": \r\n")
AROUND_THE_FILE_BYTES = 1024**2
"""More than all that may surround a file: 16 headers, the text, the boundaries."""


def boundary_of(content_type: str | None) -> bytes:
    """Raises Problem where the request is no form, or has no boundary."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise Problem(415, "an upload is multipart/form-data")
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise Problem(400, "the content type names no boundary")
    return boundary


class VideoForm:
    """One form with one file part named `video`. `feed` returns the file's bytes of a block."""

    def __init__(self, boundary: bytes, max_file_bytes: int) -> None:
        self.file_bytes = 0
        self.whole = False  # the closing boundary was seen: the parser itself asks for none
        self._max_file_bytes = max_file_bytes
        self._parts = 0
        self._text_bytes = 0
        self._files = 0
        self._in_file = False
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._slices: list[bytes] = []
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_end": self._on_end,
                },
                max_header_count=_MOST_PART_HEADER_BYTES,
                max_header_size=_MOST_PART_HEADER_BYTES,
            )
        except FormParserError:
            raise Problem(400, "the boundary is too long") from None

    def feed(self, block: bytes) -> bytes:
        """The file's bytes in `block`. Raises Problem as soon as a rule is broken."""
        try:
            self._parser.write(block)
        except FormParserError:
            raise Problem(400, "the body is no well-formed multipart/form-data") from None
        found = b"".join(self._slices)
        self._slices.clear()
        return found

    def check_whole(self) -> None:
        """Called at the body's end. Raises Problem."""
        if not self.whole:
            raise Problem(400, "the body ends before its closing boundary")
        if self._files == 0:
            raise Problem(400, "there is no file part named video")
        if self.file_bytes == 0:
            raise Problem(400, "the file has no byte in it")

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise Problem(400, f"more than {_MOST_PARTS} parts")
        self._in_file = False
        self._headers = {}
        self._header_bytes = 0

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        self._count_header(_AROUND_A_HEADER)
        self._headers.setdefault(bytes(self._header_name).lower(), bytes(self._header_value))
        self._header_name.clear()
        self._header_value.clear()

    def _count_header(self, length: int) -> None:
        self._header_bytes += length
        if self._header_bytes > _MOST_PART_HEADER_BYTES:
            raise Problem(400, "the header of a part is too long")

    def _on_headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"").decode("latin-1")
        kind, options = parse_options_header(disposition)
        name = options.get(b"name")
        if kind != b"form-data" or name is None:
            raise Problem(400, "a part is no form-data with a name")
        named_file = bool(options.get(b"filename"))
        if name != FIELD:
            if b"filename" in options:
                raise Problem(400, "there is another file part than video")
            return
        if not named_file:
            raise Problem(400, "the part named video has no file name")
        self._files += 1
        if self._files > 1:
            raise Problem(400, "there are two parts named video")
        self._in_file = True

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if not self._in_file:
            self._text_bytes += end - start
            if self._text_bytes > _MOST_TEXT_BYTES:
                raise Problem(400, "too much text beside the file")
            return
        self.file_bytes += end - start
        if self.file_bytes > self._max_file_bytes:
            raise too_large(self._max_file_bytes)
        self._slices.append(data[start:end])

    def _on_end(self) -> None:
        self.whole = True


def too_large(max_file_bytes: int) -> Problem:
    return Problem(413, f"the file is larger than {max_file_bytes} bytes")
