"""The only door between frames and arrays: contracts, time, arrays in, columns out."""
