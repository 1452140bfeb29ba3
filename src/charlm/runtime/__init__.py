"""The runtime environment: devices, processes, threads and seeds."""
