"""What a physicist uses: recorders, fits, analyses, figures, the runner and the command."""
