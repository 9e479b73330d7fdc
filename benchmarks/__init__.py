"""Measurements; each is a program that prints what it found."""
