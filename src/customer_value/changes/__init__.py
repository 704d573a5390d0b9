"""What changed between two snapshots: moves, values, mixes, alerts."""

from customer_value.changes.equity import equity_bridge
from customer_value.changes.forecast import migration_forecast, migration_steady_state
from customer_value.changes.migration import migration_matrix
from customer_value.changes.mix import compare_mix
from customer_value.changes.snapshots import compare_snapshots
from customer_value.changes.values import AlertOptions, value_alerts, value_bridge

__all__ = [
    "AlertOptions",
    "compare_mix",
    "compare_snapshots",
    "equity_bridge",
    "migration_forecast",
    "migration_matrix",
    "migration_steady_state",
    "value_alerts",
    "value_bridge",
]
