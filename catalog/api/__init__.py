"""The STAC API: what the catalog holds, to be searched and fetched over HTTP."""
