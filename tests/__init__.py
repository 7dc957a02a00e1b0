"""The tests; folders mirror the rooms of git_helper/. Shared helpers are in tests/support.py."""
