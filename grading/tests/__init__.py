"""Tests of the staff tools."""
