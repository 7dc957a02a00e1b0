"""Where a credential may come from; one place a file, strangers to each other."""
