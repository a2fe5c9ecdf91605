"""The harmonized study: its tables, how they are saved and opened, and the analysis frames made of them.

Two frames leave a study: `frame` (cross-sectional or long) and `survival_frame` (time to an event). Both carry
the counts of a STROBE flow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from .dictionary.model import Dictionary
from .flow import Flow, FlowStep
from .language import Labels
from .risk_time import follow
from .storage import read_folder, write_folder
from .time_varying import split_at_visits
from .verdicts import judge
from .wording import suggest

if TYPE_CHECKING:
    from .estimates import Estimates

E = TypeVar("E", bound="Estimates")
STUDY_FORMAT = 3  # of a saved study
KEYS = ("cohort", "participant_id", "wave")
TABLES = (
    "participants", "visits", "events", "specimens", "reasons", "participant_reasons", "detection_limits",
    "ledger", "linkage", "questions", "provenance", "findings", "checks",
)  # fmt: skip
LOD_CHOICES = ("drop", "limit/2", "limit/sqrt2", "censored")


class StudyError(ValueError):
    """A question that the study cannot answer; the message says what would be right."""


@dataclass(frozen=True)
class AnalysisFrame:
    """An analysis data set (`.data`) and how its rows came to be (`.flow`)."""

    data: pd.DataFrame
    flow: Flow

    def _repr_html_(self) -> str:
        return self.flow._repr_html_() + self.data.head(10).to_html()


@dataclass(frozen=True)
class Study:
    """A harmonized study.

    Attributes
    ----------
    participants : DataFrame
        One row a person, key (cohort, participant_id): what does not change.
    visits : DataFrame
        One row a person and wave, key (cohort, participant_id, wave). Numbers are float64 with NaN, coded
        answers `category` with the schema's levels (reference first), dates datetime64.
    events : DataFrame
        One row an event: cohort, participant_id, event, lower, upper, ascertainment. Onset known to lie
        between two visits is an interval; an exact date has lower == upper; NaT lower: present at the first
        visit.
    specimens : DataFrame
        One row a biosample or image.
    reasons, participant_reasons : DataFrame
        int8 twins of `visits` and `participants`: 0 where a value was observed, else the code of the reason
        (`study.reason_names`).
    detection_limits : DataFrame
        cohort, participant_id, wave, variable, limit for every value below or above a limit.
    ledger : DataFrame
        One row a raw row: cohort, wave, file, row, action (kept, merged, quarantined), reason.
    linkage : DataFrame
        One row a wave, counts only: rows, persons, new, seen_before, missing_from_previous (persons of the visit
        wave before without a row here), merged, quarantined and its reasons, changed_cluster,
        conflicting_birth_date, conflicting_sex, visit_after_death.
    questions : DataFrame
        One row a raw row that only a person can decide about, decided or not: see `open_questions`.
    provenance : DataFrame
        One row a variable and wave: file and its hash, rule, status, counts before and after, unit factor.
    findings : DataFrame
        Every check that fired, with counts.
    checks : DataFrame
        One row a check of checks.yaml, cohort and wave, violated or not: counts, threshold, passed.
    schema : DataFrame
        One row a variable: domain, entity, type, unit, labels, levels, condition, role.
    manifest : dict
        Versions, dictionary and input hashes, reasons.
    """

    participants: pd.DataFrame
    visits: pd.DataFrame
    events: pd.DataFrame
    specimens: pd.DataFrame
    reasons: pd.DataFrame
    participant_reasons: pd.DataFrame
    detection_limits: pd.DataFrame
    ledger: pd.DataFrame
    linkage: pd.DataFrame
    questions: pd.DataFrame
    provenance: pd.DataFrame
    findings: pd.DataFrame
    checks: pd.DataFrame
    schema: pd.DataFrame
    manifest: dict[str, Any]

    # ------------------------------------------------------------ look

    @property
    def reason_names(self) -> dict[int, str]:
        """Code of a missing reason -> its name."""
        return {int(code): name for code, name in self.manifest["reasons"].items()}

    @property
    def languages(self) -> list[str]:
        """Languages of the dictionary, the first of which is its main one."""
        return [str(language) for language in self.manifest["languages"]]

    @property
    def waves(self) -> list[str]:
        """Visit waves in order."""
        return [str(wave) for wave in self.visits["wave"].cat.categories]

    def label(self, variable: str, language: str = "en") -> str:
        """Label of a variable with its unit, for tables and axes."""
        return self.labels(language).get(variable, variable)

    def labels(self, language: str = "en") -> Labels:
        """Printed names for tables and figures, in one language.

        Returns
        -------
        Labels
            A dict, ``"bmi"`` -> label with its unit, ``"smoking_status=current"`` -> label of a category,
            ``"cohort=college"`` and ``"wave=baseline"`` -> short titles of a cohort and a wave,
            ``"reason=refused"`` -> label of a missing reason, ``"check=sex-known"`` -> title of a check of the
            dictionary; it tells tables and figures the language of their
            own words.
        """
        return printed_names(self.schema, self.manifest, language)

    def medians(self, variables: Sequence[str]) -> list[str]:
        """Those of `variables` that the schema describes by their median (``role: median``).

        Names that the schema does not have, such as a column made in the analysis, are none of them.

        Examples
        --------
        >>> table_one(data, names, median=study.medians(names))      # doctest: +SKIP
        """
        roles = self.schema["role"]
        return [name for name in variables if roles.get(name) == "median"]

    def shown(
        self, estimates: E, counts: Sequence[str] = (), *, of: Estimates | None = None, missing: bool = False
    ) -> E:
        """Estimates as others may see them: no count below the `min_cell` of the dictionary can be had from them.

        Parameters
        ----------
        estimates : Estimates
            See `disclosure.suppress`.
        counts : list of str
            Of a listing: its columns that count people.
        of : Estimates, optional
            Of standardized risks, contrasts and differences of curves: the model or the curves they were made of.
        missing : bool
            Of `table_one`: hide small counts of missing values as well.

        Examples
        --------
        >>> study.shown(survey(data, "acne", design)).save(results / "acne")      # doctest: +SKIP
        >>> study.shown(standardized_risks(model, "smoking"), of=model).save(results / "risks")     # doctest: +SKIP
        >>> why = study.why("acne").reset_index()                                 # doctest: +SKIP
        >>> study.shown(listing(why, "Why acne is missing."), counts=list(why.columns[2:]))         # doctest: +SKIP
        """
        from .disclosure import suppress

        return suppress(estimates, self.manifest["min_cell"], counts=counts, of=of, missing=missing)

    def why(self, variable: str, by: str | Sequence[str] = ("cohort", "wave")) -> pd.DataFrame:
        """How often a variable was observed, and why not, per group.

        Parameters
        ----------
        variable : str
            A column of `visits` or `participants`.
        by : str or list of str
            "cohort", "wave" or both; participant variables are counted by cohort.

        Returns
        -------
        DataFrame
            One row a group; columns observed, one a reason that occurs, n.
        """
        keys = [by] if isinstance(by, str) else list(by)
        twin, table = self._twin(variable)
        keys = [key for key in keys if key in table.columns]
        names = {0: "observed", **self.reason_names}
        counts = (
            pd.DataFrame({**{key: table[key].astype(str) for key in keys}, "why": twin[variable].map(names)})
            .groupby(keys or (lambda _: "all"), sort=False)["why"]
            .value_counts()
            .unstack(fill_value=0)
        )
        order = [name for name in names.values() if name in counts.columns]
        counts = counts[order]
        counts.columns.name = None
        counts["n"] = counts.sum(axis=1)
        return counts

    def _twin(self, variable: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        if variable in self.visits.columns:
            return self.reasons, self.visits
        if variable in self.participants.columns:
            return self.participant_reasons, self.participants
        known = [*self.visits.columns, *self.participants.columns]
        raise StudyError(f"'{variable}' is not a variable of this study.{suggest(variable, known)}")

    def open_questions(self) -> pd.DataFrame:
        """Raw rows that only a person can decide about, and that nobody has.

        Returns
        -------
        DataFrame
            Columns cohort, wave, file, sha256, row, question, group, alternatives: duplicates, contradictions of
            sex and birth date, visits after death. Rows of one number share a group; numbers are never told. The
            answers belong into ``cohorts/<cohort>/decisions.yaml``.

        Examples
        --------
        >>> study.open_questions().to_csv("questions.csv", index=False)      # doctest: +SKIP
        """
        undecided = self.questions["decision"].isna()
        return self.questions[undecided].drop(columns="decision").reset_index(drop=True)

    def matrix(self) -> pd.DataFrame:
        """Status of each variable in each cohort and wave, as `Dictionary.matrix`, from the provenance.

        Returns
        -------
        DataFrame
            Index: variables in the order of the schema; columns: MultiIndex of cohort and wave; values
                complete, partial, impossible, undecided, derived, or "." where the wave does not carry the
            variable. A derived variable of which the wave lacks an input is "impossible".
        """
        absent = (self.provenance["status"] == "derived") & (
            self.provenance["n_not_collected"] == self.provenance["n"]
        )
        status = self.provenance["status"].mask(absent, "impossible")
        table = self.provenance.assign(status=status).pivot(
            index="variable", columns=["cohort", "wave"], values="status"
        )
        order = dict.fromkeys(zip(self.provenance["cohort"], self.provenance["wave"], strict=True))
        columns = pd.MultiIndex.from_tuples(list(order), names=["cohort", "wave"])
        variables = [name for name in self.schema.index if name in table.index]
        return table.reindex(index=variables, columns=columns).fillna(".")

    def recheck(self, dictionary: Dictionary) -> pd.DataFrame:
        """Judge the saved counts of the checks again, by the thresholds and severities that `dictionary` has now.

        Nothing is counted anew: a check whose expression changed, or that is new, says in `note` that it needs a
        new run, and has not passed.

        Returns
        -------
        DataFrame
            As `checks`.

        Examples
        --------
        >>> study = dc.open_study("harmonized/")                                # doctest: +SKIP
        >>> study.recheck(dc.read_dictionary("data-dictionary"))                # doctest: +SKIP
        """
        return judge(self.checks, dictionary)

    def select(self, mask: pd.Series | np.ndarray) -> Study:
        """The study with only the visits where `mask` is true; `reasons` is filtered alike."""
        keep = np.asarray(mask, dtype=bool)
        if keep.shape != (len(self.visits),):
            raise StudyError(f"the mask has {keep.size} values, but the study has {len(self.visits)} visits")
        return replace(
            self,
            visits=self.visits[keep].reset_index(drop=True),
            reasons=self.reasons[keep].reset_index(drop=True),
        )

    def wide(self, variables: str | Sequence[str]) -> pd.DataFrame:
        """One row a person, one column a variable and wave, named ``bmi__baseline``.

        Persons not seen at a wave have NaN there.
        """
        names = [variables] if isinstance(variables, str) else list(variables)
        parts = []
        for wave in self.waves:
            part = self.visits.loc[
                self.visits["wave"] == wave, ["cohort", "participant_id", *self._known(names)]
            ]
            part = part.set_index(["cohort", "participant_id"]).add_suffix(f"__{wave}")
            parts.append(part)
        people = pd.MultiIndex.from_frame(self.participants[["cohort", "participant_id"]])
        wide = pd.concat([part.reindex(people) for part in parts], axis=1)
        order = [f"{name}__{wave}" for name in names for wave in self.waves]
        return wide[order].reset_index()

    def _known(self, names: Sequence[str]) -> list[str]:
        for name in names:
            if name not in self.visits.columns:
                raise StudyError(f"'{name}' is not a column of visits.{suggest(name, self.visits.columns)}")
        return list(names)

    # ------------------------------------------------------------ analysis frames

    def frame(
        self,
        variables: Sequence[str] | None = None,
        wave: str | Sequence[str] | None = None,
        cohorts: str | Sequence[str] | None = None,
        reasons: bool = False,
        lod: str | None = None,
        on_missing: str = "keep",
    ) -> AnalysisFrame:
        """The cross-sectional (one wave) or long (several waves) analysis frame.

        Parameters
        ----------
        variables : list of str, optional
            Columns of `visits` and `participants`; all where None. The keys are always there.
        wave, cohorts : str or list of str, optional
            Which waves and cohorts; all where None.
        reasons : bool
            Add ``<variable>__why``: "observed" or the missing reason, as a category.
        lod : {"drop", "limit/2", "limit/sqrt2", "censored"}, optional
            What to do with values below the detection limit. Required where a chosen variable has some:
            "drop" leaves them missing; "limit/2" and "limit/sqrt2" substitute; "censored" puts the limit in
            place and adds ``<variable>__below`` (True where the value is only known to be below).
        on_missing : {"keep", "drop"}
            "drop" keeps complete cases and counts the others by variable in the flow.

        Returns
        -------
        AnalysisFrame
            `.data` and `.flow`.

        Raises
        ------
        StudyError
            For an unknown variable, wave or cohort, or where `lod` must be chosen.

        Examples
        --------
        >>> study = dc.open_study("harmonized/")                                      # doctest: +SKIP
        >>> study.frame(["psoriasis", "bmi", "sex"], wave="baseline").data.head()     # doctest: +SKIP
        """
        _check_lod(lod)
        if on_missing not in ("keep", "drop"):
            raise StudyError(f"on_missing='{on_missing}' is unknown; choose keep or drop")
        rows = self._rows(wave, cohorts)
        steps = [FlowStep("Visits in the study", len(self.visits), ())]
        left_out = len(self.visits) - int(rows.sum())
        if left_out:
            steps.append(
                FlowStep("Chosen waves and cohorts", int(rows.sum()), (("other waves or cohorts", left_out),))
            )
        if variables is None:
            names = [c for c in (*self.participants.columns, *self.visits.columns) if c not in KEYS]
        else:
            names = [name for name in dict.fromkeys(variables) if name not in KEYS]
        data, why = self._gather(names, rows)
        data = self._apply_lod(data, why, lod)
        if reasons:
            levels = ["observed", *self.reason_names.values()]
            codes = {code: position for position, code in enumerate([0, *self.reason_names])}
            for name in names:
                coded = why[name].map(codes).to_numpy()
                data[f"{name}__why"] = pd.Categorical.from_codes(coded, levels)
        if on_missing == "drop":
            complete = data[names].notna().all(axis=1)
            excluded = []
            remaining = pd.Series(True, index=data.index)
            for name in names:
                lost = remaining & data[name].isna()
                if lost.any():
                    excluded.append((f"{self.label(name)} missing", int(lost.sum())))
                remaining &= ~lost
            steps.append(FlowStep("Complete cases", int(complete.sum()), tuple(excluded)))
            data = data[complete].reset_index(drop=True)
        return AnalysisFrame(data, Flow(tuple(steps)))

    def _rows(self, wave: Any, cohorts: Any) -> np.ndarray:
        rows = np.ones(len(self.visits), bool)
        for column, chosen in (("wave", wave), ("cohort", cohorts)):
            if chosen is None:
                continue
            chosen = [chosen] if isinstance(chosen, str) else list(chosen)
            known = [str(level) for level in self.visits[column].cat.categories]
            for name in chosen:
                if name not in known:
                    raise StudyError(
                        f"'{name}' is not a {column} of this study ({', '.join(known)}).{suggest(name, known)}"
                    )
            rows &= self.visits[column].isin(chosen).to_numpy()
        return rows

    def _gather(self, names: Sequence[str], rows: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Values and reasons of visit and participant variables, on the chosen rows of `visits`."""
        for name in names:
            self._twin(name)
        from_people = [n for n in names if n not in self.visits.columns]
        data = self.visits.loc[rows, [*KEYS, *[n for n in names if n in self.visits.columns]]]
        why = self.reasons.loc[rows, [n for n in names if n in self.visits.columns]]
        data, why = data.reset_index(drop=True), why.reset_index(drop=True)
        if from_people:
            position = self.person_positions(data)
            for name in from_people:
                data[name] = self.participants[name].take(position).array
                why[name] = self.participant_reasons[name].to_numpy()[position]
        return data[[*KEYS, *names]], why[list(names)]

    def person_positions(self, data: pd.DataFrame) -> np.ndarray:
        """Row of `participants` for every row of `data`."""
        people = pd.MultiIndex.from_arrays(
            [self.participants["cohort"].astype(str), self.participants["participant_id"]]
        )
        wanted = pd.MultiIndex.from_arrays([data["cohort"].astype(str), data["participant_id"]])
        return people.get_indexer(wanted)

    def _apply_lod(self, data: pd.DataFrame, why: pd.DataFrame, lod: str | None) -> pd.DataFrame:
        codes = {name: code for code, name in self.reason_names.items()}
        below = {name: (why[name] == codes["below_lod"]).to_numpy() for name in why.columns}
        below = {name: mask for name, mask in below.items() if mask.any()}
        if not below or lod == "drop":
            return data
        if lod is None:
            shares = ", ".join(f"{name} {mask.mean():.1%}" for name, mask in below.items())
            raise StudyError(
                f"values below the detection limit: {shares}. Choose lod='drop', 'limit/2', 'limit/sqrt2' "
                "or 'censored'; the choice belongs in the methods section"
            )
        divisor = {"limit/2": 2.0, "limit/sqrt2": float(np.sqrt(2)), "censored": 1.0}[lod]
        index = pd.MultiIndex.from_frame(data[list(KEYS)].astype(str))
        for name, mask in below.items():
            limits = self.detection_limits[self.detection_limits["variable"] == name]
            limits = limits.set_index(pd.MultiIndex.from_frame(limits[list(KEYS)].astype(str)))["limit"]
            values = limits.reindex(index[mask]).to_numpy() / divisor
            if np.isnan(values).any():
                raise StudyError(f"'{name}' has values below a detection limit that no file tells")
            data = data.assign(**{name: data[name].mask(mask, pd.Series(np.nan, index=data.index))})
            data.loc[mask, name] = values
            if lod == "censored":
                data[f"{name}__below"] = mask
        return data

    def survival_frame(
        self,
        condition: str,
        origin: str | Sequence[str] = "baseline",
        time_scale: str = "follow-up",
        competing: str | None = None,
        covariates: Sequence[str] | None = None,
        cohorts: str | Sequence[str] | None = None,
        lod: str | None = None,
        time_varying: Sequence[str] | None = None,
        carry_for: float | None = None,
    ) -> AnalysisFrame:
        """Time from the origin visit to the onset of a condition, one row a person at risk (or, with `time_varying`, a visit).

        Parameters
        ----------
        condition : str
            A condition variable of `visits` (onset known between two visits) or an `event` of the events
            table (dated).
        origin : str or list of str
            Wave from which time runs and whose values are the covariates. Of several waves, each person's
            first counts: for a study that enrols at every one of them.
        time_scale : {"follow-up", "age"}
            Years since the origin visit (entry 0), or age in years (entry at the age of the origin visit:
            left truncation).
        competing : str, optional
            An exactly dated event that ends the risk, such as "death". `event` is then a category with the
            levels censored, `condition`, `competing`. It counts at its date while the condition is looked for: of an
            event of the events table until the end of its follow-up; of a condition seen at visits until the last
            visit, and after it until the end of the cohort's next wave that looked for the condition, before which
            nobody knows of a visit that was missed. Later ones never count, and the person is censored at
            the last visit like those who live.
        covariates : list of str, optional
            Variables taken at the origin; all where None.
        cohorts : str or list of str, optional
        lod : {"drop", "limit/2", "limit/sqrt2", "censored"}, optional
            What to do with covariates below the detection limit, as in `frame`. Required where a covariate that
            is named has some; without names they stay missing.
        time_varying : list of str, optional
            Variables of `visits` that are taken at every visit. A person then has a row for the origin and each
            later visit within follow-up, at risk over (entry, exit] from that visit to the next one, with the values
            of that visit; a value that is missing there is missing in the row. `wave` is the visit of the row.
            The event stands in the last row, which ends at the visit where it was found.
        carry_for : float, optional
            With `time_varying`: for how many years at most the values of a visit hold. After that a person who
            was not seen again is not under observation, and there is a gap until the next visit; an onset in a
            gap is in no row, and the flow counts it. None: values hold until the next visit.

        Returns
        -------
        AnalysisFrame
            `.data` with cohort, participant_id (both together are the cluster where a person has several rows),
            wave (where there are several origins, or `time_varying`), covariates, entry,
            exit, event, left, right in years. A visit condition is an event at the visit where it was first
            seen (`exit`); `left` and `right` bound the onset for interval-censored methods, right is infinite
            where no onset was seen; they are the person's on every row. Persons with the condition at origin, of unknown status or without later
            observation are counted in `.flow`.

        Raises
        ------
        StudyError
            For an unknown condition, origin or time scale, a time-varying variable that is not of `visits`, or where
            `lod` must be chosen.

        Examples
        --------
        >>> rows = study.survival_frame("psoriasis", time_varying=["smoking"]).data            # doctest: +SKIP
        >>> dc.survival.cox("smoking", rows, time="exit", event="event", entry="entry",
        ...                 cluster=["cohort", "participant_id"])                              # doctest: +SKIP
        """
        _check_lod(lod)
        changing = list(dict.fromkeys(time_varying or ()))
        self._check_time_varying(changing, carry_for)
        lod_of_visits = lod
        if covariates is None and lod is None:
            lod = "drop"
        if time_scale not in ("follow-up", "age"):
            raise StudyError(f"time_scale='{time_scale}' is unknown; choose follow-up or age")
        at_visits = condition in self.visits.columns
        known_events = self._known_events()
        if at_visits and self.schema["condition"].get(condition) is None:
            raise StudyError(
                f"'{condition}' records no disease, so it has no onset; give it 'condition' in the schema if it does"
            )
        for name in [condition] * (not at_visits) + [competing] * (competing is not None):
            if name not in known_events:
                options = [*known_events, *self.visits.columns]
                raise StudyError(f"'{name}' is neither a condition nor an event.{suggest(name, options)}")
        rows = self._rows(origin, cohorts)
        people = self.participants[["cohort", "participant_id"]]
        if cohorts is not None:
            chosen = [cohorts] if isinstance(cohorts, str) else list(cohorts)
            people = people[people["cohort"].isin(chosen)]
        if covariates is None:
            covariates = [
                name
                for name in (*self.participants.columns, *self.visits.columns)
                if name not in KEYS and name not in ("visit_date", condition)
            ]
        names = list(dict.fromkeys([*covariates, "visit_date", *([condition] if at_visits else [])]))
        if time_scale == "age":
            names = list(dict.fromkeys([*names, "age"]))
        base = self._apply_lod(*self._gather(names, rows), lod)
        one_origin = isinstance(origin, str)
        visit = self.label(f"wave={origin}") if one_origin else "their first visit"
        if not one_origin:
            in_order = base.sort_values("wave", kind="stable")
            first = in_order.drop_duplicates(["cohort", "participant_id"]).index.sort_values()
            base = base.loc[first].reset_index(drop=True)
        flow = [FlowStep("Participants", len(people), ())]
        n_absent = len(people) - len(base)
        flow.append(FlowStep(f"Examined at {visit}", len(base), _excluded(("not examined", n_absent))))

        risk = follow(self, condition, competing, base)
        steps: tuple[tuple[str, Any], ...] = (
            (f"date of {visit} unknown", risk.undated),
            (f"{self.label(condition)} present at {visit}", risk.prevalent),
            (f"status unknown at {visit}", risk.unknown_status),
            (f"no observation after {visit}", risk.unseen),
        )
        if time_scale == "age":
            steps = (*steps, ("age unknown", base["age"].isna().to_numpy()))
        keep = np.ones(len(base), bool)
        reasons = []
        for text, mask in steps:
            lost = keep & mask
            reasons.append((text, int(lost.sum())))
            keep &= ~mask
        flow.append(FlowStep("At risk", int(keep.sum()), _excluded(*reasons)))

        shift = base["age"].to_numpy(float) if time_scale == "age" else np.zeros(len(base))
        keys = ["cohort", "participant_id", *(() if one_origin else ("wave",))]
        taken = [c for c in base.columns if c in covariates or c.endswith("__below")]
        taken = [c for c in taken if c.removesuffix("__below") not in changing]
        data = base[[*keys, *taken]].copy()
        data["entry"], data["exit"] = shift, shift + risk.years
        if competing is None:
            data["event"] = risk.has_event.astype(float)
        else:
            codes = np.where(risk.has_event, 1, np.where(risk.died, 2, 0))
            data["event"] = pd.Categorical.from_codes(codes, ["censored", condition, str(competing)])
        data["left"], data["right"] = shift + risk.left, shift + risk.right
        n_events = int((keep & risk.has_event).sum())
        flow.append(FlowStep(f"With incident {self.label(condition)}", n_events, ()))
        data = data[keep].reset_index(drop=True)
        if changing:
            origins = base["visit_date"].to_numpy().astype("datetime64[D]")[keep]
            seen = self._gather(["visit_date", *changing], self._rows(None, cohorts))
            visits = self._apply_lod(*seen, lod_of_visits)
            data, cut_short = split_at_visits(data, origins, risk.years[keep], visits, carry_for)
            n_lost = int((risk.has_event[keep] & cut_short).sum())
            if n_lost:
                lost = _excluded((f"later than {carry_for:g} years after the visit before", n_lost))
                flow.append(FlowStep("With onset under observation", n_events - n_lost, lost))
        return AnalysisFrame(data, Flow(tuple(flow)))

    def _check_time_varying(self, names: Sequence[str], carry_for: float | None) -> None:
        for name in names:
            if name in KEYS or name == "visit_date":
                raise StudyError(f"time_varying: '{name}' says which visit it is; it is in the frame already")
            if name in self.participants.columns:
                raise StudyError(
                    f"time_varying: '{name}' does not change between visits: give it in covariates"
                )
        self._known(names)
        if carry_for is not None and not names:
            raise StudyError("carry_for is for time_varying variables: name some")
        if carry_for is not None and not carry_for > 0:
            raise StudyError(f"carry_for={carry_for} must be a number of years above 0")

    def _known_events(self) -> list[str]:
        """Events that the study looks for, whether or not anybody had one."""
        declared = self.schema.index[self.schema["entity"] == "event"]
        death = ["death"] if "death_date" in self.participants.columns else []
        return list(dict.fromkeys([*self.events["event"].astype(str), *declared, *death]))

    # ------------------------------------------------------------ disk

    def save(self, path: str | Path) -> Path:
        """Write the study into the folder `path`: Parquet tables, schema.json and manifest.json.

        The folder appears whole or not at all: an interrupted save leaves the last good study in place.
        """
        tables = {name: getattr(self, name) for name in TABLES}
        return write_study(Path(path), tables, self.schema, self.manifest)

    def to_stata(self, folder: str | Path, language: str = "en") -> list[Path]:
        """Write the tables as Stata files with labels and the missing reasons as ``.a`` to ``.z``.

        See `dermcohort.export.export_study`.
        """
        from .export import export_study

        return export_study(self, folder, "stata", language)

    def to_spss(self, folder: str | Path, language: str = "en") -> list[Path]:
        """Write the tables as SPSS files with labels and the missing reasons as user-missing -901 to -931.

        See `dermcohort.export.export_study`.
        """
        from .export import export_study

        return export_study(self, folder, "spss", language)

    def codebook(self, path: str | Path) -> Path:
        """Write the codebook: ``.html``, ``.xlsx`` or ``.xml`` (DDI-Codebook 2.5), told by the suffix.

        See `dermcohort.codebook.write_codebook`.
        """
        from .codebook import write_codebook

        return write_codebook(self, path)

    def __repr__(self) -> str:
        sizes = {name: len(getattr(self, name)) for name in ("participants", "visits", "events")}
        return counts_line(sizes, len(self.schema), self.findings)

    def _repr_html_(self) -> str:
        counts = self.visits.groupby(["cohort", "wave"], observed=True).size().unstack(fill_value=0)
        return f"<p>{escape(repr(self))}</p>{counts.to_html()}"


def counts_line(sizes: Mapping[str, int], n_variables: int, findings: pd.DataFrame) -> str:
    """What a study holds, in one line; `sizes` are the rows of its tables."""
    rows = ", ".join(f"{n:,} {name}" for name, n in sizes.items())
    n_errors = int((findings["severity"] == "error").sum())
    return f"Study: {rows}, {n_variables} variables, {n_errors} error finding(s)"


def write_study(
    path: Path,
    tables: Mapping[str, pd.DataFrame | Iterable[pd.DataFrame]],
    schema: pd.DataFrame,
    manifest: dict[str, Any],
) -> Path:
    """What `Study.save` does, also for tables in parts (see `storage.write_folder`)."""
    return write_folder(path, tables, {"schema": _schema_to_json(schema), "manifest": manifest})


def open_study(path: str | Path) -> Study:
    """Open a study saved by `Study.save`.

    Raises
    ------
    StudyError
        If the folder is no study, or one of its files is missing or damaged.

    Examples
    --------
    >>> study = dc.open_study("harmonized/")     # doctest: +SKIP
    """
    _, records = read_folder(Path(path), (), StudyError)
    schema = _schema_from_json(records["schema"])
    manifest = records["manifest"]
    if manifest.get("format") != STUDY_FORMAT:
        raise StudyError(
            f"'{Path(path).name}' has format {manifest.get('format')}, this version reads format {STUDY_FORMAT}: "
            "run dermcohort harmonize again"
        )
    tables, _ = read_folder(Path(path), TABLES, StudyError)
    for name in ("visits", "participants"):
        tables[name] = _restore_categories(tables[name], schema, manifest)
    for name in ("events", "detection_limits", "specimens"):
        tables[name] = _restore_categories(tables[name], schema, manifest)
    tables["questions"] = absent_texts_as_none(tables["questions"])
    tables["provenance"] = absent_texts_as_none(tables["provenance"])
    tables["checks"] = absent_texts_as_none(tables["checks"])
    everything = {**manifest, "levels": {**manifest["levels"], "wave": manifest["levels"]["ledger_wave"]}}
    tables["ledger"] = _restore_categories(tables["ledger"], schema, everything)
    return Study(**tables, schema=schema, manifest=manifest)


def printed_names_of(path: str | Path) -> dict[str, dict[str, str]]:
    """`Study.labels` of a saved study in each of its languages, without opening its tables."""
    _, records = read_folder(Path(path), (), StudyError)
    schema, manifest = _schema_from_json(records["schema"]), records["manifest"]
    return {language: printed_names(schema, manifest, language) for language in manifest["languages"]}


def printed_names(schema: pd.DataFrame, manifest: dict[str, Any], language: str) -> Labels:
    """Labels of variables, categories and cohorts; English where the language has none."""
    if language not in manifest["languages"]:
        raise StudyError(
            f"language='{language}' is not in the dictionary ({', '.join(manifest['languages'])})"
        )
    names, words = Labels(language=language), Labels(language=language)
    for variable, row in schema.to_dict("index").items():
        text = row[f"label_{language}"] or row.get("label_en") or variable
        unit = row["unit"]
        names[str(variable)] = str(text)
        if unit and unit not in ("1", "points"):
            names[str(variable)] += f"{words.word(' (')}{_unit_name(variable, unit, words)}{words.word(')')}"
        levels = row["levels"] or []
        shown = row[f"levels_{language}"] or levels
        names.update({f"{variable}={level}": str(label) for level, label in zip(levels, shown, strict=True)})
    for kind, titles in (
        ("cohort", manifest["cohorts"]),
        ("wave", manifest["waves"]),
        ("reason", manifest["reason_labels"]),
        ("check", manifest.get("checks", {})),
    ):
        for name, title in titles.items():
            names[f"{kind}={name}"] = title.get(language) or title.get("en") or name
    return names if language == "en" else _with_english(names, printed_names(schema, manifest, "en"))


def _unit_name(variable: str, unit: str, words: Labels) -> str:
    """A language may have its own word for years of age."""
    of_it = f"{unit} of {variable}"
    shown = words.word(of_it)
    return words.word(unit) if shown == of_it else shown


def _with_english(names: Labels, english: Labels) -> Labels:
    """The names, and those of the English texts: steps of a flow or rows of a listing are made of printed names.

    A text that stands for several names is left out.
    """
    by_text: dict[str, set[str]] = {}
    for key, text in english.items():
        by_text.setdefault(text, set()).add(names[key])
    return Labels(
        {text: found.pop() for text, found in by_text.items() if len(found) == 1} | names, names.language
    )


def _check_lod(lod: str | None) -> None:
    if lod is not None and lod not in LOD_CHOICES:
        raise StudyError(f"lod='{lod}' is unknown; choose one of {', '.join(LOD_CHOICES)}")


def _excluded(*reasons: tuple[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((text, n) for text, n in reasons if n)


def _schema_to_json(schema: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(schema.reset_index().to_json(orient="records", force_ascii=False))


def _schema_from_json(records: list[dict[str, Any]]) -> pd.DataFrame:
    columns = {name: pd.Series([record[name] for record in records], dtype=object) for name in records[0]}
    return pd.DataFrame(columns).set_index("variable")


def _restore_categories(table: pd.DataFrame, schema: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """Full level lists: Parquet keeps only the levels that occur."""
    table = table.copy()
    for name in table.columns:
        if name in manifest["levels"]:
            table[name] = pd.Categorical(table[name], manifest["levels"][name])
        elif name in schema.index and schema.loc[name, "levels"]:
            row = schema.loc[name]
            table[name] = pd.Categorical(table[name], list(row["levels"]), ordered=row["type"] == "ordinal")
    return table


def absent_texts_as_none(table: pd.DataFrame) -> pd.DataFrame:
    """Texts as objects with None where there is none, whatever pandas makes of them."""
    table = table.copy()
    for name in table.columns:
        if not pd.api.types.is_numeric_dtype(table[name]):
            texts = [None if pd.isna(value) else value for value in table[name]]
            table[name] = pd.Series(texts, table.index, dtype=object)
    return table


def schema_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The schema table of a study from one dict a variable."""
    return _schema_from_json(rows)


assert set(TABLES) < {field.name for field in fields(Study)}
