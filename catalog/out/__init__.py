"""Items out to other tools."""
