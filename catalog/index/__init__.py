"""How items are found: an index that can be made anew from them at any time."""
