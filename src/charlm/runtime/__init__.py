"""Devices, processes and seeds: what a program runs on."""
