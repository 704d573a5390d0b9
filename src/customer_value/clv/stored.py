"""Models to and from JSON."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, TypeAdapter

from customer_value.clv.models.bdw import Bdw
from customer_value.clv.models.bg_bb import BgBb
from customer_value.clv.models.bg_nbd import BgNbd
from customer_value.clv.models.gamma_gamma import GammaGamma
from customer_value.clv.models.log_normal import LogNormalSpend
from customer_value.clv.models.mbg_cnbd import MbgCnbd
from customer_value.clv.models.mbg_nbd import MbgNbd
from customer_value.clv.models.nbd import Nbd
from customer_value.clv.models.pareto_nbd import ParetoNbd
from customer_value.clv.models.sbg import Sbg

Model: TypeAlias = (
    Bdw | BgBb | BgNbd | GammaGamma | LogNormalSpend | MbgCnbd | MbgNbd | Nbd | ParetoNbd | Sbg
)

_ADAPTER: TypeAdapter[Model] = TypeAdapter(Annotated[Model, Field(discriminator="model")])


def load_model(json: str | bytes) -> Model:
    """Read any model from the JSON that its `model_dump_json()` wrote.

    Args:
        json: The text; its field `model` says which model it is.

    Returns:
        The model, equal to the one written.

    Raises:
        ValidationError: The text is no such model.

    Examples:
        >>> import customer_value as cv
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> cv.load_model(bg.model_dump_json()) == bg
        True
    """
    return _ADAPTER.validate_json(json)
