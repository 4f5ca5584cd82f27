"""What each pixel of a scene is, how sure we are, and what it may be used for."""
