"""Cut the font for Chinese figures and documents: python tools/cut_font.py NotoSansCJK-Regular.ttc

The source is the static Noto Sans CJK 2.004 (Debian and Ubuntu: package fonts-noto-cjk, the file in
/usr/share/fonts/opentype/noto/). Kept are the 6,763 characters of GB 2312, CJK and fullwidth punctuation, Latin,
Greek, the signs of statistics, and whatever else stands in the dictionaries and catalogues of this repository.
The family is renamed, as the Open Font License asks of changed versions. Needs fonttools.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src" / "dermcohort" / "fonts" / "DermcohortCJK-Regular.otf"
SOURCE_FAMILY, FAMILY = "Noto Sans CJK SC", "Dermcohort CJK"
READ_TOO = ("data-dictionary/**/*", "src/dermcohort/**/*.yaml", "reports/**/*.qmd", "examples/**/*.yaml")
RANGES = [
    (0x20, 0x7E), (0xA0, 0x17F),  # Latin
    (0x391, 0x3C9),  # Greek
    (0x2010, 0x2027), (0x2030, 0x203B), (0x2070, 0x2079), (0x2080, 0x2089), (0x2190, 0x2193), (0x2200, 0x2265),
    (0x2460, 0x2473), (0x25A0, 0x25CF), (0x3000, 0x301F), (0xFF01, 0xFF5E), (0xFFE0, 0xFFE5),
]  # fmt: skip


def characters() -> set[int]:
    """Code points to keep."""
    kept = {code for first, last in RANGES for code in range(first, last + 1)}
    # rows 16 to 87 of GB 2312 are its two levels of Han characters; five places are empty
    for row in range(0xB0, 0xF8):
        for cell in range(0xA1, 0xFF):
            kept.update(map(ord, bytes([row, cell]).decode("gb2312", errors="ignore")))
    for pattern in READ_TOO:
        for path in ROOT.glob(pattern):
            if path.suffix in (".yaml", ".csv", ".qmd", ".md"):
                kept.update(map(ord, path.read_text("utf-8")))
    return kept


def rename(font: TTFont) -> None:
    """The family under its own name; copyright, designers and license stay."""
    table = font["name"]
    names = {
        1: FAMILY, 2: "Regular", 3: "DermcohortCJK-Regular, from Noto Sans CJK SC 2.004",
        4: f"{FAMILY} Regular", 6: "DermcohortCJK-Regular",
    }  # fmt: skip
    table.names = [name for name in table.names if name.nameID in (0, 5, 8, 9, 10, 13, 14)]
    for number, text in names.items():
        table.setName(text, number, 3, 1, 0x409)
    outlines = font["CFF "].cff
    outlines.fontNames = ["DermcohortCJK-Regular"]
    outlines.topDictIndex[0].FullName = f"{FAMILY} Regular"
    outlines.topDictIndex[0].FamilyName = FAMILY


def main(source: str) -> None:
    fonts = TTCollection(source).fonts
    font = next(f for f in fonts if f["name"].getDebugName(1) == SOURCE_FAMILY)
    options = Options()
    options.layout_features = ["kern", "ccmp", "locl", "mark", "mkmk"]
    options.hinting = False
    options.name_IDs = ["*"]
    options.drop_tables += ["VORG", "vhea", "vmtx", "DSIG"]
    options.recalc_timestamp = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    rename(font)
    font.save(TARGET)
    print(f"{TARGET.name}: {len(font.getBestCmap()):,} characters, {TARGET.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
