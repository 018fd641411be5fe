"""From a recorder's table to result rows and figures: one module an analysis."""
