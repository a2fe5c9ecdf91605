"""What the run noticed: one record a check that fired, with counts and never with an identifier or a record."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import pandas as pd

# code -> (severity, group, title); groups as in the OHDSI data quality dashboard
CHECKS = {
    "H101": ("error", "conformance", "source code without a rule"),
    "H102": ("error", "conformance", "rule does not fit the file"),
    "H103": ("warning", "conformance", "file read otherwise than declared"),
    "H104": ("error", "conformance", "file has no rows"),
    "H201": ("error", "conformance", "id missing"),
    "H202": ("error", "conformance", "id does not match the pattern"),
    "H203": ("warning", "conformance", "same person twice"),
    "H204": ("error", "conformance", "two persons with one number"),
    "H205": ("error", "conformance", "follow-up of an unknown person"),
    "H206": ("error", "plausibility", "another person under this number"),
    "H207": ("warning", "plausibility", "participant value differs between waves"),
    "H208": ("warning", "plausibility", "person changes cluster between waves"),
    "H209": ("error", "conformance", "decision that does not fit the file"),
    "H301": ("warning", "plausibility", "value outside the plausible range"),
    "H302": ("error", "plausibility", "impossible value removed"),
    "H303": ("warning", "conformance", "answered although the question did not apply"),
    "H304": ("error", "plausibility", "impossible date removed"),
    "H305": ("error", "plausibility", "visit date contradicts birth, death or another visit: removed"),
    "H306": ("error", "plausibility", "answer that its rule cannot use"),
    "H401": ("info", "completeness", "value below or above the detection limit"),
    "H402": ("warning", "completeness", "more than half of the answers missing"),
    # severity and group of the following stand in checks.yaml
    "H601": ("warning", "plausibility", "check between variables violated"),
    "H602": ("warning", "plausibility", "check between waves violated"),
    "H603": ("warning", "plausibility", "distribution differs between waves"),
}
COLUMNS = ("severity", "group", "code", "check", "cohort", "wave", "variable", "n", "of", "share", "message")


@dataclass(frozen=True)
class Finding:
    severity: str
    group: str
    code: str
    check: str
    cohort: str
    wave: str
    variable: str
    n: int
    of: int
    message: str


@dataclass
class Findings:
    """Collects findings while the study is built."""

    items: list[Finding] = field(default_factory=list)

    def add(
        self,
        code: str,
        cohort: str,
        wave: str,
        variable: str,
        n: int,
        of: int,
        message: str,
        severity: str = "",
        group: str = "",
    ) -> None:
        if n <= 0:
            return
        usual, usual_group, check = CHECKS[code]
        severity, group = severity or usual, group or usual_group
        self.items.append(
            Finding(severity, group, code, check, cohort, wave, variable, int(n), int(of), message)
        )

    def table(self) -> pd.DataFrame:
        table = pd.DataFrame(
            [asdict(item) for item in self.items], columns=[c for c in COLUMNS if c != "share"]
        )
        table["n"], table["of"] = table["n"].astype("int64"), table["of"].astype("int64")
        table["share"] = (table["n"] / table["of"].where(table["of"] > 0)).astype(float)
        order = table["severity"].map({"error": 0, "warning": 1, "info": 2})
        table = table.iloc[order.to_numpy(dtype=float).argsort(kind="stable")]
        return table[list(COLUMNS)].reset_index(drop=True)
