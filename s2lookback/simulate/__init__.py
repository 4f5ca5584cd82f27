"""Scenes with a known truth, made by code that shares nothing with the methods it judges."""
