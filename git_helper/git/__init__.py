"""Repositories: what servers have, and trees of them on disk. The only room that imports dulwich."""
