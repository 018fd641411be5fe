"""Import paths of the specification: `from recorders.ssd_recorder import SSDRecorder`."""
