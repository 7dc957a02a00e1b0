"""The machine: environment, files, processes, terminal."""
