"""Rollcall: face attendance from the cameras a site already has."""
