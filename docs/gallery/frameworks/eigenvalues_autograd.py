import autograd
import autograd.numpy as np

import gradrules as gr

a = np.array(
    [
        [0.6102723, 0.17637432, 0.38962376],
        [0.3735156, 0.6306771, 0.19141042],
        [0.34370267, 0.7677151, 0.4024818],
    ]
)
gradient = autograd.grad(lambda a: gr.eigvalsh(a, lower=True)[0])(a)
