"""The interview log: what was asked, how it went, importing and exporting it."""
