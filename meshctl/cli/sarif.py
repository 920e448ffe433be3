"""Findings as SARIF 2.1.0, which code hosts show beside the lines of a change.

Imports `problems` only.
"""

from collections.abc import Iterable, Mapping, Sequence

from meshctl import __version__
from meshctl.problems import Code, Finding, Span

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(findings: Iterable[Finding], codes: Sequence[Code]) -> Mapping[str, object]:
    """One run of meshctl: its rules are `codes`, its results the findings."""
    driver = {"name": "meshctl", "version": __version__, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in findings],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: Code) -> Mapping[str, object]:
    return {
        "id": code.code,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.why},
        "help": {"text": f"{code.why}\n\nInstead of:\n{code.bad}\n\nwrite:\n{code.good}"},
    }


def _result(finding: Finding) -> Mapping[str, object]:
    return {
        "ruleId": finding.code,
        "level": "error",
        "message": {"text": f"{finding.message}; {finding.fix}"},
        "locations": [_location(finding.span)],
        "relatedLocations": [_location(span) for span in finding.also],
    }


def _location(span: Span) -> Mapping[str, object]:
    region = {"startLine": span.line, "startColumn": span.column}
    return {"physicalLocation": {"artifactLocation": {"uri": span.file}, "region": region}}
