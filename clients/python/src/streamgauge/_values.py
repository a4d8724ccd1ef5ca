"""What can be logged besides numbers: texts, histograms, images, audio, tables, figures, HTML.

    run.log({"text": "hello", "weights": streamgauge.Histogram(w), "sample": streamgauge.Image(array)}, step=3)

Small values travel in the frame beside the points; what is larger than INLINE_BYTES_MAX, and everything that is a file
by nature, becomes an artifact `media/<sha256>.<suffix>` of the run, named by its content, so that the same picture
logged twice is stored once. The frame then carries the reference.

A value is converted when it is logged, in the thread that logs it: what changes later is not seen, and what `log`
accepted survives a crash. A picture of a million pixels takes some 50 ms. Nothing but the standard library is needed;
numpy arrays, torch and JAX tensors, PIL images, pandas frames, matplotlib and plotly figures are understood as they
are.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import struct
import sys
import wave
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import _frame

if TYPE_CHECKING:
    from ._run import Run

__all__ = ["Audio", "Figure", "Histogram", "Html", "Image", "Table"]

# Beyond this a value is an artifact.
INLINE_BYTES_MAX = 64 << 10
BINS_MAX = 512
BINS = 64
# One media file. A larger one belongs to log_artifact.
FILE_BYTES_MAX = 256 << 20
TABLE_ROWS_MAX = 100_000
CAPTION_CHARS_MAX = 1_000

FOLDER = "media"
_SUFFIXES = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "text/plain": "txt",
    "text/html": "html",
    "application/json": "json",
    "application/vnd.plotly.v1+json": "plotly.json",
    "application/vnd.streamgauge.table+json": "table.json",
    "application/vnd.streamgauge.histogram+json": "histogram.json",
}
TABLE_TYPE = "application/vnd.streamgauge.table+json"
PLOTLY_TYPE = "application/vnd.plotly.v1+json"


class _File:
    """Bytes of a media type, to be stored as an artifact."""

    def __init__(self, content: bytes, media_type: str):
        if len(content) > FILE_BYTES_MAX:
            raise ValueError(
                f"{len(content)} bytes are more than the {FILE_BYTES_MAX} of a logged value: use an artifact"
            )
        self.content = content
        self.media_type = media_type

    def path(self) -> str:
        return f"{FOLDER}/{hashlib.sha256(self.content).hexdigest()}.{_SUFFIXES.get(self.media_type, 'bin')}"


def convert(run: Run, key: str, value: object, step: int, time_ms: int) -> _frame.SmallValue | None:
    """The value as it travels; its file, if it has one, is handed to the run. None: a value of no known kind.

    ValueError and TypeError say what is wrong with a value of a known kind, OSError that there is no room for its file.
    """
    made = _made(value)
    if made is None:
        return None
    if isinstance(made, _File):
        made = run._append_artifact(made.path(), made.content, made.media_type)
    return _frame.SmallValue(key, step, time_ms, made)


def _made(value: object) -> Any:
    """A value as one of _frame's kinds, or as a file."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (Histogram, Image, Audio, Table, Figure, Html)):
        return value._made()
    for kind, named in ((Figure, _is_figure), (Image, _is_image), (Table, _is_frame), (Histogram, _is_numbers)):
        if named(value):
            return kind(value)._made()
    if isinstance(value, Mapping) or _is_json(value):
        return _json(value, "application/json")
    return None


def _text(text: str) -> Any:
    if len(text.encode("utf-8", "replace")) <= INLINE_BYTES_MAX:
        return _frame.Text(text)
    return _File(text.encode("utf-8", "replace"), "text/plain")


def _json(value: object, media_type: str, kind: str = "") -> Any:
    """JSON inline if it is small. `kind` marks what it is: {"_type": kind, ...}."""
    if kind and isinstance(value, Mapping):
        value = {"_type": kind, **value}
    text = json.dumps(value, default=_jsonable, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode("utf-8", "replace")) <= INLINE_BYTES_MAX:
        return _frame.Json(text)
    return _File(text.encode("utf-8", "replace"), media_type)


def _jsonable(value: object) -> Any:
    """What JSON does not know: numbers and arrays of libraries, dates, and the rest as text."""
    for method in ("tolist", "item", "isoformat"):
        if hasattr(value, method):
            try:
                return getattr(value, method)()
            except (TypeError, ValueError):
                continue
    return str(value)


def _is_json(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) <= TABLE_ROWS_MAX


# What a value is, told by the module of its type, so that no library is imported to find out.


def _of(value: object, *names: str) -> bool:
    return any(f"{t.__module__.split('.')[0]}.{t.__name__}" in names for t in type(value).__mro__)


def _is_figure(value: object) -> bool:
    return _of(value, "matplotlib.Figure", "matplotlib.Axes", "plotly.BaseFigure")


def _is_image(value: object) -> bool:
    return _of(value, "PIL.Image")


def _is_frame(value: object) -> bool:
    return _of(value, "pandas.DataFrame", "polars.DataFrame", "pyarrow.Table")


def _is_numbers(value: object) -> bool:
    """A bare array is shown as the distribution of its numbers."""
    return hasattr(value, "shape") and (_is_tensor(value) or hasattr(value, "__array__"))


def _is_tensor(value: object) -> bool:
    return _of(value, "torch.Tensor")


def _numpy(value: Any) -> Any:
    """A numpy array of an array, tensor or nested sequence; None if numpy is not there."""
    if _is_tensor(value):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":  # numpy has none
            value = value.float()
        value = value.numpy()
    # Whoever has an array has numpy already; it is not imported for lists.
    numpy: Any = sys.modules.get("numpy")
    if numpy is None:
        if not hasattr(value, "__array__"):
            return None
        import numpy
    return numpy.asarray(value)


class Histogram:
    """The distribution of numbers: of `values` in `bins` bins of equal width, or given as `edges` and `counts`.

    There is one more edge than counts. NaN and infinities have no bin; they are left out. A histogram of no finite
    number has no bins.
    """

    def __init__(
        self,
        values: Any = None,
        *,
        bins: int = BINS,
        edges: Sequence[float] | None = None,
        counts: Sequence[float] | None = None,
    ):
        if (edges is None) != (counts is None) or (edges is None) == (values is None):
            raise ValueError("a Histogram takes values, or edges and counts")
        if edges is not None and counts is not None:
            self.edges, self.counts = [float(e) for e in edges], [float(c) for c in counts]
            if len(self.edges) != len(self.counts) + 1:
                raise ValueError(f"{len(self.edges)} edges and {len(self.counts)} counts: there is one more edge")
            if sorted(self.edges) != self.edges or not all(map(math.isfinite, self.edges)):
                raise ValueError("the edges of a Histogram are finite and rise")
        else:
            if not 1 <= bins <= BINS_MAX:
                raise ValueError(f"a Histogram has 1 to {BINS_MAX} bins")
            self.edges, self.counts = _distribution(values, bins)
        if len(self.counts) > BINS_MAX:
            raise ValueError(f"a Histogram has at most {BINS_MAX} bins")

    def _made(self) -> _frame.Histogram:
        return _frame.Histogram(self.edges, self.counts)


def _distribution(values: Any, bins: int) -> tuple[list[float], list[float]]:
    array = _numpy(values)
    if array is not None:
        numpy = sys.modules["numpy"]
        flat = array.astype(numpy.float64).ravel()
        flat = flat[numpy.isfinite(flat)]
        if not flat.size:
            return [], []
        counts, edges = numpy.histogram(flat, _edges(float(flat.min()), float(flat.max()), bins))
        return edges.tolist(), counts.astype(numpy.float64).tolist()
    finite = [x for x in _flat(values) if math.isfinite(x)]
    if not finite:
        return [], []
    edges = _edges(min(finite), max(finite), bins)
    counts = [0.0] * bins
    for x in finite:
        at = min(int((x - edges[0]) / (edges[-1] - edges[0]) * bins), bins - 1)
        # Rounding may be one bin off; the edges decide.
        while at > 0 and x < edges[at]:
            at -= 1
        while at < bins - 1 and x >= edges[at + 1]:
            at += 1
        counts[at] += 1
    return edges, counts


def _edges(least: float, greatest: float, bins: int) -> list[float]:
    """Edges of equal distance; numbers that are all the same get a bin of width around them."""
    # Their difference may be more than a float holds, or less than their precision.
    width = greatest / 2 - least / 2
    if width <= max(abs(least), abs(greatest)) * 1e-15 * bins:
        half = max(abs(least) * 1e-3, 0.5)
        least, greatest = least - half, greatest + half
        width = greatest / 2 - least / 2
    inner = [least + width * (i / bins) + width * (i / bins) for i in range(1, bins)]
    return [least, *inner, greatest]


def _flat(values: Any) -> Iterable[float]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            yield float(value)


class Image:
    """A picture: an array, a PIL image, the path of a file, or its bytes.

    An array is height x width, or height x width x 1 to 4 channels (grey, grey and alpha, RGB, RGBA); tensors with the
    channels first are turned. Floats lie between 0 and 1, integers between 0 and 255; what lies outside is clipped.
    """

    def __init__(self, data: Any, caption: str = ""):
        self.caption = str(caption)[:CAPTION_CHARS_MAX]
        self._file = _image(data, self.caption)

    def _made(self) -> _File:
        return self._file


def _image(data: Any, caption: str) -> _File:
    if isinstance(data, (str, os.PathLike)):
        data = _read(data)
    if isinstance(data, (bytes, bytearray, memoryview)):
        return _File(bytes(data), _media_type(bytes(data), "an image", "image/"))
    if _is_image(data):
        out = io.BytesIO()
        data.save(out, format="PNG", compress_level=3)
        return _File(_with_caption(out.getvalue(), caption), "image/png")
    height, width, channels, pixels = _pixels(data)
    return _File(png(height, width, channels, pixels, caption), "image/png")


def _pixels(data: Any) -> tuple[int, int, int, bytes]:
    """Height, width, channels and the bytes of 8 bit samples, row by row."""
    array = _numpy(data)
    if array is None:
        return _pixels_of_lists(data)
    numpy = sys.modules["numpy"]
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 2, 3, 4):
        array = array.transpose(1, 2, 0)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4) or 0 in array.shape:
        raise ValueError(f"an image has height x width (x 1 to 4 channels), not {'x'.join(map(str, array.shape))}")
    if array.dtype == bool:
        array = array * numpy.uint8(255)
    elif array.dtype != numpy.uint8:
        scale = 255.0 if numpy.issubdtype(array.dtype, numpy.floating) else 1.0
        array = numpy.nan_to_num(array.astype(numpy.float64) * scale, posinf=255.0, neginf=0.0)
        array = numpy.clip(numpy.rint(array), 0, 255).astype(numpy.uint8)
    height, width, channels = array.shape
    return height, width, channels, numpy.ascontiguousarray(array).tobytes()


def _pixels_of_lists(rows: Any) -> tuple[int, int, int, bytes]:
    height, width = len(rows), len(rows[0]) if len(rows) else 0
    if not height or not width:
        raise ValueError("an image has at least one pixel")
    first = rows[0][0]
    channels = len(first) if isinstance(first, (list, tuple)) else 1
    samples = [x for row in rows for pixel in row for x in (pixel if isinstance(pixel, (list, tuple)) else (pixel,))]
    if len(samples) != height * width * channels or channels > 4:
        raise ValueError("the rows of an image have the same length, and its pixels 1 to 4 channels")
    scale = 255.0 if any(isinstance(x, float) for x in samples) else 1
    return height, width, channels, bytes(max(0, min(255, round(x * scale))) if x == x else 0 for x in samples)


# PNG's colour types by number of channels.
_PNG_COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}
_PNG_START = b"\x89PNG\r\n\x1a\n"
# The training waits: more effort takes two to ten times as long, for a tenth of the size.
_PNG_EFFORT = 1


def png(height: int, width: int, channels: int, pixels: bytes, caption: str = "") -> bytes:
    """A PNG file of 8 bit samples (https://www.w3.org/TR/png-3/)."""
    stride = width * channels
    rows = b"".join(b"\0" + pixels[at : at + stride] for at in range(0, height * stride, stride))
    head = struct.pack(">IIBBBBB", width, height, 8, _PNG_COLOUR[channels], 0, 0, 0)
    body = _chunk(b"IDAT", zlib.compress(rows, _PNG_EFFORT))
    return _with_caption(_PNG_START + _chunk(b"IHDR", head) + body + _chunk(b"IEND", b""), caption)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _with_caption(content: bytes, caption: str) -> bytes:
    """The caption travels inside the file, as the text chunk `Description` in UTF-8."""
    if not caption:
        return content
    text = b"Description\0\0\0\0\0" + caption.encode("utf-8", "replace")
    head_end = len(_PNG_START) + 25
    return content[:head_end] + _chunk(b"iTXt", text) + content[head_end:]


class Audio:
    """Sound: an array of samples (n, or n x channels) with its `sample_rate` in Hz, the path of a file, or its bytes.

    Floats lie between -1 and 1 and become 16 bit; what lies outside is clipped. Integers are 16 bit samples.
    """

    def __init__(self, data: Any, sample_rate: int = 44_100):
        if isinstance(data, (str, os.PathLike)):
            data = _read(data)
        if isinstance(data, (bytes, bytearray, memoryview)):
            self._file = _File(bytes(data), _media_type(bytes(data), "audio", "audio/"))
        else:
            self._file = _File(_wav(data, int(sample_rate)), "audio/wav")

    def _made(self) -> _File:
        return self._file


_SAMPLE_MAX = 32_767


def _wav(data: Any, sample_rate: int) -> bytes:
    if sample_rate <= 0:
        raise ValueError("the sample rate is above 0 Hz")
    channels, samples = _samples(data)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples)
    return out.getvalue()


def _samples(data: Any) -> tuple[int, bytes]:
    """Channels, and 16 bit little-endian samples with the channels interleaved."""
    array = _numpy(data)
    if array is not None:
        numpy = sys.modules["numpy"]
        if array.ndim not in (1, 2) or (array.ndim == 2 and not 1 <= array.shape[1] <= 64):
            raise ValueError(f"audio has n samples (x 1 to 64 channels), not {'x'.join(map(str, array.shape))}")
        if numpy.issubdtype(array.dtype, numpy.floating):
            array = numpy.rint(numpy.nan_to_num(array.astype(numpy.float64)) * _SAMPLE_MAX)
        return (1 if array.ndim == 1 else array.shape[1]), numpy.clip(array, -32_768, _SAMPLE_MAX).astype(
            "<i2"
        ).tobytes()
    rows = [row if isinstance(row, (list, tuple)) else (row,) for row in data]
    channels = len(rows[0]) if rows else 1
    if any(len(row) != channels for row in rows) or not 1 <= channels <= 64:
        raise ValueError("every sample has the same number of channels, 1 to 64")
    flat = [x for row in rows for x in row]
    scale = _SAMPLE_MAX if any(isinstance(x, float) for x in flat) else 1
    return channels, b"".join(
        struct.pack("<h", max(-32_768, min(_SAMPLE_MAX, round(x * scale))) if x == x else 0) for x in flat
    )


class Table:
    """Rows and columns: `Table(columns=["a", "b"], data=[[1, 2]])`, or a pandas, polars or pyarrow table."""

    def __init__(self, data: Any = None, columns: Sequence[str] | None = None):
        columns, rows = _rows(data, columns)
        self.columns = [str(column) for column in columns]
        self.rows: list[list[Any]] = []
        for row in rows:
            self.add_data(*row)

    def add_data(self, *row: Any) -> None:
        """Adds a row, a cell for each column."""
        if len(row) != len(self.columns):
            raise ValueError(f"a row of {len(row)} cells for {len(self.columns)} columns")
        if len(self.rows) >= TABLE_ROWS_MAX:
            raise ValueError(f"a Table has at most {TABLE_ROWS_MAX} rows: use an artifact")
        self.rows.append([_cell(cell) for cell in row])

    def _made(self) -> Any:
        return _json({"columns": self.columns, "data": self.rows}, TABLE_TYPE, "table")


def _rows(data: Any, columns: Sequence[str] | None) -> tuple[Sequence[Any], Iterable[Sequence[Any]]]:
    if _of(data, "pandas.DataFrame"):
        return list(data.columns), data.itertuples(index=False, name=None)
    if _of(data, "polars.DataFrame"):
        return list(data.columns), data.iter_rows()
    if _of(data, "pyarrow.Table"):
        return data.column_names, (list(row.values()) for row in data.to_pylist())
    rows = list(data) if data is not None else []
    if rows and all(isinstance(row, Mapping) for row in rows):
        names = list(columns) if columns else list(dict.fromkeys(name for row in rows for name in row))
        return names, ([row.get(name) for name in names] for row in rows)
    if columns is None:
        columns = [str(i) for i in range(len(rows[0]))] if rows else []
    return columns, rows


def _cell(cell: Any) -> Any:
    """A cell as JSON knows it; what JSON has no number for (NaN, infinities) as text."""
    if hasattr(cell, "item") and getattr(cell, "shape", None) == ():
        cell = cell.item()
    if isinstance(cell, float) and not math.isfinite(cell):
        return str(cell)
    if cell is None or isinstance(cell, (bool, int, float, str)):
        return cell
    return _jsonable(cell)


class Figure:
    """A matplotlib figure or axes (stored as PNG), or a plotly figure (stored as its JSON)."""

    def __init__(self, figure: Any):
        if hasattr(figure, "to_json") and hasattr(figure, "to_plotly_json"):
            self._file = _File(figure.to_json().encode(), PLOTLY_TYPE)
            return
        figure = getattr(figure, "figure", None) or figure
        if not hasattr(figure, "savefig"):
            raise TypeError(f"a Figure is of matplotlib or plotly, not {type(figure).__name__}")
        out = io.BytesIO()
        figure.savefig(out, format="png", bbox_inches="tight")
        self._file = _File(out.getvalue(), "image/png")

    def _made(self) -> _File:
        return self._file


class Html:
    """A piece of HTML, or the path of a file. Pages show it without letting its scripts near anything else."""

    def __init__(self, data: str | os.PathLike[str]):
        text = _read(data) if isinstance(data, os.PathLike) else data.encode("utf-8", "replace")
        self._file = _File(text, "text/html")

    def _made(self) -> _File:
        return self._file


# How the files begin that are taken as they are.
_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"<svg", "image/svg+xml"),
    (b"<?xml", "image/svg+xml"),
)


def _media_type(content: bytes, what: str, kind: str) -> str:
    if content[:4] == b"RIFF":
        found = {b"WAVE": "audio/wav", b"WEBP": "image/webp"}.get(content[8:12], "")
    else:
        found = next((media_type for magic, media_type in _MAGIC if content.startswith(magic)), "")
    if not found.startswith(kind):
        raise ValueError(f"these bytes are not {what} of a known form: " + repr(content[:8]))
    return found


def _read(path: Any) -> bytes:
    with open(path, "rb") as file:
        return file.read(FILE_BYTES_MAX + 1)
