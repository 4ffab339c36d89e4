"""The stages of a verdict, one file each."""
