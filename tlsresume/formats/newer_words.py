"""Reports of a newer version, which may have a word where this one knows a few others.

Within a schema number a field that holds one of a few words may get more of them. Such a word is
read as `unknown`: nothing is refused for it, and what reads the field has to do with it what it
does with anything that it does not know.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec.inspect import (
    DictType,
    LiteralType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)
from msgspec.structs import force_setattr

UNKNOWN = "unknown"

_S = TypeVar("_S", bound=msgspec.Struct)


def convert(whole: Any, kind: type[_S]) -> _S:
    """Builtins as a value of a type, with each word that is not known here read as `unknown`.

    Raises msgspec.ValidationError.
    """
    try:
        return msgspec.convert(whole, kind)
    except msgspec.ValidationError:
        # Only here, since looking at every word costs more than reading the report.
        shape = _shape(kind)
        found = msgspec.convert(_with_known(shape, whole), kind)
        restored: _S = _restored(shape, whole, found)
        return restored


@cache
def _shape(kind: type) -> Type:
    return type_info(kind)


def _parts(shape: Type) -> tuple[Type, ...]:
    """The types that a value may be of."""
    return shape.types if isinstance(shape, UnionType) else (shape,)


def _is_new(shape: LiteralType, raw: Any) -> bool:
    return isinstance(raw, str) and raw not in shape.values


def _with_known(shape: Type, raw: Any) -> Any:
    """The same builtins, with a word that is known in place of each that is not."""
    for part in _parts(shape):
        match part, raw:
            case LiteralType(), str() if _is_new(part, raw):
                return part.values[0]
            case StructType(), dict():
                of = {field.encode_name: field.type for field in part.fields}
                return {
                    name: _with_known(of[name], value) if name in of else value
                    for name, value in raw.items()
                }
            case VarTupleType(), list():
                return [_with_known(part.item_type, each) for each in raw]
            case DictType(), dict():
                return {name: _with_known(part.value_type, each) for name, each in raw.items()}
    return raw


def _restored(shape: Type, raw: Any, value: Any) -> Any:
    """The value that came of `_with_known`, with `unknown` where a word was replaced."""
    for part in _parts(shape):
        match part, raw:
            case LiteralType(), str() if _is_new(part, raw):
                return UNKNOWN
            case StructType(), dict():
                for field in part.fields:
                    if field.encode_name in raw:
                        old = getattr(value, field.name)
                        new = _restored(field.type, raw[field.encode_name], old)
                        if new is not old:
                            # A Literal is not checked where it is set.
                            force_setattr(value, field.name, new)
                return value
            case VarTupleType(), list() if value:
                return tuple(
                    _restored(part.item_type, was, each)
                    for was, each in zip(raw, value, strict=True)
                )
            case DictType(), dict() if value:
                return {
                    name: _restored(part.value_type, raw[name], each)
                    for name, each in value.items()
                }
    return value
