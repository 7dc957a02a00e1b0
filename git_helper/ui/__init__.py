"""Everything drawn with rich."""
