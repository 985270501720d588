"""softlit beside SciPy, PyTorch, JAX and the textbook form: speed and accuracy, kept as committed data."""
