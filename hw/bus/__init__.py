"""What joins an engine to a system: AXI4, AXI4-Lite and AXI4-Stream."""
