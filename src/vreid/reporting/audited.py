"""On what an audit was made, as it stands beside its numbers."""

from vreid.evaluation.audit import Audit
from vreid.reporting.history import RUN_NAME


def made(audit: Audit) -> str:
    """Return an audit's note with the seed of its run, which stands in the run's name."""
    name = RUN_NAME.fullmatch(audit.run)
    return "; ".join(filter(None, [audit.note, f"seed {name['seed']}" if name else ""]))
