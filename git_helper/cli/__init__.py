"""The Typer application: options to settings to task to ui, no logic."""
