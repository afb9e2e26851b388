"""Schedules of a real process whose clock jumps, against a calendar that is not ours."""
