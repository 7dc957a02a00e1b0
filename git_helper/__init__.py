"""git-helper: one executable for every moment in which a Git dependency needs a credential."""

__version__ = "0.1.0"
