"""Where and when. Flows import nothing from here."""
