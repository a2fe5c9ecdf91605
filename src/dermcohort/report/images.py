"""Files of images: where they are, and as pixels for Word."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from urllib.parse import unquote

from .errors import ReportError
from .execute import MISSING

SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]+:|//)", re.IGNORECASE)
DPI = 300


def image_file(address: str, folder: Path, root: Path, where: str) -> Path:
    """The file of an image; an address with a slash in front is relative to the root of the project."""
    if SCHEME.match(address):
        raise ReportError(
            f"{where}: the image '{address}' is elsewhere; a page asks nothing of the network: "
            "save the image beside the report"
        )
    name = unquote(address)
    is_of_root = name.startswith("/") and not Path(name).is_file()
    file = root / name.lstrip("/") if is_of_root else folder / name
    if not file.is_file():
        raise ReportError(f"{where}: the image '{address}' does not exist")
    return file.resolve()


def as_pixels(file: Path, folder: Path) -> Path:
    """The image as PNG or JPEG: the file itself, what stands beside an SVG, else the SVG drawn by typst."""
    if file.suffix.lower() != ".svg":
        return file
    beside = file.with_suffix(".png")
    if beside.is_file():
        return beside
    try:
        import typst
    except ImportError:
        raise ReportError(MISSING.format("typst")) from None
    name = f"vector-{len(list(folder.glob('vector-*.svg')))}"
    (folder / f"{name}.svg").write_bytes(file.read_bytes())
    main, drawn = folder / f"{name}.typ", folder / f"{name}.png"
    main.write_text(
        f'#set page(width: auto, height: auto, margin: 0pt, fill: white)\n#image("{name}.svg")', "utf-8"
    )
    typst.compile(str(main), output=str(drawn), root=str(folder), format="png", ppi=DPI)
    return drawn


def png_inches(file: Path) -> tuple[float, float] | None:
    """Width and height that a PNG states, at 300 dpi where it states none; nothing of another file."""
    data = file.read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    width, height = struct.unpack(">II", data[16:24])
    found = data.find(b"pHYs", 0, 2048)
    per_meter = struct.unpack(">I", data[found + 4 : found + 8])[0] if found > 0 else 0
    dpi = per_meter * 0.0254 if per_meter > 2000 else DPI
    return width / dpi, height / dpi
