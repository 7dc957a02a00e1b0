"""Package registries: pages that list files, and the files."""
