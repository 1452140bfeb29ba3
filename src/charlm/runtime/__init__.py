"""The runtime environment: devices, processes and seeds."""
