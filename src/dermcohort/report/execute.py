"""Run the cells of a document in a fresh kernel and put what they show into its Markdown.

The result is plain Markdown with fenced divs: nothing here depends on the format that is written.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import ReportError, place
from .qmd import Cell, Document
from .words import LANGUAGE_VARIABLE

MISSING = (
    "the embedded engine needs packages that are not installed ({}): "
    'run pip install "dermcohort[report]", or install Quarto'
)
# figures as vector graphics and, for Word, as pixels; the same bytes for the same figure
# (told to the kernel, which loads matplotlib only for cells that draw)
DRAWING = (
    "--InlineBackend.figure_formats={'svg', 'png'}",
    "--InlineBackend.print_figure_kwargs={'bbox_inches': 'tight', 'metadata': {'Date': None}, 'dpi': 300}",
    "--InlineBackend.rc={'svg.hashsalt': 'dermcohort'}",
)
INLINE = "module://matplotlib_inline.backend_inline"
# what matplotlib calls return is no result for a reader
PLOT_OBJECT = re.compile(r"^[\[(]*(<Axes|<Figure|<matplotlib|Text\(|array\(\[+<Axes)")
# a warning begins with a file that exists only inside the kernel
KERNEL_FILE = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py:\d+: ")
COLOR_CODES = re.compile(r"\x1b\[[0-9;]*m")
IMAGES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}
IN_ORDER_OF_CHOICE = ("text/markdown", *IMAGES, "text/html", "text/latex", "text/plain")


def execute(
    document: Document,
    params: Mapping[str, Any],
    defaults: Mapping[str, Any],
    files: Path,
    language: str = "en",
) -> str:
    """Run the document and return its Markdown.

    Parameters
    ----------
    params : mapping
        Values set after the parameters cell, of names the document declares.
    defaults : mapping
        Options of cells that do not say otherwise (`echo`, `warning` …).
    files : Path
        Folder for the images the cells make.
    language : str
        Language that `Results` takes printed names from.

    Raises
    ------
    ReportError
        With file, line and the last line of the exception, if a cell fails.
    """
    cells = [part for part in document.parts if isinstance(part, Cell)]
    options = {id(cell): {**defaults, **cell.options} for cell in cells}
    run = [cell for cell in cells if options[id(cell)].get("eval", True) is not False and cell.code.strip()]
    outputs = _run(document, run, options, params, language) if run else {}
    parts = []
    for number, part in enumerate(document.parts):
        if isinstance(part, Cell):
            stem = f"{part.label or 'cell'}-{number}"
            parts.append(_markdown(part, options[id(part)], outputs.get(id(part), []), files / stem))
        else:
            parts.append(part)
    return "\n\n".join(parts)


# ------------------------------------------------------------------------------------- the kernel


def _run(
    document: Document,
    cells: Sequence[Cell],
    options: Mapping[int, Mapping[str, Any]],
    params: Mapping[str, Any],
    language: str,
) -> dict[int, list[Any]]:
    """Outputs of each cell, under the id of the cell."""
    try:
        import nbformat
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
        from jupyter_client.manager import AsyncKernelManager
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, DeadKernelError
    except ImportError as error:
        raise ReportError(MISSING.format(error.name)) from None
    new_cell = nbformat.v4.new_code_cell
    notebook = nbformat.v4.new_notebook()
    injected = new_cell("\n".join(f"{name} = {value!r}" for name, value in params.items()))
    if document.parameters_cell is None:
        notebook.cells.append(injected)
    made = {}
    for cell in cells:
        tags = ["raises-exception"] if options[id(cell)].get("error") is True else []
        made[id(cell)] = new_cell(cell.code, metadata={"tags": tags})
        notebook.cells.append(made[id(cell)])
        if cell is document.parameters_cell:
            notebook.cells.append(injected)
    # without folders to search, the kernel is that of the running interpreter, whatever else is installed
    manager = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    sockets = tempfile.TemporaryDirectory(prefix="dc-")
    if os.name == "posix":
        # files, not ports: two kernels that start at once may be given the same port, and other users of the
        # machine could reach it
        manager.transport, manager.ip = "ipc", f"{sockets.name}/k"
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=None,
        shutdown_kernel="immediate",
        extra_arguments=["--log-level=ERROR", *DRAWING],
        resources={"metadata": {"path": str(document.path.parent.resolve())}},
    )
    # a backend chosen for scripts (Agg) would leave the cells without images
    environment = {**os.environ, "MPLBACKEND": INLINE, LANGUAGE_VARIABLE: language}
    try:
        # a kernel whose manager is given would be left running without cleanup_kc
        client.execute(cleanup_kc=True, env=environment)
    except CellExecutionError:
        failed = next(cell for cell in cells if _error_of(made[id(cell)], options[id(cell)]))
        raise ReportError(_failure(failed, made[id(failed)])) from None
    except DeadKernelError:
        begun = [cell for cell in cells if "execution" in made[id(cell)].metadata]
        where = begun[-1].place if begun else place(document.path)
        raise ReportError(f"{where}: the kernel died while this cell ran; is there enough memory?") from None
    except NoSuchKernel:
        raise ReportError(MISSING.format("ipykernel")) from None
    finally:
        sockets.cleanup()
    return {cell: found.outputs for cell, found in made.items()}


def _error_of(made: Any, options: Mapping[str, Any]) -> Any:
    if options.get("error") is True:
        return None
    return next((output for output in made.outputs if output.output_type == "error"), None)


def _failure(cell: Cell, made: Any) -> str:
    error = next(output for output in made.outputs if output.output_type == "error")
    name = f"cell '{cell.label}'" if cell.label else "the cell"
    lines = f"{error.ename}: {error.evalue}".strip().splitlines()
    message = " ".join(line.strip() for line in lines)
    return f"{cell.place}: {name} failed: {COLOR_CODES.sub('', message)}"


# ------------------------------------------------------------------------------------- outputs


def _markdown(cell: Cell, options: Mapping[str, Any], outputs: Sequence[Any], files: Path) -> str:
    """Markdown of a cell: its code if asked for, its outputs, as a numbered float if it has a label for one."""
    if options.get("include", True) is False:
        return ""
    parts = []
    if options.get("echo", True) is not False:
        parts.append(_fenced(cell.code, "{.python .cell-code}"))
    if options.get("output", True) is not False:
        shown = [
            _shown(output, options, files.with_name(f"{files.name}-{n}"))
            for n, output in enumerate(_joined(outputs))
        ]
        parts.append(_as_float(cell, options, "\n\n".join(text for text in shown if text)))
    return "\n\n".join(part for part in parts if part)


def _joined(outputs: Sequence[Any]) -> list[Any]:
    """Pieces of the same stream as one output: the kernel may send a text in several."""
    found: list[Any] = []
    for output in outputs:
        if (
            found
            and output.output_type == found[-1].output_type == "stream"
            and output.name == found[-1].name
        ):
            found[-1] = type(output)({**found[-1], "text": found[-1].text + output.text})
        else:
            found.append(output)
    return found


def _shown(output: Any, options: Mapping[str, Any], file: Path) -> str:
    """One output as Markdown."""
    asis = options.get("output") == "asis"
    if output.output_type == "stream":
        if output.name == "stderr" and options.get("warning", True) is False:
            return ""
        if asis and output.name == "stdout":
            return output.text
        return _fenced(COLOR_CODES.sub("", KERNEL_FILE.sub("", output.text)), "{.cell-output}")
    if output.output_type == "error":
        text = f"{output.ename}: {output.evalue}"
        return _fenced(COLOR_CODES.sub("", text), "{.cell-output .cell-error}")
    if output.output_type not in ("display_data", "execute_result"):
        return ""
    kind = next((kind for kind in IN_ORDER_OF_CHOICE if kind in output.data), None)
    if kind is None:
        return ""
    content = output.data[kind]
    if kind in IMAGES:
        return _image(output.data, file, options)
    if kind == "text/html":
        return f"::: {{.table-scroll}}\n\n{_fenced(content, '{=html}')}\n\n:::"
    if kind == "text/plain":
        return "" if PLOT_OBJECT.match(content) else _fenced(content, "{.cell-output}")
    return content


def _image(data: Mapping[str, str], stem: Path, options: Mapping[str, Any]) -> str:
    """The image in every form there is, one file beside the other; the page names the first."""
    files = []
    for kind, suffix in IMAGES.items():
        if kind in data:
            files.append(stem.with_name(f"{stem.name}.{suffix}"))
            content = data[kind]
            files[-1].write_bytes(content.encode() if suffix == "svg" else base64.b64decode(content))
    alt = options.get("fig-alt")
    return f"![](<{files[0].as_posix()}>){{.cell-figure{_attribute('fig-alt', alt)}}}"


def _as_float(cell: Cell, options: Mapping[str, Any], content: str) -> str:
    """The outputs in a div with label and caption, which `document` numbers."""
    label, kind = cell.label or "", (cell.label or "").split("-")[0]
    caption = (
        options.get("tbl-cap" if kind == "tbl" else "fig-cap")
        or options.get("fig-cap")
        or options.get("tbl-cap")
    )
    if kind not in ("fig", "tbl"):
        kind, label = ("tbl" if "tbl-cap" in options else "fig"), ""
    if not content or not (label or caption):
        return content
    identity = f"#{label} " if label else ""
    below = f"::: {{.float-caption}}\n{caption}\n:::" if caption else "::: {.float-caption}\n:::"
    return f"::: {{{identity}.float-{kind}}}\n\n{content}\n\n{below}\n\n:::"


def _fenced(text: str, attributes: str) -> str:
    """A code block whose fence is longer than any in the text."""
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{ticks}{attributes}\n{text.rstrip(chr(10))}\n{ticks}"


def _attribute(name: str, value: Any) -> str:
    if not value:
        return ""
    text = " ".join(str(value).split()).replace("\\", "\\\\").replace('"', '\\"')
    return f' {name}="{text}"'
