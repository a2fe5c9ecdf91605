"""From raw files and a dictionary to a study that loses no row and hides no decision."""

from .run import HarmonizeError, harmonize, harmonize_to

__all__ = ["HarmonizeError", "harmonize", "harmonize_to"]
