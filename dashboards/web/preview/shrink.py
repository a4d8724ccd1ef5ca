"""shrink.py FROM TO: copies pictures with few colours, which is what charts have, as small PNGs."""

import sys
from pathlib import Path

from PIL import Image

COLOURS = 256
BYTES_MAX = 120_000


def few_colours(picture: Image.Image) -> Image.Image:
    """The most frequent ones stay as they are: large areas must not change their colour."""
    counted = picture.getcolors(picture.width * picture.height) or []
    frequent = [colour for _, colour in sorted(counted, reverse=True)[:COLOURS]]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in frequent for part in colour])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    for file in sorted(source.glob("*.png")):
        with Image.open(file) as picture:
            few_colours(picture.convert("RGB")).save(target / file.name, optimize=True)
        if (size := (target / file.name).stat().st_size) > BYTES_MAX:
            sys.exit(f"{file.name} has {size:,} bytes, and more than {BYTES_MAX:,} are too many for a repository")


if __name__ == "__main__":
    main()
