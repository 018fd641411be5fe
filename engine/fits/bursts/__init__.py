"""Bursts of pulses: search, false alarms, and the fit of one or of several that overlap."""
