"""Bursts of pulses: matched filters, significance, background, and the likelihood of a burst."""
