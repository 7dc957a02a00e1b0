"""HTTP: connections, trust, and what the server said."""
