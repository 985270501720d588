# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
"""The softmax function and its relatives in NumPy, from a book that derives and checks them."""

from softlit.argmax import (
    hardmax,
    soft_argmax,
    soft_argmax_grad,
)
from softlit.attention import (
    attention,
)
from softlit.calibration import (
    calibration_error,
    calibration_table,
    fit_beta,
)
from softlit.curvature import (
    softmax_spectral_norm,
)
from softlit.duality import (
    beta_for_entropy,
    beta_for_mean,
)
from softlit.information import (
    entropy,
    kl_divergence,
)
from softlit.jacobian import (
    softmax_jacobian,
    softmax_jvp,
    softmax_vjp,
)
from softlit.kernels import (
    log_softmax,
    logcumsumexp,
    logsumexp,
    softmax,
)
from softlit.logistic import (
    logit,
    sigmoid,
    softplus,
    softplus_inverse,
)
from softlit.losses import (
    cross_entropy,
    cross_entropy_grad,
    kl_from_logits,
)
from softlit.maxima import (
    boltzmann_max,
    lse_max,
    mellowmax,
)
from softlit.relatives import (
    entmax,
    entmax_jvp,
    sparsemax,
)
from softlit.sampling import (
    sample,
    sample_distinct,
)
from softlit.simplex import (
    closure,
    clr,
    perturb,
    power,
    softmax_inverse,
)
from softlit.streaming import (
    SoftmaxState,
    softmax_chunks,
)
from softlit.temperature import (
    softmin,
)
from softlit.truncation import (
    min_p_mask,
    top_k_mask,
    top_p_mask,
)

__version__ = "0.1.0"

__all__ = [
    "SoftmaxState",
    "attention",
    "beta_for_entropy",
    "beta_for_mean",
    "boltzmann_max",
    "calibration_error",
    "calibration_table",
    "closure",
    "clr",
    "cross_entropy",
    "cross_entropy_grad",
    "entmax",
    "entmax_jvp",
    "entropy",
    "fit_beta",
    "hardmax",
    "kl_divergence",
    "kl_from_logits",
    "log_softmax",
    "logcumsumexp",
    "logit",
    "logsumexp",
    "lse_max",
    "mellowmax",
    "min_p_mask",
    "perturb",
    "power",
    "sample",
    "sample_distinct",
    "sigmoid",
    "soft_argmax",
    "soft_argmax_grad",
    "softmax",
    "softmax_chunks",
    "softmax_inverse",
    "softmax_jacobian",
    "softmax_jvp",
    "softmax_spectral_norm",
    "softmax_vjp",
    "softmin",
    "softplus",
    "softplus_inverse",
    "sparsemax",
    "top_k_mask",
    "top_p_mask",
]
