"""From what a case showed to a cause: codes, messages in both languages, pictures of where the errors are."""
