"""Griffe extension for the reference: give pydantic models the signature that their fields make."""

from __future__ import annotations

import griffe


def is_model(cls: griffe.Class) -> bool:
    """Tell whether a class derives from pydantic's BaseModel, itself or through its own bases."""
    return any(str(base) == "BaseModel" for part in (cls, *cls.mro()) for base in part.bases)


def default_of(field: griffe.Attribute) -> str | griffe.Expr | None:
    """Find a field's default, also inside of `Field(...)`; None where it is required."""
    value = field.value
    if not isinstance(value, griffe.ExprCall) or str(value.function) != "Field":
        return value
    for argument in value.arguments:
        if not isinstance(argument, griffe.ExprKeyword):
            return argument
        if argument.name in {"default", "default_factory"}:
            return argument.value if argument.name == "default" else f"{argument.value}()"
    return None


def parameter_of(field: griffe.Attribute) -> griffe.Parameter:
    """Turn a field into a keyword-only parameter."""
    return griffe.Parameter(
        field.name,
        annotation=field.annotation,
        kind=griffe.ParameterKind.keyword_only,
        default=default_of(field),
    )


class ModelSignatures(griffe.Extension):
    """Adds an `__init__` to each pydantic model of the package."""

    def on_package(self, *, pkg: griffe.Module, **_: object) -> None:
        """Walk through the loaded package."""
        self._visit(pkg)

    def _visit(self, parent: griffe.Module | griffe.Class) -> None:
        for member in list(parent.members.values()):
            if isinstance(member, griffe.Module):
                self._visit(member)
            elif isinstance(member, griffe.Class) and is_model(member):
                self._add_init(member)

    def _add_init(self, cls: griffe.Class) -> None:
        owners = [*reversed(cls.mro()), cls]
        fields = {
            name: member
            for owner in owners
            for name, member in owner.members.items()
            if isinstance(member, griffe.Attribute)
            and member.annotation is not None
            and name != "model_config"
            and not name.startswith("_")
            and "property" not in member.labels
            and "ClassVar" not in str(member.annotation)
        }
        this = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
        cls.set_member(
            "__init__",
            griffe.Function(
                "__init__",
                lineno=0,
                endlineno=0,
                parent=cls,
                returns="None",
                parameters=griffe.Parameters(this, *map(parameter_of, fields.values())),
            ),
        )
