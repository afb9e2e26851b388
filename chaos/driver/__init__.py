"""Drives rigs of real processes: makes work, kills and stops, and writes down what it saw."""
