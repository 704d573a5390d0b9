"""Running kernels: compiling, chunks of rows on threads, parameters per row."""
