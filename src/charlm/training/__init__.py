"""The gradient loop and what it is made of."""
