"""The whole answer in one call."""

from customer_value.report.value import ValueReport, value_report

__all__ = ["ValueReport", "value_report"]
