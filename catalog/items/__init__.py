"""What items and collections say of products; all pure but for the schemas."""
