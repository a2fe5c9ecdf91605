"""Printed names and words in the language of the reader.

Estimators write English. What is printed passes through `Labels`: names of variables and categories come from the
data dictionary, the words and sentences of this package (``Number at risk``, methods, notes) from one catalogue for each
language. What a catalogue lacks stays English.
"""

from .catalogue import LANGUAGES
from .labels import Labels, labels_of

__all__ = ["LANGUAGES", "Labels", "labels_of"]
