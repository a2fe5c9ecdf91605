"""Write the pages of the reference, docs/reference/, from the docstrings: `make docs` runs it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from griffe import Docstring, DocstringSection, DocstringSectionKind

import dermcohort as dc
from dermcohort import disclosure
from dermcohort.figures import save_figure
from dermcohort.storage import write_text

FOLDER = Path(__file__).parent / "reference"
MODULES: dict[str, ModuleType] = {
    **{
        name: getattr(dc, name)
        for name in (
            "describe", "prevalence", "survey", "regression", "survival", "missing", "meta", "mixtures",
            "accuracy", "power", "bias", "report",
        )
    },
    "disclosure": disclosure,
}  # fmt: skip
LISTED = {
    DocstringSectionKind.parameters: "Parameters",
    DocstringSectionKind.other_parameters: "Other parameters",
    DocstringSectionKind.attributes: "Attributes",
    DocstringSectionKind.returns: "Returns",
    DocstringSectionKind.yields: "Yields",
    DocstringSectionKind.raises: "Raises",
}


def write_reference() -> None:
    """A page for what `import dermcohort as dc` has itself, and one for each module of it."""
    top = {name: getattr(dc, name) for name in dc.__all__ if not inspect.ismodule(getattr(dc, name))}
    top["save_figure"] = save_figure
    write_text(FOLDER / "dermcohort.md", page("dermcohort", dc, top))
    for name, module in MODULES.items():
        write_text(FOLDER / f"{name}.md", page(f"dc.{name}", module, public_names(module)))


def public_names(module: ModuleType) -> dict[str, Any]:
    """The names of a module by which it is called; `disclosure` has no list, its face is one function."""
    return {name: getattr(module, name) for name in getattr(module, "__all__", ["suppress"])}


def page(title: str, module: ModuleType, names: dict[str, Any]) -> str:
    """Title, a table of all names with their first sentences, then each in full: functions before classes."""
    ordered = sorted(names, key=lambda name: (inspect.isclass(names[name]), name.lower()))
    rows = [f"| [`{name}`](#{name}) | {first_sentence(names[name])} |" for name in ordered]
    parts = [f"# {title}", inspect.getdoc(module) or "", "\n".join(["| name | |", "|--|--|", *rows])]
    for name in ordered:
        parts += class_text(name, names[name]) if inspect.isclass(names[name]) else entry(name, names[name])
    return "\n\n".join(parts) + "\n"


def entry(name: str, item: Any, level: str = "##", owner: str = "") -> list[str]:
    """Heading, signature and docstring of a function or method."""
    heading = f"{level} {name} {{#{owner}{name}}}"
    return [heading, f"```python\n{signature(name, item)}\n```", *docstring(item)]


def class_text(name: str, item: type) -> list[str]:
    """Docstring of a class, and what it adds to `Estimates`."""
    heading = f"## {name} {{#{name}}}"
    base = "" if item is dc.Estimates or not issubclass(item, dc.Estimates) else (
        "It has all that [`Estimates`](dermcohort.md#Estimates) have."
    )  # fmt: skip
    parts = [heading, *docstring(item), base]
    for member in sorted(member for member in vars(item) if not member.startswith("_")):
        found = inspect.getattr_static(item, member)
        if isinstance(found, property | cached_property) and found.__doc__:
            parts += [f"### .{member} {{#{name}.{member}}}", *docstring(found)]
        elif isinstance(found, FunctionType | classmethod | staticmethod) and getattr(item, member).__doc__:
            parts += entry(f".{member}", getattr(item, member), "###", name)
    return parts


def first_sentence(item: Any) -> str:
    """The first paragraph of a docstring in one line, for a cell of a table."""
    return " ".join((inspect.getdoc(item) or "").split("\n\n")[0].split()).replace("|", "\\|")


def signature(name: str, item: Any) -> str:
    """The call as one types it; an argument a line where one line is too long."""
    parameters = [p for p in inspect.signature(item).parameters.values() if p.name != "self"]
    shown, keyword_only = [], False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            shown.append("*")
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        shown.append(f"{parameter.name}{default}")
    line = f"{name}({', '.join(shown)})"
    return line if len(line) <= 88 else "\n".join([f"{name}(", *(f"    {part}," for part in shown), ")"])


# ------------------------------------------------------------------------------------- docstrings


def docstring(item: Any) -> list[str]:
    """The sections of a NumPy docstring as Markdown."""
    parsed = Docstring(inspect.getdoc(item) or "", lineno=1).parse("numpy", warnings=False)
    return [text for section in parsed for text in section_text(section)]


def section_text(section: DocstringSection) -> Iterable[str]:
    kind = section.kind
    if kind is DocstringSectionKind.text:
        return [section.value]
    if kind is DocstringSectionKind.examples:
        return ["**Example**", *(example(*part) for part in section.value)]
    if kind in LISTED:
        return [f"**{LISTED[kind]}**", "\n\n".join(definition(item) for item in section.value)]
    return [f"**{section.title or section.value.kind.title()}**", section.value.contents]


def example(kind: DocstringSectionKind, text: str) -> str:
    return text if kind is DocstringSectionKind.text else f"```python\n{text}\n```"


def definition(item: Any) -> str:
    """``name`` *type*, with the description below it."""
    name = getattr(item, "name", "")
    kind = str(item.annotation or "")
    term = " ".join(
        part for part in (f"`{name}`" if name else "", f"[{kind}]{{.type}}" if kind else "") if part
    )
    lines = item.description.strip().splitlines() or ["<!-- -->"]
    return "\n".join(
        [term or "value", f":   {lines[0]}", *(f"    {line}" if line else "" for line in lines[1:])]
    )


if __name__ == "__main__":
    write_reference()
