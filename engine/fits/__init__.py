"""Maximum-likelihood fits: models from `kernels`, minimised by scipy, answered as `Fit`."""
