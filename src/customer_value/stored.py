"""Reading stored models: one reader for every model of the library."""

from __future__ import annotations

import json as _json
from importlib import import_module
from typing import Any, TypeVar, overload

from pydantic import ValidationError

from customer_value._common.stored import StoredModel
from customer_value._frames.contracts import check_instance
from customer_value._frames.options import problems
from customer_value._version import __version__
from customer_value.exceptions import DataError, OptionError

M = TypeVar("M", bound=StoredModel)

_CLASSES = {
    "abc": "customer_value.abc:AbcModel",
    "bdw": "customer_value.clv:Bdw",
    "bg_bb": "customer_value.clv:BgBb",
    "bg_nbd": "customer_value.clv:BgNbd",
    "clusters": "customer_value.segments:ClusterModel",
    "conformal": "customer_value.clv:ConformalModel",
    "criteria": "customer_value.abc:CriteriaModel",
    "cuts": "customer_value.segments:Cuts",
    "gamma_gamma": "customer_value.clv:GammaGamma",
    "joint_abc": "customer_value.abc:JointAbcModel",
    "log_normal_spend": "customer_value.clv:LogNormalSpend",
    "loyalty_index": "customer_value.loyalty:LoyaltyIndexModel",
    "loyalty_type": "customer_value.loyalty:LoyaltyTypeModel",
    "mbg_cnbd": "customer_value.clv:MbgCnbd",
    "mbg_nbd": "customer_value.clv:MbgNbd",
    "nbd": "customer_value.clv:Nbd",
    "pareto_nbd": "customer_value.clv:ParetoNbd",
    "rfm": "customer_value.rfm:RfmScale",
    "sbg": "customer_value.clv:Sbg",
    "stages": "customer_value.lifecycle:StageModel",
    "tiers": "customer_value.tiers:TierModel",
    "wallet": "customer_value.equity:WalletModel",
}
"""Where each model's class is, by its field `model`. A new model is one more line."""


@overload
def load_model(json: str | bytes) -> StoredModel: ...
@overload
def load_model(json: str | bytes, kind: type[M]) -> M: ...
def load_model(json: str | bytes, kind: type[StoredModel] = StoredModel) -> StoredModel:
    """Load a stored model, of whatever kind, from the JSON that its `model_dump_json()` wrote.

    The keys may come in any order, as from a column of PostgreSQL's `jsonb`.

    Args:
        json: The text; its field `model` says which model it is.
        kind: The class that the model must be of, such as `cv.BgNbd` or `cv.clv.PurchaseModel`; by
            default any.

    Returns:
        The model, equal to the one written.

    Raises:
        OptionError: The argument is not text, or the model is of another kind.
        DataError: The text is not the JSON of a model, the model is unknown to this version, it was
            stored by a newer one, or its values cannot be.

    Examples:
        >>> import customer_value as cv
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> cv.load_model(bg.model_dump_json()) == bg
        True
        >>> cv.load_model(bg.model_dump_json(), cv.BgNbd).r
        0.243
    """
    check_instance("json", json, (str, bytes))
    content = _content(json)
    name = content["model"]
    module, _, attribute = _CLASSES[name].partition(":")
    model: type[StoredModel] = getattr(import_module(module), attribute)
    _check_version(content, model)
    if not issubclass(model, kind):
        raise OptionError(f"stored is a {model.__name__}, not a {kind.__name__}")
    try:
        return model.model_validate_json(json)
    except ValidationError as error:
        raise DataError(f"stored model '{name}' cannot be read: {problems(error)}") from None


def _content(json: str | bytes) -> dict[str, Any]:
    """The fields of a stored model, one of those known."""
    try:
        content = _json.loads(json)
    except (ValueError, RecursionError) as error:
        raise DataError(f"a stored model is JSON, and this is not: {error}") from None
    name = content.get("model") if isinstance(content, dict) else None
    if not isinstance(name, str):
        raise DataError(
            "this JSON is not a stored model: a field 'model' names the model; write models with "
            "model_dump_json()"
        )
    if name not in _CLASSES:
        known = ", ".join(sorted(_CLASSES))
        raise DataError(f"unknown model {name!r}{_writer(content)}; known are {known}")
    return dict(content)


def _check_version(content: dict[str, Any], model: type[StoredModel]) -> None:
    """Refuse what a later version has stored: its fields may mean something else."""
    version = content.get("schema_version")
    if isinstance(version, int) and version > model.SCHEMA:
        raise DataError(
            f"stored model '{content['model']}' has version {version}{_writer(content)}; "
            f"customer_value {__version__} reads versions up to {model.SCHEMA}: install the "
            "version that wrote it, or a later one"
        )


def _writer(content: dict[str, Any]) -> str:
    writer = content.get("library_version")
    return f" (written by customer_value {writer})" if isinstance(writer, str) else ""
