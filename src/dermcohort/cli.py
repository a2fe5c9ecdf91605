"""The command line: the same steps as in Python, with help, progress and exit codes.

Exit codes: 0 clean, 1 findings of severity error, 2 wrong dictionary or arguments, 3 unreadable file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
import yaml

from . import __version__

FINDINGS, WRONG, UNREADABLE = 1, 2, 3
PEOPLE, SHARE = click.IntRange(min=300), click.FloatRange(0, 0.5)  # what simulate_cohorts accepts


def _exit_codes(command: Callable[..., int | None]) -> Callable[..., None]:
    """Turn the package's errors into one clear message and the exit code of their kind."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        from .dictionary import DictionaryError
        from .harmonize import HarmonizeError
        from .new import NewStudyError
        from .pipeline import AnalysisError
        from .readers import ReaderError
        from .report import ReportError
        from .study import StudyError

        try:
            code = command(*args, **kwargs) or 0
        except (
            DictionaryError,
            StudyError,
            AnalysisError,
            ReportError,
            NewStudyError,
            FileExistsError,
        ) as error:
            _fail(str(error), WRONG)
        except HarmonizeError as error:
            _fail(str(error), FINDINGS)
        except BrokenPipeError:  # the reader of our output went away, as in `dermcohort run | head`
            raise
        except (ReaderError, OSError) as error:
            _fail(str(error), UNREADABLE)
        else:
            sys.exit(code)

    return run


def _fail(message: str, code: int) -> None:
    click.echo(f"dermcohort: {message}", err=True)
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def main() -> None:
    """Harmonize, analyse and report population cohorts of skin health.

    \b
    Start here, in a clone of the project:
      dermcohort demo
    or with a study of your own:
      dermcohort new mystudy
    """


@main.command()
@click.option(
    "--n",
    default=15_000,
    type=PEOPLE,
    show_default=True,
    help="People in the three simulated cohorts together.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same files.")
@_exit_codes
def demo(n: int, seed: int) -> int:
    """Simulate three cohorts, harmonize them, run the analyses, render the report.

    \b
    Example:
      dermcohort demo --n 15000
    """
    from . import harmonize_to, read_dictionary, simulate_cohorts
    from .pipeline import run_analyses
    from .report import render

    _need_folders("data-dictionary", "analyses", "reports")
    click.echo(f"1/4 simulate {n:,} people into raw/")
    simulate_cohorts("raw", n=n, seed=seed)
    click.echo("2/4 harmonize raw/ into harmonized/")
    harmonize_to(read_dictionary("data-dictionary"), raw="raw", to="harmonized", progress=True)
    _say_counts(Path("harmonized"))
    click.echo("     (errors were planted in 1% of the rows: dermcohort harmonize lists what was found)")
    click.echo("3/4 run analyses/ into results/")
    run_analyses(Path("analyses"), Path("harmonized"), Path("results"), say=click.echo)
    click.echo("4/4 render reports/ in both languages into _site/")
    pages = render("reports", language=("en", "zh"), output="_site")
    click.echo(f"done: open {os.path.relpath(pages[0])} in a browser")
    return 0  # the dirt is planted: findings are expected here


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--cohort", help="Name of the cohort; by default made of the folder's name.")
@click.option(
    "--raw", type=click.Path(path_type=Path), help="Your raw file or folder of them: drafts its mapping."
)
@click.option("--encoding", help="Of texts in --raw that are not UTF-8, such as gb18030.")
@click.option(
    "--language",
    default="en,zh",
    show_default=True,
    type=click.Choice(["en", "en,zh"]),
    help="Of labels and report.",
)
@_exit_codes
def new(folder: Path, cohort: str | None, raw: Path | None, encoding: str | None, language: str) -> int:
    """Write the skeleton of a study of your own into FOLDER: dictionary, analyses and report that work at once.

    Without --raw the study has 200 invented people.

    \b
    Example:
      dermcohort new mystudy
      dermcohort new mystudy --raw delivered/baseline.sav
    """
    from .new import new_study

    for path in new_study(folder, cohort=cohort, raw=raw, encoding=encoding, languages=language.split(",")):
        click.echo(str(folder / path))
    click.echo(f"done: read {folder / 'README.md'}, and type its commands in {folder}")
    return 0


@main.command()
@click.argument("raw", type=click.Path(path_type=Path))
@click.option(
    "--n", default=150_000, type=PEOPLE, show_default=True, help="People in the three cohorts together."
)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same files.")
@click.option(
    "--dirty", default=0.01, type=SHARE, show_default=True, help="Share of rows with planted errors."
)
@_exit_codes
def simulate(raw: Path, n: int, seed: int, dirty: float) -> int:
    """Write simulated raw files of three cohorts, and the truth behind them, into RAW.

    \b
    Example:
      dermcohort simulate raw/ --n 15000 --seed 1
    """
    from . import simulate_cohorts

    simulate_cohorts(raw, n=n, seed=seed, dirty=dirty)
    for path in sorted(raw.rglob("*.*")):
        click.echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


@main.group(name="dict")
def dictionary_group() -> None:
    """Look after the data dictionary."""


@dictionary_group.command()
@click.argument("folder", default="data-dictionary", type=click.Path(path_type=Path))
@click.option("--raw", type=click.Path(path_type=Path), help="Compare with the raw files in this folder too.")
@_exit_codes
def check(folder: Path, raw: Path | None) -> int:
    """Lint the dictionary in FOLDER: every problem with file, line, column and code.

    With --raw the rules are compared with the headers of the raw files, and new deliveries with the locks that
    'dict lock' wrote. Exit code 2 where there are errors, 0 with warnings only.

    \b
    Example:
      dermcohort dict check data-dictionary
      dermcohort dict check data-dictionary --raw raw/
    """
    from .dictionary import check_dictionary, check_raw

    dictionary, problems = check_dictionary(folder)
    if dictionary is not None and raw is not None:
        problems = sorted([*problems, *check_raw(dictionary, raw)])
    for problem in problems:
        click.echo(str(problem))
    errors = sum(problem.level == "error" for problem in problems)
    warnings = len(problems) - errors
    if dictionary is not None:
        waves = list(dictionary.waves())
        click.echo(
            f"{len(dictionary.variables)} variables, {len(waves)} waves of {len(dictionary.cohorts)} cohorts"
        )
    click.echo(f"{errors} error(s), {warnings} warning(s)")
    return WRONG if errors else 0


@dictionary_group.command()
@click.argument("folder", default="data-dictionary", type=click.Path(path_type=Path))
@click.option("--raw", default="raw", show_default=True, type=click.Path(path_type=Path))
@click.option("--wave", help="Only this COHORT/WAVE, or all waves of this COHORT.")
@_exit_codes
def lock(folder: Path, raw: Path, wave: str | None) -> int:
    """Remember what the raw files look like, so that 'dict check --raw' can tell what a new delivery changed.

    Writes cohorts/COHORT/WAVE.lock.json into FOLDER; it belongs into version control. Exit code 2 where a file
    does not fit its rules.

    \b
    Example:
      dermcohort dict lock data-dictionary --raw raw/
      dermcohort dict lock data-dictionary --raw raw/ --wave college/followup2
    """
    from .dictionary import lock_raw, read_dictionary

    try:
        paths = lock_raw(read_dictionary(folder), raw, wave)
    except KeyError as error:
        _fail(str(error.args[0]), WRONG)
        return WRONG
    for path in paths:
        click.echo(str(path))
    return 0


@dictionary_group.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("folder", default="data-dictionary", type=click.Path(path_type=Path))
@click.option("--wave", help="COHORT/WAVE; by default folder and name of the file.")
@click.option("--to", "target", type=click.Path(path_type=Path), help="Write here instead of printing.")
@click.option("--encoding", help="Of the texts in FILE.")
@click.option("--delimiter", help="Of a CSV.")
@click.option("--sheet", help="Of a workbook.")
@_exit_codes
def draft(file: Path, folder: Path, wave: str | None, target: Path | None, **options: str | None) -> int:
    """Propose a mapping of FILE to the schema in FOLDER, from its names, labels and codes; all undecided.

    Exit code 2 where the schema has errors or the file of --to exists, 3 where FILE cannot be read.

    \b
    Example:
      dermcohort dict draft raw/new.sav --wave northbay/followup3
    """
    from .dictionary import draft_mapping
    from .storage import write_text

    text = draft_mapping(file, folder, wave=wave, **options)
    if target is None:
        click.echo(text, nl=False)
        return 0
    if target.exists():
        raise FileExistsError(f"{target} exists and is not overwritten: choose another name for --to")
    write_text(target, text)
    click.echo(str(target))
    return 0


@dictionary_group.command()
@click.argument("variable")
@click.argument("folder", default="data-dictionary", type=click.Path(path_type=Path))
@_exit_codes
def show(variable: str, folder: Path) -> int:
    """Show one VARIABLE across all waves, the rules side by side.

    \b
    Example:
      dermcohort dict show smoking_status
    """
    from .dictionary import read_dictionary

    try:
        table = read_dictionary(folder).show(variable)
    except KeyError as error:
        _fail(str(error.args[0]), WRONG)
        return WRONG
    for row in table.itertuples(index=False):
        click.echo(f"{row.cohort}/{row.wave}  {row.status}  ({row.where})")
        click.echo(f"    {row.rule}")
    return 0


@dictionary_group.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@_exit_codes
def diff(old: Path, new: Path) -> int:
    """Say in words what changed from the dictionary in OLD to the one in NEW.

    Comments and layout do not count. Exit code 0 whether something changed or not.

    \b
    Example:
      dermcohort dict diff ../before/data-dictionary data-dictionary

    The former version of a repository comes with: git worktree add ../before v1.0
    """
    from .dictionary import diff_dictionaries, read_dictionary, render_changes

    click.echo(render_changes(diff_dictionaries(read_dictionary(old), read_dictionary(new))))
    return 0


@dictionary_group.command(name="to-excel")
@click.argument("folder", default="data-dictionary", type=click.Path(path_type=Path))
@click.option("--to", "target", default="dictionary.xlsx", show_default=True, type=click.Path(path_type=Path))
@_exit_codes
def dictionary_to_excel(folder: Path, target: Path) -> int:
    """Write the dictionary in FOLDER as one workbook that can be edited and given back.

    \b
    Example:
      dermcohort dict to-excel data-dictionary --to dictionary.xlsx
    """
    from .dictionary import read_dictionary, to_excel

    click.echo(str(to_excel(read_dictionary(folder), target)))
    return 0


@dictionary_group.command(name="from-excel")
@click.argument("workbook", type=click.Path(path_type=Path))
@click.argument("folder", default="data-dictionary", type=click.Path(path_type=Path))
@click.option("--apply", "is_applied", is_flag=True, help="Write the YAML files that changed.")
@_exit_codes
def dictionary_from_excel(workbook: Path, folder: Path, is_applied: bool) -> int:
    """Show what an edited WORKBOOK changes in the dictionary in FOLDER; write it with --apply.

    Nothing is written unless the linter accepts the whole dictionary with the edits.

    \b
    Example:
      dermcohort dict from-excel dictionary.xlsx data-dictionary
      dermcohort dict from-excel dictionary.xlsx data-dictionary --apply
    """
    from .dictionary import from_excel, render_changes

    proposal = from_excel(workbook, folder)
    click.echo(render_changes(proposal.changes))
    for warning in proposal.warnings:
        click.echo(str(warning))
    if proposal.outdated:
        click.echo(
            "\nThe YAML files are not those the workbook was written from: what was edited in them since may "
            "show up above as undone."
        )
    if is_applied:
        for path in proposal.write():
            click.echo(f"written: {path}")
    elif proposal.files:
        names = ", ".join(path.relative_to(folder).as_posix() for path in proposal.files)
        click.echo(f"\nnothing written; --apply rewrites {names} (comments in these files are lost)")
    return 0


@dictionary_group.command()
@click.option("--to", "target", type=click.Path(path_type=Path), help="A file instead of the screen.")
@_exit_codes
def schema(target: Path | None) -> int:
    """Print a JSON Schema of the YAML files, for completion and checks in editors.

    \b
    Example:
      dermcohort dict schema --to .vscode/dermcohort.schema.json
    """
    from .dictionary import json_schema
    from .storage import write_text

    text = json.dumps(json_schema(), ensure_ascii=False, indent=1)
    if target is None:
        click.echo(text)
    else:
        click.echo(str(write_text(target, text + "\n")))
    return 0


@main.command()
@click.argument("raw", default="raw", type=click.Path(path_type=Path))
@click.option(
    "--dictionary", "folder", default="data-dictionary", show_default=True, type=click.Path(path_type=Path)
)
@click.option("--to", "target", default="harmonized", show_default=True, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Write nothing when a finding of severity error remains.")
@click.option(
    "--key-file", type=click.Path(path_type=Path), help="Secret for hashing ids (outside the project)."
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="Private folder that keeps outcomes of rules: the next run applies only what changed.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Files read at a time, each in a process; for more than two cores.",
)
@_exit_codes
def harmonize(
    raw: Path,
    folder: Path,
    target: Path,
    strict: bool,
    key_file: Path | None,
    cache: Path | None,
    jobs: int,
) -> int:
    """Harmonize the raw files in RAW into a study.

    \b
    Example:
      dermcohort harmonize raw/ --to harmonized/ --cache cache/
    """
    from . import harmonize_to, read_dictionary

    harmonize_to(
        read_dictionary(folder),
        raw=raw,
        to=target,
        strict=strict,
        key_file=key_file,
        progress=True,
        cache=cache,
        jobs=jobs,
    )
    return _say_study(target)


@main.command()
@click.argument("study", default="harmonized", type=click.Path(path_type=Path))
@click.option("--wave", help="Only this COHORT/WAVE, or all waves of this COHORT.")
@click.option("--severity", type=click.Choice(["error", "warning", "info"]), help="Only these.")
@_exit_codes
def findings(study: Path, wave: str | None, severity: str | None) -> int:
    """List what harmonizing noticed in STUDY, with counts; exit code 1 where an error is among it.

    \b
    Example:
      dermcohort findings harmonized/ --wave college/followup2
    """
    from . import StudyError, open_study
    from .wording import suggest

    table = open_study(study)
    cohort, _, name = (wave or "").partition("/")
    known = [*table.ledger["cohort"].cat.categories, *table.linkage["cohort"] + "/" + table.linkage["wave"]]
    if wave and wave not in known:
        raise StudyError(f"'{wave}' is not in this study.{suggest(wave, known)}")
    rows = table.findings
    rows = rows[rows["cohort"] == cohort] if cohort else rows
    rows = rows[rows["wave"] == name] if name else rows
    rows = rows[rows["severity"] == severity] if severity else rows
    for level, group in rows.groupby("severity", sort=False):
        click.echo(f"{level}: {len(group)}")
        for row in group.itertuples():
            click.echo(_finding_line(row))
    if rows.empty:
        click.echo("no finding")
    return FINDINGS if (rows["severity"] == "error").any() else 0


@main.command()
@click.argument("study", default="harmonized", type=click.Path(path_type=Path))
@click.option(
    "--dictionary", "folder", default="data-dictionary", show_default=True, type=click.Path(path_type=Path)
)
@_exit_codes
def recheck(study: Path, folder: Path) -> int:
    """Judge the checks of STUDY again by checks.yaml as it is now, from the saved counts.

    \b
    Example:
      dermcohort recheck harmonized/ --dictionary data-dictionary
    """
    from . import open_study, read_dictionary

    return _say_checks(open_study(study).recheck(read_dictionary(folder)))


@main.command()
@click.argument("scripts", nargs=-1, type=click.Path(path_type=Path))
@click.option("--analyses", default="analyses", show_default=True, type=click.Path(path_type=Path))
@click.option("--study", default="harmonized", show_default=True, type=click.Path(path_type=Path))
@click.option("--results", default="results", show_default=True, type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Also what did not change.")
@_exit_codes
def run(scripts: tuple[Path, ...], analyses: Path, study: Path, results: Path, everything: bool) -> int:
    """Run every script of analyses/ (or SCRIPTS) whose code or study changed.

    \b
    Example:
      dermcohort run
      dermcohort run analyses/prevalence.py
    """
    from .pipeline import run_analyses

    run_analyses(analyses, study, results, only=scripts, everything=everything, say=click.echo)
    return 0


def _split(values: tuple[str, ...]) -> list[str]:
    """``--x a,b --x c`` as a, b, c."""
    return list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))


@main.command()
@click.argument("path", default="reports", type=click.Path(path_type=Path))
@click.option("--to", "target", default="_site", show_default=True, type=click.Path(path_type=Path))
@click.option(
    "--engine", default="auto", show_default=True, type=click.Choice(["auto", "quarto", "embedded"])
)
@click.option(
    "--format",
    "formats",
    default=("html",),
    multiple=True,
    show_default=True,
    help="html, pdf, docx; with commas.",
)
@click.option(
    "--language",
    "languages",
    default=("en",),
    multiple=True,
    show_default=True,
    help="Language of the report: en, zh, or both with a comma.",
)
@click.option(
    "--param", "-P", "params", multiple=True, help="name=value: a parameter of the page, as often as needed."
)
@click.option("--results", default="results", show_default=True, type=click.Path(path_type=Path))
@_exit_codes
def report(
    path: Path,
    target: Path,
    engine: str,
    formats: tuple[str, ...],
    languages: tuple[str, ...],
    params: tuple[str, ...],
    results: Path,
) -> int:
    """Render a .qmd file or a folder of them to self-contained HTML, PDF or Word, showing what is in RESULTS.

    \b
    Example:
      dermcohort report reports/ --to _site/ --format html,pdf,docx --language en,zh
      dermcohort report reports/profile.qmd -P cohort=central_china -P condition=rosacea
    """
    from .pipeline import RESULTS_VARIABLE
    from .report import render

    os.environ[RESULTS_VARIABLE] = str(results.absolute())  # the cells of the pages read it
    chosen = dict(_parameter(text) for text in params)
    made = render(path, _split(formats), _split(languages), engine, output=target, params=chosen)
    for page in made:
        click.echo(str(page))
    return 0


def _parameter(text: str) -> tuple[str, Any]:
    """``name=value``, the value as YAML reads it: numbers, true, null and words without quotes."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise click.BadParameter(f"'{text}' is not name=value, as in -P cohort=college", param_hint="--param")
    try:
        return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        return name.strip(), value


@main.command()
@click.argument("study", default="harmonized", type=click.Path(path_type=Path))
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="Folder of the files.")
@click.option("--format", "kind", required=True, type=click.Choice(["stata", "spss"]))
@click.option("--language", default="en", show_default=True, help="Language of labels: en or zh.")
@_exit_codes
def export(study: Path, target: Path, kind: str, language: str) -> int:
    """Write a harmonized STUDY as Stata or SPSS files, missing reasons included.

    \b
    Example:
      dermcohort export harmonized/ --to stata/ --format stata --language zh
    """
    from .export import export_study
    from .study import open_study

    for path in export_study(open_study(study), target, kind, language):
        click.echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


@main.command()
@click.argument("study", default="harmonized", type=click.Path(path_type=Path))
@click.option(
    "--to", "target", required=True, type=click.Path(path_type=Path), help="File: .html, .xlsx or .xml (DDI)."
)
@_exit_codes
def codebook(study: Path, target: Path) -> int:
    """Write the codebook of a harmonized STUDY: a page to search, a workbook, or DDI-Codebook 2.5.

    \b
    Example:
      dermcohort codebook harmonized/ --to codebook.html
    """
    from .codebook import write_codebook
    from .study import open_study

    click.echo(str(write_codebook(open_study(study), target)))
    return 0


@main.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--folder", default="validation", show_default=True, type=click.Path(path_type=Path))
@click.option("--csv", "target", type=click.Path(path_type=Path), help="Write every value to this file.")
@_exit_codes
def validate(ids: tuple[str, ...], folder: Path, target: Path | None) -> int:
    """Recompute on this machine the reference values from R that ship in validation/, or those of IDs.

    Prints what agrees by topic and every disagreement; exit code 1 where there is one. --csv writes id, name,
    reference, value, relative_difference, tolerance and ok of each value.

    \b
    Example:
      dermcohort validate --csv validation.csv
      dermcohort validate km.lung cox.lung.efron
    """
    from .validate import validate as validate_

    try:
        table = validate_(folder, ids)
    except ValueError as error:
        _fail(str(error), WRONG)
        return WRONG
    if target is not None:
        table.drop(columns=["topic", "reason"]).to_csv(target, index=False, lineterminator="\n")
    return _say_agreement(table)


def _need_folders(*names: str) -> None:
    absent = [name for name in names if not Path(name).is_dir()]
    if absent:
        _fail(f"{', '.join(absent)} not found here: run this in a clone of the project", WRONG)


def _say_counts(study: Path) -> tuple[Any, Any]:
    """Counts of the run, without opening the visits; returns the tables linkage and findings."""
    from .storage import count_rows, read_folder
    from .study import StudyError, counts_line

    tables, records = read_folder(study, ("ledger", "linkage", "findings"), StudyError)
    sizes = {name: count_rows(study, name) for name in ("participants", "visits", "events")}
    click.echo(counts_line(sizes, len(records["schema"]), tables["findings"]))
    counts = tables["ledger"]["action"].value_counts()
    click.echo("rows: " + ", ".join(f"{int(n):,} {action}" for action, n in counts.items()))
    findings = tables["findings"]["severity"].value_counts()
    click.echo("findings: " + (", ".join(f"{n} {level}" for level, n in findings.items()) or "none"))
    return tables["linkage"], tables["findings"]


def _say_study(study: Path) -> int:
    """Counts and errors of the run; exit code 1 where error findings remain."""
    linkage, findings = _say_counts(study)
    for wave in linkage.itertuples():
        click.echo(
            f"  {wave.cohort}/{wave.wave}: {wave.rows:,} rows, {wave.persons:,} persons ({wave.new:,} new, "
            f"{wave.missing_from_previous:,} of the wave before missing), {wave.quarantined:,} rows set aside"
        )
    errors = findings[findings["severity"] == "error"]
    for row in errors.head(20).itertuples():
        click.echo(_finding_line(row))
    if len(errors) > 20:
        click.echo(f"  and {len(errors) - 20} more; dermcohort findings lists them all")
    return FINDINGS if len(errors) else 0


def _finding_line(row: Any) -> str:
    where = "/".join(part for part in (row.cohort, row.wave, row.variable) if part)
    return f"  {row.code} {where}: {row.check}, {row.n:,} of {row.of:,} ({row.message})"


def _say_checks(checks: Any) -> int:
    """One line a check, and one for every wave that fails it; exit code 1 where an error check fails."""
    for name, rows in checks.groupby("id", sort=False):
        failed = rows[~rows["passed"]]
        verdict = "FAILED" if len(failed) else "passed" if (rows["n"] > 0).any() else "nowhere evaluated"
        evaluated = f"{int((rows['n'] > 0).sum())} of {len(rows)} waves evaluated"
        click.echo(f"{verdict}  {rows['severity'].iloc[0]}  {name}: {rows['title'].iloc[0]} ({evaluated})")
        for row in failed.itertuples():
            if row.n == 0:
                found = row.note
            elif row.kind == "distribution":
                found = f"{row.value:.4g}, compared with {row.reference:.4g}, may differ by {row.threshold:g}"
            else:
                found = f"{row.violations:,} of {row.n:,} ({row.share:.2%}), tolerated {row.threshold:.2%}; "
                found += f"{row.unknown:,} unknown; owner: {row.owner}"
            click.echo(
                "    "
                + ": ".join(part for part in ("/".join((row.cohort, row.wave)).strip("/"), found) if part)
            )
    errors = int((~checks["passed"] & (checks["severity"] == "error")).sum())
    click.echo(
        f"{checks['id'].nunique()} checks, {checks.loc[~checks['passed'], 'id'].nunique()} failed, {errors} error(s)"
    )
    return FINDINGS if errors else 0


def _say_agreement(table: Any) -> int:
    """A line a topic, and one for every value that differs from R; exit code 1 where one does."""
    click.echo(f"{'topic':<18}{'ids':>6}{'values':>9}{'agree':>8}")
    for topic, rows in table.groupby("topic", sort=False):
        click.echo(f"{topic:<18}{rows['id'].nunique():>6}{len(rows):>9}{int(rows['ok'].sum()):>8}")
    click.echo(f"{'together':<18}{table['id'].nunique():>6}{len(table):>9}{int(table['ok'].sum()):>8}")
    for row in table[~table["ok"]].itertuples():
        found = f"{row.value:.15g}, R {row.reference:.15g}, relative difference {row.relative_difference:.2g}"
        name = f"{row.id} {row.name}".strip()
        click.echo(f"DIFFERS  {name}: {row.reason or f'{found}, tolerated {row.tolerance:g}'}")
    return 0 if table["ok"].all() else FINDINGS
