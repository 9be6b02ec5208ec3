"""The verdict about a launch as JSON values. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .judgement import JudgedLaunch
from .verdict_text import describe_verdict


def verdict_to_json(judged: JudgedLaunch) -> dict[str, Any]:
    """Return the verdict and all that it rests on as JSON values."""
    return {
        "launch": judged.state.name,
        "answer": judged.answer.value,
        "headline": describe_verdict(judged),
        "status": judged.state.status.value,
        "percent": judged.state.percent,
        "per_s": round(judged.per_s, 3),
        "judged_until": judged.judgement.judged_until if judged.judgement else None,
        "routes": None
        if judged.coverage is None
        else {"total": judged.coverage.total, "judged": judged.coverage.judged},
        "builds": [asdict(build) for build in judged.builds],
        "waiting_for": [{"endpoint": endpoint, "title": title} for endpoint, title in judged.doubted],
        **judged.summary,
    }
