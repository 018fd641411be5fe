"""All sources on one time axis: the table, its rows and columns, clocks, and windows around events."""
