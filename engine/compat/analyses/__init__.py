"""Import paths of the specification: `from analyses.ssd_analyses import SSDAnalysis`."""
