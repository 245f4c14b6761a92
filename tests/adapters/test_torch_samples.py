"""PyTorch's own sample inputs of its linear algebra, through our derivatives.

Values must be those of the native function, and gradcheck and gradgradcheck must pass, with forward mode.
"""

import operator
import os

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest", reason="torch.testing._internal needs expecttest")

from torch.autograd import gradcheck, gradgradcheck  # noqa: E402
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

import gradrules as gr  # noqa: E402

# A few samples of each function, in one dtype, and random directions here; all, and every entry, by
# ``nox -s everything``.
FAST = not os.environ.get("GRADRULES_EVERYTHING")
FEW = 2
DTYPES = (torch.float64, torch.complex128)
OVERRIDDEN = {path for native in gr.adapters.load("torch").natives for path in native.paths.split()}
# Every OpInfo of a function that a rule stands in for.
CELLS = [
    pytest.param(op, dtype, id=f"{op.formatted_name}-{str(dtype).rpartition('.')[2]}")
    for op in op_db
    if f"torch.{op.name}" in OVERRIDDEN
    for dtype in [d for d in DTYPES if op.supports_dtype(d, "cpu")][-1 if FAST else 0 :]
]


def called(op):
    """The function as a user's code calls it: by name, so that an override is met."""
    find = operator.attrgetter(op.name)
    if op.op is find(torch):
        return lambda *args, **options: find(torch)(*args, **options)
    return op.op  # a function of PyTorch's tests, which calls by name itself


# What is found here is what torch has before any override.
CALLED = {op.formatted_name: called(op) for op in op_db if f"torch.{op.name}" in OVERRIDDEN}
# A norm at 0 has a subgradient, and differences see none; PyTorch's own derivatives fail there, too.
KINKS = {"linalg_norm_subgradients_at_zero"}


def floating(tree):
    """The tensors of a result that have derivatives."""
    return tuple(t for t in tree if t.is_floating_point() or t.is_complex())


@pytest.mark.parametrize(("op", "dtype"), CELLS)
def test_samples(op, dtype):
    torch.manual_seed(0)
    samples = list(op.sample_inputs("cpu", dtype, requires_grad=True))
    assert samples
    for sample in samples[:: max(1, len(samples) // FEW) if FAST else 1]:
        leaves = [sample.input, *sample.args]
        tensors = [x for x in leaves if isinstance(x, torch.Tensor)]

        def function(*given, sample=sample, leaves=leaves):
            rest = iter(given)
            first, *others = (next(rest) if isinstance(x, torch.Tensor) else x for x in leaves)
            y = op.gradcheck_wrapper(CALLED[op.formatted_name], first, *others, **sample.kwargs)
            y = sample.output_process_fn_grad(y)
            return floating(y if isinstance(y, tuple | list) else (y,))

        # Where a gradient may follow, torch takes other routines for some, with other rounding.
        natives = function(*(x.detach() for x in tensors)), function(*tensors)
        with gr.override("torch"):
            ours = function(*tensors)
            assert any(all(map(torch.equal, ours, native)) for native in natives)
            # The zero matrix that is made of no entries at all has no derivative of its pseudo-inverse.
            of_nothing = op.formatted_name == "linalg_pinv_singular" and not tensors[0].numel()
            if op.formatted_name in KINKS or of_nothing:
                continue
            assert gradcheck(function, tensors, check_forward_ad=True, fast_mode=FAST)
            assert gradgradcheck(function, tensors, fast_mode=FAST)
