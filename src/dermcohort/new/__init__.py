"""`dermcohort new`: the folder of a study of one's own, which works before anything in it was changed.

`template/` is itself such a study, named mystudy; it is copied with the name of the new one. Its raw file is invented
(`invent`); with files of one's own a mapping of each is drafted instead (`adopt`).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from .adopt import adopt_files
from .invent import invented_people

__all__ = ["NewStudyError", "new_study"]

TEMPLATE_NAME = "mystudy"
LANGUAGES = (("en",), ("en", "zh"))
CHINESE_LABEL = re.compile(r", zh(: [^}\n]*)?(?=[}\]])")
CHINESE_COMMAND = re.compile(r".*--language zh\n")
MADE_UP = re.compile(r"::: \{\.callout-note title=.*?\n:::\n\n", re.DOTALL)


class NewStudyError(Exception):
    """The name of the new study or its languages are not usable."""


def new_study(
    folder: str | os.PathLike[str],
    *,
    cohort: str | None = None,
    raw: str | os.PathLike[str] | None = None,
    encoding: str | None = None,
    languages: Sequence[str] = ("en", "zh"),
) -> list[Path]:
    """Write the skeleton of a study: dictionary, analyses, report, and a raw file of 200 invented people.

    Parameters
    ----------
    folder : path
        A new or empty folder.
    cohort : str, optional
        Name of the cohort: small letters, digits and underscores. Default: made of the folder's name.
    raw : path, optional
        A raw file or a folder of them. Instead of invented people, the mapping of each file is drafted as a wave; the
        files stay where they are.
    encoding : str, optional
        Of those of them that are neither UTF-8 nor tell their own, such as ``gb18030``.
    languages : list of str
        ``["en"]`` or ``["en", "zh"]``: of the labels and the pages of the report.

    Returns
    -------
    list of Path
        The files, relative to `folder`. They appear whole or not at all.

    Raises
    ------
    FileExistsError
        If the folder is not empty.
    NewStudyError
        If no name of a cohort can be made, or the languages are others.
    ReaderError
        If a raw file cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as parent:
    ...     written = new_study(Path(parent, "itch"), languages=["en"])
    ...     print(Path("raw/itch/baseline.csv") in written, len(dc.read_dictionary(f"{parent}/itch/data-dictionary").variables))
    True 12
    """
    target = Path(folder).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"'{target.name}' exists and is not empty: give a new or an empty folder")
    if tuple(languages) not in LANGUAGES:
        raise NewStudyError(
            f"languages: {', '.join(languages) or 'none'} given; they can be en, or en and zh"
        )
    name = _cohort_name(target, cohort)
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        _copy_template(stage, name)
        if raw is None:
            (stage / "raw" / name).mkdir(parents=True)
            invented_people().to_csv(stage / "raw" / name / "baseline.csv", index=False, lineterminator="\n")
        else:
            _take_files(stage, name, Path(raw), encoding, target)
        if "zh" not in languages:
            _leave_out_chinese(stage)
        written = sorted(path.relative_to(stage) for path in stage.rglob("*") if path.is_file())
        _move(stage, target)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return written


def _cohort_name(target: Path, cohort: str | None) -> str:
    name = re.sub(r"\W+", "_", target.name.lower(), flags=re.ASCII).strip("_") if cohort is None else cohort
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) is None:
        found = f"the folder '{target.name}' gives no name" if cohort is None else f"'{cohort}' is none"
        raise NewStudyError(
            f"cohort: {found} of a cohort; it begins with a letter and has small letters, digits and underscores, "
            "such as --cohort north_bay"
        )
    return name


def _copy_template(stage: Path, name: str) -> None:
    with as_file(files(__package__) / "template") as template:
        for source in sorted(template.rglob("*")):
            if source.is_file() and source.suffix != ".pyc":
                relative = source.relative_to(template).as_posix().replace(TEMPLATE_NAME, name)
                # under its own name git would take it for a rule of this package
                _write(stage / relative.replace("gitignore", ".gitignore"), source, name)


def _write(path: Path, source: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source.read_text("utf-8").replace(TEMPLATE_NAME, name), "utf-8", newline="\n")


def _take_files(stage: Path, name: str, raw: Path, encoding: str | None, target: Path) -> None:
    """Drafts in the place of the example's mapping, and texts that say so."""
    cohort = stage / "data-dictionary" / "cohorts" / name
    (cohort / "baseline.yaml").unlink()
    raw_folder = adopt_files(cohort, raw, encoding)
    with as_file(files(__package__) / "own" / "README.md") as readme:
        _write(stage / "README.md", readme, name)
    shown = shlex.quote(Path(os.path.relpath(raw_folder, target)).as_posix())
    _change(stage / "README.md", "RAW_FOLDER", shown)
    for page in (stage / "reports").rglob("*.qmd"):
        page.write_text(MADE_UP.sub("", page.read_text("utf-8")), "utf-8", newline="\n")


def _change(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8", newline="\n")


def _leave_out_chinese(stage: Path) -> None:
    shutil.rmtree(stage / "reports" / "zh")
    (stage / "reports" / "_quarto-zh.yml").unlink()
    for path in (stage / "data-dictionary").rglob("*.yaml"):
        path.write_text(CHINESE_LABEL.sub("", path.read_text("utf-8")), "utf-8", newline="\n")
    readme = stage / "README.md"
    readme.write_text(CHINESE_COMMAND.sub("", readme.read_text("utf-8")), "utf-8", newline="\n")


def _move(stage: Path, target: Path) -> None:
    """Into place by one rename; into an empty folder that is there (the shell may stand in it) by one each."""
    if not target.exists():
        stage.chmod(0o777 & ~_umask())  # a temporary folder is its owner's alone
        stage.rename(target)
        return
    moved: list[Path] = []
    try:
        for entry in sorted(stage.iterdir()):
            moved.append(entry.rename(target / entry.name))
    except BaseException:
        for path in moved:
            path.rename(stage / path.name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
