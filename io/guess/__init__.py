"""What a table that nobody described means: encoding, delimiter, header, signs, kinds and times, from its start."""
