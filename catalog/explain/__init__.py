"""Why a pixel is what it is."""
