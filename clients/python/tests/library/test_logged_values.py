"""Values that are no numbers: small ones inline, others as files that other programs can read."""

from __future__ import annotations

import io
import json
import math
import random
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest
from streamgauge import _frame, _values
from streamgauge._values import Audio, Figure, Histogram, Html, Image, Table

from .recorder import Recorder

SOURCES = Path(__file__).resolve().parents[2] / "src"


def convert(value: object) -> tuple[Any, dict[str, bytes]]:
    """What a value becomes, and the files that it left with the run."""
    run: Any = Recorder()
    made = _values.convert(run, "key", value, 3, 1_000)
    assert made is None or made[:3] == ("key", 3, 1_000)
    return made and made.value, run.files


def only_file(value: object, media_type: str) -> bytes:
    made, files = convert(value)
    assert isinstance(made, _frame.Artifact)
    ((path, content),) = files.items()
    assert made.media_type == media_type
    assert path == made.path == f"media/{made.sha256}.{_values._SUFFIXES[media_type]}"
    return content


def pixels(content: bytes) -> Any:
    return np.asarray(PIL.Image.open(io.BytesIO(content)))


def test_text_is_inline_up_to_the_limit() -> None:
    assert convert("é" * 32_768) == (_frame.Text("é" * 32_768), {})
    assert only_file("é" * 32_769, "text/plain").decode() == "é" * 32_769


def test_text_that_is_no_unicode_is_no_error() -> None:
    made, _ = convert("\udc80")
    assert isinstance(made, _frame.Text)


def test_what_is_unknown_is_none() -> None:
    assert convert(object()) == (None, {})
    assert convert(b"bytes") == (None, {})


def test_histogram_of_numpy_is_numpys() -> None:
    values = np.random.default_rng(1).normal(size=5_000)
    made, _ = convert(Histogram(values, bins=30))
    counts, edges = np.histogram(values, 30)
    assert made.counts == counts.tolist()
    assert made.edges == pytest.approx(edges)


def test_an_array_is_its_distribution() -> None:
    made, _ = convert(np.array([[1.0, 2.0], [np.nan, np.inf]], np.float32))
    assert (sum(made.counts), made.edges[0], made.edges[-1], len(made.edges)) == (2, 1, 2, 65)


@pytest.mark.parametrize("seed", range(20))
def test_histograms_with_and_without_numpy_are_the_same(seed: int) -> None:
    draw = random.Random(seed)
    values = [draw.choice([draw.gauss(0, 1), draw.uniform(-1e300, 1e300), 1e-300, math.nan, 3.0]) for _ in range(200)]
    bins = draw.randint(1, 512)
    with_numpy = Histogram(np.array(values), bins=bins)
    numpy, sys.modules["numpy"] = sys.modules["numpy"], None  # type: ignore[assignment]
    try:
        without = Histogram(values, bins=bins)
    finally:
        sys.modules["numpy"] = numpy
    assert with_numpy.edges == without.edges
    assert with_numpy.counts == without.counts
    assert sum(without.counts) == sum(map(math.isfinite, values))


@pytest.mark.parametrize("values", [[5.0] * 3, [0.0], [1e300], [-1.7e308, 1.7e308], [1e16, 1e16 + 2]])
def test_histograms_of_hard_numbers_hold_them_all(values: list[float]) -> None:
    made = Histogram(values)
    assert sum(made.counts) == len(values)
    assert all(map(math.isfinite, made.edges))
    assert sorted(made.edges) == made.edges


def test_histogram_of_nothing_finite_has_no_bins() -> None:
    assert convert(Histogram([math.nan, math.inf])) == (_frame.Histogram([], []), {})


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"values": [1], "edges": [0, 1], "counts": [1]},
        {"edges": [0, 1]},
        {"edges": [0, 1], "counts": [1, 2]},
        {"edges": [1, 0], "counts": [1]},
        {"edges": [0, math.inf], "counts": [1]},
        {"values": [1], "bins": 513},
        {"edges": list(range(514)), "counts": [1] * 513},
    ],
)
def test_histograms_that_are_none(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Histogram|edges"):
        Histogram(**arguments)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
def test_images_of_bytes_are_kept_exactly(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    read = pixels(only_file(Image(array), "image/png"))
    assert (read == array.reshape(read.shape)).all()


def test_images_of_floats_are_scaled_and_clipped() -> None:
    array = np.array([[0.0, 0.5, 1.0], [-1.0, 2.0, np.nan]])
    assert pixels(only_file(Image(array), "image/png")).tolist() == [[0, 128, 255], [0, 255, 0]]


def test_channels_first_is_turned() -> None:
    array = np.random.default_rng(1).integers(0, 256, (3, 5, 7), np.uint8)
    assert (pixels(only_file(Image(array), "image/png")) == array.transpose(1, 2, 0)).all()


def test_images_of_truths_and_lists() -> None:
    assert pixels(only_file(Image(np.array([[True, False]])), "image/png")).tolist() == [[255, 0]]
    assert pixels(only_file(Image([[(1, 2, 3), (4, 5, 300)]]), "image/png")).tolist() == [[[1, 2, 3], [4, 5, 255]]]


def test_a_caption_is_inside_the_file() -> None:
    content = only_file(Image(np.zeros((2, 2)), caption="épuisé"), "image/png")
    image = PIL.Image.open(io.BytesIO(content))
    image.load()
    assert image.text == {"Description": "épuisé"}


def test_images_of_pil_and_of_files(tmp_path: Path) -> None:
    picture = PIL.Image.effect_noise((9, 4), 50)
    assert (pixels(only_file(picture, "image/png")) == np.asarray(picture)).all()
    picture.save(tmp_path / "a.jpg")
    assert only_file(Image(tmp_path / "a.jpg"), "image/jpeg") == (tmp_path / "a.jpg").read_bytes()


@pytest.mark.parametrize("data", [np.zeros((2, 2, 5)), np.zeros((0, 2)), np.zeros(3), b"no image", [[1], [1, 2]], []])
def test_what_is_no_image(data: Any) -> None:
    with pytest.raises(ValueError, match=r"image has|at least one|are not an image|inhomogeneous"):
        Image(data)


def sound(content: bytes) -> tuple[int, int, list[int]]:
    with wave.open(io.BytesIO(content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").tolist()
        return file.getnchannels(), file.getframerate(), samples


@pytest.mark.parametrize("library", [np.array, list])
def test_audio_is_wav(library: Any) -> None:
    content = only_file(Audio(library([0.0, 0.5, 1.0, -2.0]), 8_000), "audio/wav")
    assert sound(content) == (1, 8_000, [0, 16_384, 32_767, -32_768])
    content = only_file(Audio(library([[1, 2], [3, 4]]), 8_000), "audio/wav")
    assert sound(content) == (2, 8_000, [1, 2, 3, 4])


def test_audio_without_numpy_is_the_same() -> None:
    code = f"""
import sys; sys.path.insert(0, {str(SOURCES)!r})
from streamgauge._values import Audio, Image, Histogram
assert "numpy" not in sys.modules
print(Audio([[0.0, 0.5], [1.0, -2.0]], 8000)._file.content.hex())
print(Image([[0.0, 0.5], [1.0, 2.0]])._file.content.hex())
"""
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert bytes.fromhex(said[0]) == Audio(np.array([[0.0, 0.5], [1.0, -2.0]]), 8_000)._file.content
    assert bytes.fromhex(said[1]) == Image(np.array([[0.0, 0.5], [1.0, 2.0]]))._file.content


def test_a_table_is_inline_while_it_is_small() -> None:
    table = Table(columns=["a", "b"], data=[[1, "x"]])
    table.add_data(math.nan, np.float32(0.5))
    made, _ = convert(table)
    assert json.loads(made.json) == {"_type": "table", "columns": ["a", "b"], "data": [[1, "x"], ["nan", 0.5]]}
    large = Table(columns=["a"], data=[["x" * 100]] * 1_000)
    content = only_file(large, _values.TABLE_TYPE)
    assert len(json.loads(content)["data"]) == 1_000


def test_tables_of_pandas_and_of_mappings() -> None:
    frame = pd.DataFrame({"n": [1, 2], "t": pd.to_datetime(["2026-01-01", None])})
    made, _ = convert(frame)
    assert json.loads(made.json)["data"] == [[1, "2026-01-01T00:00:00"], [2, "NaT"]]
    made, _ = convert(Table([{"a": 1}, {"b": 2}]))
    assert json.loads(made.json)["data"] == [[1, None], [None, 2]]


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        Table(columns=["a", "b"], data=[[1]])


def test_figures_of_matplotlib_are_pictures() -> None:
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing()
    axes = drawing.subplots()
    axes.plot([1, 2])
    assert pixels(only_file(drawing, "image/png")).shape[2] == 4
    assert only_file(Figure(axes), "image/png") == only_file(drawing, "image/png")


def test_figures_of_plotly_are_their_json() -> None:
    class Plot:
        def to_json(self) -> str:
            return '{"data":[]}'

        def to_plotly_json(self) -> dict[str, Any]:
            return {"data": []}

    assert only_file(Figure(Plot()), _values.PLOTLY_TYPE) == b'{"data":[]}'
    with pytest.raises(TypeError, match="not int"):
        Figure(3)


def test_html_and_lists() -> None:
    assert only_file(Html("<b>x</b>"), "text/html") == b"<b>x</b>"
    assert convert([1, "a", None]) == (_frame.Json('[1,"a",null]'), {})


def test_the_same_picture_is_one_file() -> None:
    run: Any = Recorder()
    for key in ("a", "b"):
        _values.convert(run, key, Image(np.zeros((2, 2))), 0, 0)
    assert len(run.files) == 1
