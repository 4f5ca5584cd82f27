"""Thin cloud made thinner, every estimated pixel flagged."""
