"""Plant a fault in a derivative: ``GRADRULES_FAULT=det:vjp:sign gradrules check --load planted``."""

import os

import gradrules as gr


def _matrix(x):
    return x is not None and len(x.shape) >= 2 and x.shape[-1] == x.shape[-2]


def _damage(fault, values, xp):
    many = isinstance(values, tuple)
    out = []
    for v in values if many else (values,):
        if v is None:
            out.append(v)
        elif fault == "transpose":
            out.append(xp.matrix_transpose(v) if _matrix(v) else v)
        elif fault == "conjugate":
            out.append(xp.conj(v) if xp.isdtype(v.dtype, "complex floating") else v)
        elif fault == "half":
            out.append(v / 2)
        else:
            out.append(-v)
    return tuple(out) if many else out[0]


def plant(rule, part, fault):
    """Replace one derivative of `rule` by a damaged one; returns how to undo it."""
    original = rule._functions[part]

    def damaged(*args, xp, **options):
        *rest, linear = args
        if fault == "dropped":
            if len(linear) > 1:  # one tangent or cotangent is forgotten
                linear = (None, *linear[1:])
                if all(v is None for v in linear):
                    targets = rest[0] if part.endswith("vjp") else rest[1]
                    return (None,) * len(targets)
                return original(*rest, linear, xp=xp, **options)
            values = original(*rest, linear, xp=xp, **options)
            return (None, *values[1:])
        return _damage(fault, original(*rest, linear, xp=xp, **options), xp)

    rule._functions[part] = damaged

    def undo():
        rule._functions[part] = original

    return undo


if "GRADRULES_FAULT" in os.environ:
    _name, _part, _fault = os.environ["GRADRULES_FAULT"].split(":")
    plant(gr.adapters.lookup(_name), _part, _fault)
