"""What users say, as data: durations and moments, settings that check themselves, and the kinds that they may name."""
