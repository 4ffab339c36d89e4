"""Card files, parsed and checked: the Library of everything there is to study."""
