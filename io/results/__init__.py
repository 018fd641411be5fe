"""What `io/store.py` is made of: locks between processes, spreadsheets' dialects of CSV, cells, and merged rows."""
