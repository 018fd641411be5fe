from recorders.ssd_recorder import SSDRecorder

ssd_recorder = SSDRecorder(filepath="my_filepath.csv")
df = ssd_recorder.get_table() #  Data joined with metadata
metadata_df = ssd_recorder.get_metadata()  # Just metadata
