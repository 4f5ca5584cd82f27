"""Where a catalog's files are kept: in a folder, or in a bucket and this machine's copy of it."""
