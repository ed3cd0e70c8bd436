"""What an engine costs: area and clock of the very netlist that was tested, mapped to a library of cells."""
