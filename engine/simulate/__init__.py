"""A beam time that never was, in the files that a real one leaves, with the truth beside them."""
