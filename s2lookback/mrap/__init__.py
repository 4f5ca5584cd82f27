"""The most recent available pixel: an order-free fold of scenes."""
