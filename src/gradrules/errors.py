"""The errors that gradrules raises, each before any numerical work is done."""

__all__ = [
    "AdapterError",
    "ArrayTypeError",
    "CapturedArrayError",
    "GradrulesError",
    "MissingDerivativeError",
    "NotDifferentiableError",
    "OptionError",
    "OverrideWarning",
    "RegistrationError",
    "ShapeError",
    "UnsupportedTransformError",
]


class GradrulesError(Exception):
    """Base class of every error raised on purpose by gradrules."""


class ArrayTypeError(GradrulesError, TypeError):
    """An argument is not an array, has the wrong dtype, or the arrays do not belong together."""


class CapturedArrayError(GradrulesError, ValueError):
    """A function given to a rule reads an array whose gradient would be lost; pass it as a parameter."""


class ShapeError(GradrulesError, ValueError):
    """The shapes do not fit the signature of the rule."""


class OptionError(GradrulesError, TypeError):
    """An option is unknown, has a value that is not allowed, or cannot be hashed."""


class MissingDerivativeError(GradrulesError, NotImplementedError):
    """A derivative is asked for that the rule does not define."""


class NotDifferentiableError(GradrulesError, ValueError):
    """A derivative is asked for with respect to an input declared not differentiable."""


class RegistrationError(GradrulesError, ValueError):
    """A rule is registered twice, or its declaration contradicts itself."""


class AdapterError(GradrulesError, ImportError):
    """An adapter is missing, or fails to import."""


class UnsupportedTransformError(GradrulesError, NotImplementedError):
    """A framework cannot carry out the transformation or the operation that is asked for."""


class OverrideWarning(UserWarning):
    """An override cannot reach a function that was imported by name before."""
