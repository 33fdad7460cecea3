"""What stands in a PDF of ours, read without the library that wrote it: enough for tests, and no reader of every PDF."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

_OBJECT = re.compile(rb"^(\d+) 0 obj\s(.*?)\sendobj", re.DOTALL | re.MULTILINE)
_STREAM = re.compile(rb"/Length (\d+)\b.*?stream\r?\n(.*)endstream", re.DOTALL)
_SHOWN = re.compile(rb"/(F[\w+]+) [\d.]+ Tf|\(((?:\\.|[^\\()])*)\) Tj|(T\*|Td|Tm|BT)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class Pdf:
    """Attributes:
    pages: the text of each, with a space where a new piece of text begins.
    images, links: how many there are.
    info: the document information, as it stands in the file.
    raw: the file with its streams inflated.
    """

    def __init__(self, data: bytes | Path) -> None:
        data = data.read_bytes() if isinstance(data, Path) else data
        assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")  # noqa: PT018
        self._objects = {int(number): body for number, body in _OBJECT.findall(data)}
        kinds = {number: re.sub(rb"\s+", b" ", body.split(b"stream")[0]) for number, body in self._objects.items()}
        self._fonts = {
            re.search(rb"/Name /(\S+)", body).group(1): self._letters(body)
            for body in kinds.values()
            if b"/ToUnicode" in body
        }
        tree = next(body for body in kinds.values() if b"/Type /Pages" in body)
        order = map(int, re.findall(rb"(\d+) 0 R", re.search(rb"/Kids \[(.*?)\]", tree).group(1)))
        contents = [int(re.search(rb"/Contents (\d+) 0 R", kinds[page]).group(1)) for page in order]
        self.pages = [self._text(self._inflated(number)) for number in contents]
        self.images = sum(b"/Subtype /Image" in body for body in kinds.values())
        self.links = sum(b"/Subtype /Link" in body for body in kinds.values())
        self.info = next(body for body in kinds.values() if b"/CreationDate" in body).decode("latin-1")
        self.raw = b"\n".join([data, *map(self._inflated, self._objects)])

    @property
    def text(self) -> str:
        """Of all pages, with single spaces."""
        return re.sub(r"\s+", " ", " ".join(self.pages))

    def _letters(self, font: bytes) -> dict[int, str]:
        table = self._inflated(int(re.search(rb"/ToUnicode (\d+) 0 R", font).group(1)))
        pairs = re.findall(rb"<([0-9A-F]{2})> <([0-9A-F]{4})>", table)
        return {int(code, 16): bytes.fromhex(sign.decode()).decode("utf-16-be") for code, sign in pairs}

    def _inflated(self, number: int) -> bytes:
        found = _STREAM.search(self._objects[number])
        if found is None or b"FlateDecode" not in self._objects[number]:
            return b""
        return zlib.decompress(found.group(2)[: int(found.group(1))])

    def _text(self, content: bytes) -> str:
        font, text = {}, ""
        for name, shown, moved in _SHOWN.findall(content):
            if name:
                font = self._fonts.get(name, {})
            elif moved:
                text += " "
            else:
                text += "".join(font.get(code, "?") for code in _ESCAPE.sub(_unescaped, shown))
        return text


def _unescaped(found: re.Match[bytes]) -> bytes:
    sign = found.group(1)
    return bytes([int(sign, 8)]) if len(sign) == 3 else _PLAIN.get(sign, sign)
