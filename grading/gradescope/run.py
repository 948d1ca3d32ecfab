"""What run_autograder starts: grades /autograder/submission into /autograder/results.

    python -m grading.gradescope.run             grade what lies in $AUTOGRADER_ROOT/submission
    python -m grading.gradescope.run --check     say whether everything is there; used by setup.sh

Gradescope's submission_metadata.json is read for what an instructor may want to see later (id, times,
lateness, earlier scores); nothing of it changes a point, and no names or addresses of students are kept.
Exit code 0 whenever a result was written: a failure of the grader is said in the result.
Source: Gradescope, "Submission Metadata". Left out: penalties for lateness.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
from pathlib import Path
from typing import Any

from grading import sandbox
from grading.confine import Limits
from grading.grade import GradingFailed, grade, load_secret
from grading.stage import staff_root

# 3 GB in all: about 0.4 for the grader, 0.7 for the warmed worker, and these for a test and for the notebook.
LIMITS = Limits(memory_mib=900)


def folder() -> Path:
    """$AUTOGRADER_ROOT, or Gradescope's /autograder."""
    return Path(os.environ.get("AUTOGRADER_ROOT") or "/autograder")


def metadata_facts(path: Path) -> tuple[dict[str, Any], list[str]]:
    """What is kept of submission_metadata.json, and notes for the student.

    Facts: id, created_at, due_date, late_due_date, late (bool), previous_submissions (a count) and
    best_previous_score, each only when given. A file that can't be read gives no facts and a note.
    """
    if not path.is_file():
        return {}, []
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}, ["Gradescope's submission_metadata.json can't be read; times are not recorded."]
    if not isinstance(raw, dict):
        return {}, ["Gradescope's submission_metadata.json has an unknown form; times are not recorded."]
    assignments = [user.get("assignment") for user in _dicts(raw.get("users"))]
    assignments = [raw.get("assignment"), *assignments]  # an extension stands with the user
    dues = [_time(each.get("due_date")) for each in _dicts(assignments)]
    created, due = _time(raw.get("created_at")), max((d for d in dues if d), default=None)
    late_dues = [_time(each.get("late_due_date")) for each in _dicts(assignments)]
    late_due = max((d for d in late_dues if d), default=None)
    previous = _dicts(raw.get("previous_submissions"))
    scores = [float(p["score"]) for p in previous if type(p.get("score")) in (int, float)]
    facts = {
        "id": raw.get("id") if type(raw.get("id")) in (int, str) else None,
        "created_at": created.isoformat() if created else None,
        "due_date": due.isoformat() if due else None,
        "late_due_date": late_due.isoformat() if late_due else None,
        "late": created > due if created and due else None,
        "previous_submissions": len(previous),
        "best_previous_score": max(scores, default=None),
    }
    notes = []
    if facts["late"]:
        hours = (created - due).total_seconds() / 3600
        notes.append(
            f"Handed in {hours:.1f} hours after the due date. The points here are not reduced for it."
        )
    return {name: value for name, value in facts.items() if value is not None}, notes


def _dicts(value: Any) -> list[dict]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _time(text: Any) -> datetime.datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def main() -> int:
    """Grade, or check the installation. Prints only our own words: Gradescope shows them to staff."""
    lab = json.loads((staff_root() / "autograder.json").read_text(encoding="utf-8"))["lab"]
    if sys.argv[1:] == ["--check"]:
        load_secret()
        print(f"{lab}: ready; sandbox {sandbox.choose('auto')}")
        return 0
    facts, notes = metadata_facts(folder() / "submission_metadata.json")
    try:
        results = grade(
            folder() / "submission",
            lab,
            folder() / "results",
            backend=os.environ.get("LABS_BACKEND") or "auto",
            limits=LIMITS,
            gradescope=facts,
            notes=notes,
        )
    except GradingFailed as failure:
        print(f"a failure of the grader, for staff: {failure}")
        return 0
    print(f"{results.score:g} of {results.possible():g} points; sandbox {results.extra_data.backend}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
