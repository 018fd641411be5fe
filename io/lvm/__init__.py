"""What `io.labview` is made of: LabVIEW measurement files, whose headers stand between the rows."""
