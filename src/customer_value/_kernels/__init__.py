"""Compiled row loops and the mathematics under them: arrays in, arrays out, nothing raised."""
