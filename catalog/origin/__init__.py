"""Where items come from, what replaced them, and whether they can be made again."""
