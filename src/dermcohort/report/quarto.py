"""The other engine: the program `quarto`, where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import ReportError
from .words import LANGUAGE_VARIABLE

SUFFIXES = {"html": ".html", "docx": ".docx", "pdf": ".pdf", "typst": ".pdf"}


def render_with_quarto(
    path: Path, formats: Sequence[str], language: str | None, params: Mapping[str, Any], output: Path
) -> list[Path]:
    """Run ``quarto render`` and put its files into `output` when all formats succeeded; returns the pages."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as temporary:
        for format in formats:
            command = ["quarto", "render", str(path.resolve()), "--to", format, "--output-dir", temporary]
            for name, value in params.items():
                command += ["-P", f"{name}:{value if isinstance(value, str) else json.dumps(value)}"]
            if language is not None:
                command += ["-M", f"lang:{language}"]
            _run(command, language or "en")
        files = sorted(file for file in Path(temporary).rglob("*") if file.is_file())
        moved = []
        for file in files:
            target = output / file.relative_to(temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, target)
            moved.append(target)
    wanted = {SUFFIXES.get(format, f".{format}") for format in formats}
    pages = [file for file in moved if file.suffix in wanted]
    return sorted(pages, key=lambda page: (page.relative_to(output) != Path("index.html"), page))


def _run(command: list[str], language: str) -> None:
    # the kernel of this interpreter, which has dermcohort
    environment = {**os.environ, "QUARTO_PYTHON": sys.executable, LANGUAGE_VARIABLE: language}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-5:]
        raise ReportError("quarto render failed: " + "\n".join(last))
