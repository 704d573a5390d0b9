"""The three values of a customer, and the equity that all customers are together.

What a customer has brought (existing), may bring (potential) and brings through others
(influence); `value_cube` crosses the three. Value that stands in a referrer's influence stands in
the referred customer's own value too: totals take own values only, as `customer_equity` does, or
subtract what `influence_value` names as attributed to referrers.
"""

from customer_value.equity.cube import (
    CubeOptions,
    fit_referral_segments,
    fit_value_cube,
    referral_segments,
    value_cube,
)
from customer_value.equity.existing import existing_value
from customer_value.equity.influence import influence_value, referral_value
from customer_value.equity.peers import WalletGroup, WalletModel, fit_wallet, wallet_from_peers
from customer_value.equity.potential import PotentialOptions, potential_value
from customer_value.equity.referrals import InfluenceOptions
from customer_value.equity.totals import customer_equity, future_equity
from customer_value.equity.wallet import wallet_from_ranks

__all__ = [
    "CubeOptions",
    "InfluenceOptions",
    "PotentialOptions",
    "WalletGroup",
    "WalletModel",
    "customer_equity",
    "existing_value",
    "fit_referral_segments",
    "fit_value_cube",
    "fit_wallet",
    "future_equity",
    "influence_value",
    "potential_value",
    "referral_segments",
    "referral_value",
    "value_cube",
    "wallet_from_peers",
    "wallet_from_ranks",
]
