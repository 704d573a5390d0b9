from . import abc as abc
from . import allocation as allocation
from . import changes as changes
from . import channels as channels
from . import clv as clv
from . import contracts as contracts
from . import datasets as datasets
from . import effects as effects
from . import equity as equity
from . import exceptions as exceptions
from . import lifecycle as lifecycle
from . import loyalty as loyalty
from . import profit as profit
from . import report as report
from . import reviews as reviews
from . import rfm as rfm
from . import segments as segments
from . import service as service
from . import simulate as simulate
from . import stored as stored
from . import tiers as tiers
from . import transactions as transactions
from .abc import AbcOptions as AbcOptions
from .abc import classify_abc as classify_abc
from .abc import fit_abc as fit_abc
from .changes import migration_matrix as migration_matrix
from .clv import Bdw as Bdw
from .clv import BgBb as BgBb
from .clv import BgNbd as BgNbd
from .clv import FitOptions as FitOptions
from .clv import GammaGamma as GammaGamma
from .clv import IntervalOptions as IntervalOptions
from .clv import LogNormalSpend as LogNormalSpend
from .clv import MbgCnbd as MbgCnbd
from .clv import MbgNbd as MbgNbd
from .clv import Nbd as Nbd
from .clv import ParetoNbd as ParetoNbd
from .clv import Sbg as Sbg
from .clv import compare_models as compare_models
from .clv import contractual_value as contractual_value
from .clv import customer_lifetime_value as customer_lifetime_value
from .clv import evaluate_holdout as evaluate_holdout
from .clv import expected_purchases as expected_purchases
from .clv import expected_spend as expected_spend
from .clv import fit_bdw as fit_bdw
from .clv import fit_bg_bb as fit_bg_bb
from .clv import fit_bg_nbd as fit_bg_nbd
from .clv import fit_gamma_gamma as fit_gamma_gamma
from .clv import fit_log_normal_spend as fit_log_normal_spend
from .clv import fit_mbg_cnbd as fit_mbg_cnbd
from .clv import fit_mbg_nbd as fit_mbg_nbd
from .clv import fit_nbd as fit_nbd
from .clv import fit_pareto_nbd as fit_pareto_nbd
from .clv import fit_sbg as fit_sbg
from .clv import probability_alive as probability_alive
from .clv import purchase_probability as purchase_probability
from .clv import value_interval as value_interval
from .datasets import load_cdnow as load_cdnow
from .exceptions import CustomerValueError as CustomerValueError
from .exceptions import DataError as DataError
from .exceptions import FitError as FitError
from .exceptions import OptionError as OptionError
from .exceptions import SchemaError as SchemaError
from .lifecycle import StageModel as StageModel
from .lifecycle import StageOptions as StageOptions
from .lifecycle import assign_stages as assign_stages
from .lifecycle import cohort_table as cohort_table
from .lifecycle import fit_stages as fit_stages
from .lifecycle import growth_accounting as growth_accounting
from .lifecycle import stage_history as stage_history
from .lifecycle import survival_curve as survival_curve
from .profit import CostStack as CostStack
from .profit import allocate_costs as allocate_costs
from .profit import customer_pnl as customer_pnl
from .profit import whale_curve as whale_curve
from .report import value_report as value_report
from .rfm import RFM_EIGHT_TYPES as RFM_EIGHT_TYPES
from .rfm import RFM_GRID_25 as RFM_GRID_25
from .rfm import RFM_LIST_125 as RFM_LIST_125
from .rfm import RFM_R_PACKAGE as RFM_R_PACKAGE
from .rfm import RfmOptions as RfmOptions
from .rfm import fit_rfm as fit_rfm
from .rfm import score_rfm as score_rfm
from .rfm import segment_rfm as segment_rfm
from .segments import assign_clusters as assign_clusters
from .segments import fit_clusters as fit_clusters
from .segments import profile_segments as profile_segments
from .simulate import simulate_transactions as simulate_transactions
from .stored import load_model as load_model
from .tiers import TierOptions as TierOptions
from .tiers import assign_tiers as assign_tiers
from .tiers import fit_tiers as fit_tiers
from .transactions import Columns as Columns
from .transactions import TransactionOptions as TransactionOptions
from .transactions import Transactions as Transactions
from .transactions import read_transactions as read_transactions
from .transactions import split_holdout as split_holdout
from .transactions import summarize as summarize

__version__: str

__all__ = [
    "RFM_EIGHT_TYPES",
    "RFM_GRID_25",
    "RFM_LIST_125",
    "RFM_R_PACKAGE",
    "AbcOptions",
    "Bdw",
    "BgBb",
    "BgNbd",
    "Columns",
    "CostStack",
    "CustomerValueError",
    "DataError",
    "FitError",
    "FitOptions",
    "GammaGamma",
    "IntervalOptions",
    "LogNormalSpend",
    "MbgCnbd",
    "MbgNbd",
    "Nbd",
    "OptionError",
    "ParetoNbd",
    "RfmOptions",
    "Sbg",
    "SchemaError",
    "StageModel",
    "StageOptions",
    "TierOptions",
    "TransactionOptions",
    "Transactions",
    "__version__",
    "abc",
    "allocate_costs",
    "allocation",
    "assign_clusters",
    "assign_stages",
    "assign_tiers",
    "changes",
    "channels",
    "classify_abc",
    "clv",
    "cohort_table",
    "compare_models",
    "contracts",
    "contractual_value",
    "customer_lifetime_value",
    "customer_pnl",
    "datasets",
    "effects",
    "equity",
    "evaluate_holdout",
    "exceptions",
    "expected_purchases",
    "expected_spend",
    "fit_abc",
    "fit_bdw",
    "fit_bg_bb",
    "fit_bg_nbd",
    "fit_clusters",
    "fit_gamma_gamma",
    "fit_log_normal_spend",
    "fit_mbg_cnbd",
    "fit_mbg_nbd",
    "fit_nbd",
    "fit_pareto_nbd",
    "fit_rfm",
    "fit_sbg",
    "fit_stages",
    "fit_tiers",
    "growth_accounting",
    "lifecycle",
    "load_cdnow",
    "load_model",
    "loyalty",
    "migration_matrix",
    "probability_alive",
    "profile_segments",
    "profit",
    "purchase_probability",
    "read_transactions",
    "report",
    "reviews",
    "rfm",
    "score_rfm",
    "segment_rfm",
    "segments",
    "service",
    "simulate",
    "simulate_transactions",
    "split_holdout",
    "stage_history",
    "stored",
    "summarize",
    "survival_curve",
    "tiers",
    "transactions",
    "value_interval",
    "value_report",
    "whale_curve",
]
