"""Running kernels: compiling, chunks of rows on threads, parameters a row."""
