"""shrink.py FROM TO: copies pictures with few colours, which is what charts have, as small PNGs."""

import sys
from pathlib import Path

from PIL import Image

COLOURS = 96


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    for file in sorted(source.glob("*.png")):
        with Image.open(file) as picture:
            picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(target / file.name, optimize=True)


if __name__ == "__main__":
    main()
